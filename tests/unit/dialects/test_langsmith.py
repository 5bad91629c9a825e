"""LangSmith's OTel export, recorded with langsmith 0.15.0."""

from agentslo.dialects.read import Reader
from agentslo.model import Role
from agentslo.testing import span
from support import recorded


def test_a_traced_function_is_a_run_with_its_thread(tmp_path) -> None:
    (run,) = recorded.runs("langsmith-ok", tmp_path)

    assert (run["agent"], run["conversation_id"]) == ("shop/support_agent", "s-1")
    assert (run["llm_calls"], run["tool_calls"], run["tool_errors"]) == (2, 2, 1)
    assert (run["tokens_in"], run["tokens_out"], run["retrievals"]) == (200, 40, 1)


def test_kinds_win_over_misleading_operations() -> None:
    steps = {s.name: s for s in recorded.steps("langsmith-ok")}

    assert steps["prompt"].role is Role.STEP  # its operation says `chat`
    assert steps["kb"].role is Role.RETRIEVAL  # its operation says `embeddings`
    assert steps["kb"].documents == 1


def test_the_class_inside_the_message_of_an_exception_counts(tmp_path) -> None:
    (run,) = recorded.runs("langsmith-interrupt", tmp_path)

    assert (run["outcome"], run["reason"]) == ("waiting", "paused")


def test_an_ordinary_exception_stays_a_failure_with_its_class() -> None:
    broken = next(s for s in recorded.steps("langsmith-ok") if s.name == "broken")

    assert (broken.failed, broken.error_type) == (True, "RuntimeError")


def test_the_id_of_a_project_is_no_conversation() -> None:
    found = {"langsmith.span.kind": "chain", "langsmith.trace.session_id": "project"}

    step = Reader().step(span("chain", found), 0)

    assert step is not None and step.conversation_id == ""
