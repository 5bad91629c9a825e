"""pydantic-ai's own keys: deferral from its documentation, not verified on a recording."""

from agentslo.dialects.read import Reader
from agentslo.model import Fault, Role
from agentslo.testing import span

TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund"}


def test_a_deferred_call_is_a_pause_although_its_span_is_an_error() -> None:
    found = {**TOOL, "pydantic_ai.tool.deferral.name": "ApprovalRequired"}

    step = Reader().step(span("execute_tool refund", found, scope="pydantic-ai", status=2), 0)

    assert step is not None and (step.fault, step.failed) == (Fault.PAUSED, None)


def test_arguments_that_do_not_validate_are_a_failed_call() -> None:
    found = {**TOOL, "pydantic_ai.tool.failure_stage": "validation"}

    step = Reader().step(span("execute_tool refund", found, scope="pydantic-ai"), 0)

    assert step is not None and step.failed is True


def test_spans_older_than_operation_names_have_roles() -> None:
    names = {"agent run": Role.AGENT, "running tool": Role.TOOL, "running tools": Role.STEP}

    read = {n: Reader().step(span(n, scope="pydantic-ai"), 0) for n in names}

    assert {n: step.role for n, step in read.items() if step} == names
