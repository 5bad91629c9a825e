"""Which tool names hand a conversation over to a person."""

import pytest

from agentslo.outcomes.escalation import escalates


@pytest.mark.parametrize(
    "name",
    [
        *("transfer_to_human", "transfer_to_human_agents", "transferToHumanAgent"),
        *("escalate", "escalate_to_supervisor", "escalateTicket", "escalate-case"),
        *("handoff_to_operator", "hand_off_to_human", "route_to_human_support", "human_handoff"),
        *("transfer_to_user", "handoff_to_user", "handOffToUser", "swarm.transfer_to_the_user"),
        *("crm.escalate", "connect_to_representative", "human_takeover"),
    ],
)
def test_a_name_that_hands_over_to_a_person_escalates(name: str) -> None:
    assert escalates(name)


@pytest.mark.parametrize(
    "name",
    [
        *("transfer_to_agent", "transfer_to_billing_agent", "transfer_funds", "deescalate"),
        *("get_human_readable_date", "route_planner", "handoff_to_billing", "lookup", ""),
        *("transfer_to_user_profiles", "handoff_to_user_service_agent", "reply_to_user"),
        *("list_escalations", "humanize_text", "forward_email", "connect_to_database"),
    ],
)
def test_a_name_that_only_sounds_like_it_does_not_escalate(name: str) -> None:
    assert not escalates(name)
