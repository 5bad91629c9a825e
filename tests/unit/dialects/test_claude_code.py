"""Claude Code: spans built from the vendor's documentation, not verified on a recording."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Fault, Finish, Role, Step
from agentslo.testing import span


def read(kind: str, **found: object) -> Step:
    keys = {"session.id": "s-1", "span.type": kind, **found}
    step = Reader().step(span(f"claude_code.{kind}", keys), 0)
    assert step is not None
    return step


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("interaction", Role.AGENT),
        ("llm_request", Role.LLM),
        ("tool", Role.TOOL),
        ("tool.execution", Role.TOOL),
        ("tool.blocked_on_user", Role.HUMAN),
        ("hook", Role.STEP),
    ],
)
def test_every_kind_of_span_has_its_role_and_session(kind: str, role: Role) -> None:
    step = read(kind)

    assert (step.role, step.conversation_id, step.dialect) == (role, "s-1", "claude-code")


def test_cached_tokens_are_added_to_the_input() -> None:
    step = read(
        "llm_request",
        model="claude-opus-4",
        input_tokens=5,
        output_tokens=20,
        cache_read_tokens=80,
        cache_creation_tokens=15,
        stop_reason="tool_use",
    )

    assert (step.usage_in, step.usage_out, step.usage_cached) == (100, 20, 80)
    assert (step.model, step.finish, step.answered) == ("claude-opus-4", Finish.TOOL_CALL, True)


@pytest.mark.parametrize("success", [False, "false"])
def test_an_execution_without_success_failed(success: object) -> None:
    assert read("tool.execution", success=success).failed is True


def test_a_request_without_success_is_an_error() -> None:
    assert read("llm_request", success=False).fault is Fault.OTHER


def test_a_person_who_aborts_cancels_and_one_who_rejects_a_call_does_not() -> None:
    aborted = read("tool.blocked_on_user", decision="reject", source="user_abort")
    rejected = read("tool.blocked_on_user", decision="reject", source="user_reject")

    assert (aborted.fault, rejected.fault) == (Fault.CANCELLED, None)


def test_bare_keys_mean_nothing_on_the_spans_of_others() -> None:
    found = {"gen_ai.operation.name": "chat", "model": "x", "input_tokens": 7, "tool_name": "y"}

    step = Reader().step(span("chat", found), 0)

    assert step is not None and (step.model, step.usage_in, step.tool) == ("", None, "")


def test_a_span_type_alone_says_nothing() -> None:
    assert Reader().step(span("web.request", {"span.type": "tool"}), 0) is None


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("Result error: error_max_turns", Fault.LIMIT),
        ("Result error: error_during_execution", Fault.OTHER),
    ],
)
def test_the_sdk_wrapper_names_the_limit_it_met(message: str, fault: Fault) -> None:
    found = {"openinference.span.kind": "AGENT"}

    step = Reader().step(span("ClaudeAgentSDK.query", found, status=2, message=message), 0)

    assert step is not None and step.fault is fault
