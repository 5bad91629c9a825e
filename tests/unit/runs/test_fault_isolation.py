"""A bug that strikes one run costs that run: the others close, and its root still leaves."""

import logging
from collections.abc import Callable

import pytest

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.outcomes.view import RunView
from agentslo.runs import assemble
from agentslo.service import verdicts
from agentslo.service.assembly import pipeline as pipeline_of
from agentslo.service.events import Counted, Happening, Released
from agentslo.service.pipeline import Pipeline
from scenarios import tree

SECRET = "what a person wrote"


def fed(**options: object) -> Pipeline:
    """A pipeline with one run each of good, bad and fine, all over."""
    found = pipeline_of(ServiceConfig(runs=RunsOptions(**options)))  # type: ignore[arg-type]  # by name
    rows = [
        {"agent": name, "trace": name, "at": [0, 1], "conversation": name}
        for name in ("good", "bad", "fine")
    ]
    found.traces(tree.request(tree.spans(rows)), tree.at_ns(1))
    return found


def counted(happenings: list[Happening]) -> set[str]:
    return {h.run.entry_agent for h in happenings if isinstance(h, Counted)}


def failing_for_bad(function: Callable[..., object]) -> Callable[..., object]:
    """The function with a bug that only the agent `bad` meets."""

    def buggy(first: object, *rest: object, **named: object) -> object:
        steps = first.run.steps if isinstance(first, RunView) else list(first.values())  # type: ignore[attr-defined]  # a trace's steps
        if any(step.agent == "bad" for step in steps):
            raise KeyError(SECRET)
        return function(first, *rest, **named)

    return buggy


@pytest.mark.parametrize("scope", ["trace", "conversation"])
def test_a_run_that_cannot_be_judged_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    pipeline = fed(scope=scope)
    monkeypatch.setattr(verdicts, "classified", failing_for_bad(verdicts.classified))
    happened = pipeline.due(tree.at_ns(100)) + pipeline.due(tree.at_ns(1_000))
    assert counted(happened) == {"good", "fine"}
    assert len([h for h in happened if isinstance(h, Released)]) == 3
    assert pipeline.tally["close_error"] > 0


@pytest.mark.parametrize("at_s", [15.9, 100], ids=["held too long", "over"])
def test_a_trace_that_cannot_be_grown_stops_no_other_and_keeps_nothing_back(
    monkeypatch: pytest.MonkeyPatch, at_s: float
) -> None:
    pipeline = fed(quiet_s=600.0, hold_max_s=10.0) if at_s < 20 else fed()
    monkeypatch.setattr(assemble, "grow", failing_for_bad(assemble.grow))
    happened = pipeline.due(tree.at_ns(at_s)) + pipeline.due(tree.at_ns(1_000))
    assert counted(happened) == {"good", "fine"}
    assert len([h for h in happened if isinstance(h, Released)]) == 3
    assert pipeline.assembler.held == pipeline.assembler.open_steps == 0


def test_a_stop_closes_what_it_can_beside_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = fed()
    monkeypatch.setattr(assemble, "grow", failing_for_bad(assemble.grow))
    happened = pipeline.stop(tree.at_ns(2))
    assert counted(happened) == {"good", "fine"}
    assert len([h for h in happened if isinstance(h, Released)]) == 3


def test_the_log_says_what_failed_and_where_without_the_words_of_the_exception(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = fed()
    monkeypatch.setattr(verdicts, "classified", failing_for_bad(verdicts.classified))
    with caplog.at_level(logging.ERROR):
        pipeline.due(tree.at_ns(100))
    (line,) = [r.getMessage() for r in caplog.records]
    assert "close failed" in line and tree.trace_id("bad").hex() in line
    assert "KeyError at test_fault_isolation.py" in line
    assert SECRET not in caplog.text
