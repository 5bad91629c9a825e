"""Strands Agents, recorded with strands-agents 1.62.0."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Fault, Finish, Role
from agentslo.testing import span
from support import recorded

SCOPE = "strands.telemetry.tracer"


@pytest.mark.parametrize("name", ["strands-a_success_tool", "strands-latest-a_success_tool"])
def test_reasons_arguments_and_results_are_read_from_events(name: str) -> None:
    steps = recorded.steps(name)
    models = [s for s in steps if s.role is Role.LLM]
    tool = next(s for s in steps if s.role is Role.TOOL)

    assert [m.finish for m in models] == [Finish.TOOL_CALL, Finish.STOP]
    assert tool.has_args and tool.has_result and tool.args_hash is not None


@pytest.mark.parametrize(
    ("scenario", "outcome", "reason"),
    [
        ("a_success_tool", "completed", "ended_normally"),
        ("b_tool_error_giveup", "tool_failure", "tool_error_not_recovered"),
        ("p_approval_pending", "waiting", "paused"),
        ("s_cancelled", "cancelled", "cancelled"),
        ("f_loop_same_call", "limit", "limit_exceeded"),
        ("o_truncated", "limit", "limit_exceeded"),
    ],
)
def test_runs_end_as_they_did(scenario: str, outcome: str, reason: str, tmp_path) -> None:
    (run,) = recorded.runs(f"strands-{scenario}", tmp_path)

    assert (run["agent"], run["outcome"], run["reason"]) == ("shop/support_agent", outcome, reason)


def test_tokens_are_counted_once_although_the_agent_sums_them(tmp_path) -> None:
    (run,) = recorded.runs("strands-a_success_tool", tmp_path)

    assert (run["tokens_in"], run["tokens_out"], run["llm_calls"]) == (300, 42, 2)


def test_a_tool_status_counts_where_the_span_is_ok() -> None:
    found = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.status": "error"}

    step = Reader().step(span("execute_tool x", found, scope=SCOPE, status=1), 0)

    assert step is not None and (step.fault, step.failed) == (Fault.OTHER, True)


def test_handing_over_to_a_person_is_no_mere_pause() -> None:
    root = next(s for s in recorded.steps("strands-d_escalate_handoff_to_user") if not s.parent_id)

    assert root.fault is None


def test_a_choice_event_of_another_scope_is_left_alone() -> None:
    found = {"gen_ai.operation.name": "invoke_agent"}
    events = [("gen_ai.choice", {"finish_reason": "interrupt"})]

    step = Reader().step(span("invoke_agent x", found, scope="mine", events=events), 0)

    assert step is not None and step.fault is None
