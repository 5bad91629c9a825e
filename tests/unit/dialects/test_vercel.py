"""Vercel AI SDK, recorded with ai 7.0.173 and @ai-sdk/otel: legacy telemetry and version 7."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Finish, Role
from agentslo.testing import span
from support import recorded

BOTH = pytest.mark.parametrize("kind", ["vercel-legacy", "vercel-7"])


@BOTH
def test_a_call_with_a_tool_is_one_run_of_the_named_function(kind: str, tmp_path) -> None:
    (run,) = recorded.runs(f"{kind}-ok", tmp_path)

    assert (run["agent"], run["outcome"]) == ("shop/support_agent", "completed")
    assert (run["llm_calls"], run["tool_calls"], run["tool_errors"]) == (2, 1, 0)
    assert (run["tokens_in"], run["tokens_out"]) == (250, 32)


@BOTH
def test_a_tool_that_raised_is_a_tool_error(kind: str, tmp_path) -> None:
    (run,) = recorded.runs(f"{kind}-toolerror", tmp_path)

    assert (run["outcome"], run["tool_errors"]) == ("tool_failure", 1)


def test_a_model_that_raised_ends_the_run(tmp_path) -> None:
    (run,) = recorded.runs("vercel-legacy-error", tmp_path)

    assert (run["outcome"], run["reason"]) == ("error", "model_error")


def test_an_answer_cut_off_is_a_limit(tmp_path) -> None:
    (run,) = recorded.runs("vercel-legacy-truncated", tmp_path)

    assert (run["outcome"], run["reason"]) == ("limit", "answer_truncated")


def test_an_aborted_stream_has_no_answer() -> None:
    models = [s for s in recorded.steps("vercel-legacy-abort") if s.role is Role.LLM]

    assert [m.answered for m in models] == [False]


def test_legacy_steps_tell_model_provider_tool_and_reason() -> None:
    steps = recorded.steps("vercel-legacy-ok")
    model = next(s for s in steps if s.role is Role.LLM)
    tool = next(s for s in steps if s.role is Role.TOOL)

    assert (model.model, model.provider, model.finish) == ("mock-1", "openai", Finish.TOOL_CALL)
    assert (tool.tool, tool.has_args, tool.has_result) == ("get_order", True, True)
    assert all(s.agent == "support_agent" for s in steps)


def test_a_session_in_the_telemetry_metadata_is_the_conversation() -> None:
    found = {"ai.operationId": "ai.streamText", "ai.telemetry.metadata.sessionId": "s-1"}

    step = Reader().step(span("ai.streamText", found), 0)

    assert step is not None and (step.role, step.conversation_id) == (Role.AGENT, "s-1")


@pytest.mark.parametrize(
    ("operation", "role"),
    [
        ("ai.generateObject", Role.AGENT),
        ("ai.generateObject.doGenerate", Role.LLM),
        ("ai.embedMany", Role.EMBEDDING),
        ("ai.embedMany.doEmbed", Role.EMBEDDING),
        ("ai.rerank", Role.RETRIEVAL),
        ("ai.somethingNew", None),
    ],
)
def test_roles_follow_the_operation_id(operation: str, role: Role | None) -> None:
    step = Reader().step(span(operation, {"ai.operationId": operation}), 0)

    assert (step.role if step else None) is role
