"""In production some requests are read both ways: where these differ, the full reading counts."""

import dataclasses

import pytest

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.dialects.shapes import ScopeShapes
from agentslo.service.assembly import pipeline
from agentslo.service.events import Counted
from agentslo.service.pipeline import Pipeline
from scenarios import tree


def fed(verify_ratio: float, traces: int) -> Pipeline:
    made = pipeline(ServiceConfig(runs=RunsOptions(verify_ratio=verify_ratio)))
    for number in range(traces):
        row = {"agent": "support", "trace": str(number), "at": [0, 1]}
        made.traces(tree.request(tree.spans([row])), tree.at_ns(1))
    return made


def test_spans_of_requests_that_are_drawn_are_compared() -> None:
    assert fed(verify_ratio=1.0, traces=5).tally["read_same"] == 4
    assert fed(verify_ratio=0.0, traces=5).tally["read_same"] == 0


def test_a_difference_is_counted_and_the_full_reading_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = ScopeShapes.known

    def buggy(self: ScopeShapes, encoded: bytes, arrival_ns: int) -> object:
        found = known(self, encoded, arrival_ns)
        if found is not None and found[0] is not None:
            found[0].reading = dataclasses.replace(found[0].reading, agent="somebody else")
        return found

    monkeypatch.setattr(ScopeShapes, "known", buggy)
    made = fed(verify_ratio=1.0, traces=3)
    # After a difference nothing is known any more: the third is learned again.
    assert (made.tally["read_differs"], made.tally["read_same"]) == (1, 0)
    runs = [h.run for h in made.due(tree.at_ns(100)) if isinstance(h, Counted)]
    assert {run.entry_agent for run in runs} == {"support"}
