"""CrewAI's own traces, recorded with crewai 1.15.30; guardrails and policies from its source."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Role, Step
from agentslo.testing import span
from support import recorded


def read(name: str, **found: object) -> Step:
    keys = {k.replace("__", "."): v for k, v in found.items()}
    step = Reader().step(span(name, keys, scope="crewai"), 0)
    assert step is not None
    return step


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [
        ("a_success_tool", "completed"),
        ("b_tool_error_giveup", "tool_failure"),
        ("s_cancelled", "cancelled"),
        ("s_max_execution_time", "limit"),
    ],
)
def test_crews_end_as_they_did(scenario: str, outcome: str, tmp_path) -> None:
    (run,) = recorded.runs(f"crewai-{scenario}", tmp_path)

    assert run["outcome"] == outcome


def test_the_role_names_the_agent_not_the_hash_of_its_key(tmp_path) -> None:
    (run,) = recorded.runs("crewai-a_success_tool", tmp_path)

    assert run["agent"] == "shop/support agent"
    assert (run["tokens_in"], run["tool_calls"], run["llm_calls"]) == (300, 1, 2)


def test_the_note_of_a_failed_tool_is_not_a_second_call(tmp_path) -> None:
    (run,) = recorded.runs("crewai-b_tool_error_giveup", tmp_path)

    assert (run["tool_calls"], run["tool_errors"]) == (1, 1)
    assert read("tool failure", gen_ai__operation__name="execute_tool").role is Role.STEP


def test_a_tool_that_declares_its_failure_failed() -> None:
    assert read("call tool", crewai__tool__failure__message="no such order").failed is True


def test_the_code_of_a_failure_is_its_type_and_else_its_reason() -> None:
    told = {"crewai__tool__failure__reason": "execution_error"}
    reason = read("call tool", **told)
    code = read("call tool", **told, crewai__tool__failure__code="E_GATEWAY")

    assert (reason.failed, reason.error_type) == (True, "execution_error")
    assert (code.failed, code.error_type) == (True, "E_GATEWAY")


@pytest.mark.parametrize("passed", [True, False])
def test_a_guardrail_is_triggered_where_it_did_not_succeed(passed: bool) -> None:
    step = read("evaluate guardrail", crewai__guardrail__success=passed)

    assert (step.role, step.triggered) == (Role.GUARDRAIL, not passed)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("query memory", Role.RETRIEVAL),
        ("save memory", Role.MEMORY),
        ("request human feedback", Role.HUMAN),
        ("execute flow", Role.WORKFLOW),
    ],
)
def test_names_without_operations_have_roles(name: str, role: Role) -> None:
    assert read(name).role is role


def test_the_same_names_elsewhere_mean_nothing() -> None:
    assert Reader().step(span("save memory", scope="shop"), 0) is None
