"""Plug-ins: what is not right is left out and said, and never stops anything."""

from importlib.metadata import EntryPoint

import pytest

from agentslo.config.dialect_options import DialectOptions
from agentslo.dialects import plugins
from agentslo.dialects.base import Dialect, SpanView
from agentslo.dialects.read import Reader
from agentslo.dialects.registry import in_force
from agentslo.model import Role, Step
from agentslo.testing import span

GROUP = "agentslo.dialects"


def mine(view: SpanView) -> Role | None:
    return Role.HUMAN if "mine" in view.attributes else None


def raises(_view: SpanView) -> Role | None:
    raise ValueError("broken")


def refine_raises(_view: SpanView, _step: Step) -> None:
    raise ValueError("broken")


GOOD = Dialect(name="mine", role=mine, markers=(b"mine",))
BROKEN = Dialect(name="broken", role=raises, refine=refine_raises)
BOTH = (GOOD, BROKEN)
WRONG = "not a dialect"
NO_FUNCTION = Dialect(name="odd", role="no function")  # type: ignore[arg-type]


def point(name: str) -> EntryPoint:
    return EntryPoint(name.lower(), f"{__name__}:{name}", GROUP)


def test_dialects_and_tuples_of_them_are_loaded() -> None:
    found = plugins.load([point("GOOD"), point("BOTH")])

    assert [d.name for d in found.dialects] == ["mine", "broken", "mine"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (point("WRONG"), "it is a str, not a Dialect"),
        (point("NO_FUNCTION"), "role and refine of 'odd' must be functions"),
        (EntryPoint("gone", "no_such_module:X", GROUP), "ModuleNotFoundError"),
        (EntryPoint("gone", f"{__name__}:MISSING", GROUP), "AttributeError"),
    ],
)
def test_what_is_no_dialect_is_left_out_and_said(entry: EntryPoint, said: str) -> None:
    found = plugins.load([point("GOOD"), entry])

    assert [d.name for d in found.dialects] == ["mine"]
    (problem,) = found.problems
    assert said in problem and repr(entry.name) in problem


def test_plug_ins_come_before_the_built_in_dialects() -> None:
    found = plugins.load([point("GOOD")])
    reader = Reader(in_force(DialectOptions(), found.dialects))

    step = reader.step(span("chat", {"gen_ai.operation.name": "chat", "mine": 1}), 0)

    assert step is not None and (step.role, step.dialect) == (Role.HUMAN, "mine")
    assert b"mine" in reader.markers


def test_a_plug_in_that_raises_is_counted_and_the_span_is_read_without_it() -> None:
    found = plugins.load([point("BROKEN")])
    reader = Reader(in_force(DialectOptions(), found.dialects))

    step = reader.step(span("chat", {"gen_ai.operation.name": "chat"}), 0)

    assert step is not None and step.role is Role.LLM
    assert found.failures == {"broken": 2}
