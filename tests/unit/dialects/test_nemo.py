"""NeMo Guardrails: spans from nemoguardrails 0.24.1's constants, not verified on a recording."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Role
from agentslo.testing import span


def test_a_request_is_a_step_that_may_head_a_run() -> None:
    found = {"gen_ai.operation.name": "guardrails"}

    step = Reader().step(span("guardrails.request", found, kind=2), 0)

    assert step is not None and step.role is Role.STEP


@pytest.mark.parametrize("stop", [True, False])
def test_a_rail_says_whether_it_stopped_the_request(stop: bool) -> None:
    found = {"rail.type": "input", "rail.name": "self check", "rail.stop": stop}

    step = Reader().step(span("guardrails.rail", found), 0)

    assert step is not None and (step.role, step.triggered) == (Role.GUARDRAIL, stop)


def test_a_rail_that_does_not_mention_a_stop_passed() -> None:
    step = Reader().step(span("guardrails.rail", {"rail.type": "output"}), 0)

    assert step is not None and step.triggered is False


@pytest.mark.parametrize("kind", ["dialog", "generation"])
def test_rails_that_write_the_answer_are_steps(kind: str) -> None:
    step = Reader().step(span("guardrails.rail", {"rail.type": kind}), 0)

    assert step is not None and step.role is Role.STEP
