"""Agent Framework 1.23.0, AutoGen 0.7.5 and Semantic Kernel 1.45.0, recorded; Azure AI from its
constants, not verified."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Fault, Finish, Role
from agentslo.testing import span
from support import recorded


def test_a_workflow_is_one_run_and_building_it_is_none(tmp_path) -> None:
    (run,) = recorded.runs("agent-framework-d_handoff_agent", tmp_path)

    assert (run["outcome"], run["sub_agents"]) == ("completed", ["billing_agent"])
    assert (run["tokens_in"], run["tokens_out"]) == (275, 42)


def test_workflow_spans_of_another_scope_mean_nothing() -> None:
    assert Reader().step(span("workflow.run", scope="argo"), 0) is None


def test_an_autogen_agent_is_a_run_and_creating_it_is_none(tmp_path) -> None:
    (run,) = recorded.runs("autogen-a_success_tool", tmp_path)

    assert (run["agent"], run["tool_calls"]) == ("shop/support_agent", 1)
    assert (run["tokens_in"], run["llm_calls"]) == (None, None)  # no span tells, so it is not 0


def test_the_traces_of_a_team_share_its_key(tmp_path) -> None:
    runs = recorded.runs("autogen-h_round_robin", tmp_path)

    assert [run["agent"] for run in runs] == ["shop/researcher", "shop/critic"]
    assert len({run["conversation_id"] for run in runs}) == 1


def test_a_key_that_all_share_is_no_conversation() -> None:
    found = {"messaging.operation": "process", "messaging.destination": "agent.(default)-A"}

    step = Reader().step(span("autogen process agent", found, scope="autogen runtime"), 0)

    assert step is not None and (step.role, step.conversation_id) == (Role.STEP, "")


def test_a_kernel_with_a_tool_is_a_run_with_its_reasons(tmp_path) -> None:
    (run,) = recorded.runs("semantic-kernel-a_success_tool", tmp_path)
    models = [s for s in recorded.steps("semantic-kernel-a_success_tool") if s.role is Role.LLM]

    assert (run["agent"], run["tokens_in"], run["tool_calls"]) == ("shop/support_agent", 275, 1)
    assert [m.finish for m in models] == [Finish.TOOL_CALL, Finish.STOP]


def test_text_services_of_a_kernel_are_model_calls() -> None:
    found = {"gen_ai.operation.name": "text_completions"}

    step = Reader().step(span("text_completions m", found, scope="semantic_kernel.connectors"), 0)

    assert step is not None and step.role is Role.LLM


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        ("completed", None),
        ("failed", Fault.OTHER),
        ("RunStatus.REQUIRES_ACTION", Fault.PAUSED),
        ("cancelled", Fault.CANCELLED),
        ("expired", Fault.LIMIT),
    ],
)
def test_the_status_of_an_azure_run_ends_it(status: str, fault: Fault | None) -> None:
    found = {"gen_ai.operation.name": "process_thread_run", "gen_ai.thread.run.status": status}

    step = Reader().step(span("process_thread_run", found), 0)

    assert step is not None and (step.role, step.fault) == (Role.AGENT, fault)


@pytest.mark.parametrize("operation", ["list_threads", "get_thread_run", "create_agent"])
def test_keeping_azure_threads_is_administration(operation: str) -> None:
    step = Reader().step(span(operation, {"gen_ai.operation.name": operation}), 0)

    assert step is not None and step.role is Role.ADMIN
