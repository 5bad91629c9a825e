"""When a possible root is held, when it leaves, and what it carries then."""

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.model import Outcome
from agentslo.otlp.cut import Request
from agentslo.service.assembly import pipeline
from agentslo.service.events import Counted, Released
from scenarios import tree
from scenarios.tree import Sent

ROOT = {"agent": "support", "id": "root", "at": [0, 5]}
MODEL = {"chat": "m", "id": "model", "parent": "root", "at": [0, 5], "finish": "stop"}


class Way:
    """A pipeline, and by span name what left it with which attributes of ours, at which second."""

    def __init__(self, **options: float | bool) -> None:
        config = ServiceConfig(runs=RunsOptions(**options))  # type: ignore[arg-type]  # by name
        self.pipeline = pipeline(config)
        self.left: list[tuple[float, str, dict[str, str]]] = []
        self.counted: list[Counted] = []

    def send(self, at_s: float, *rows: dict[str, object]) -> "Way":
        fed = self.pipeline.traces(tree.request(self._sent(rows)), tree.at_ns(at_s))
        for batch in Request(fed.request.join()).batches:
            for item in batch.items:
                self._leave(at_s, item)
        self._follow(at_s, fed.happenings)
        return self.wait(at_s)

    def wait(self, until_s: float) -> "Way":
        self._follow(until_s, self.pipeline.due(tree.at_ns(until_s)))
        return self

    def outcomes(self) -> list[Outcome]:
        return [c.verdict.outcome for c in self.counted]

    def _sent(self, rows: tuple[dict[str, object], ...]) -> list[Sent]:
        return tree.spans(rows)

    def _follow(self, at_s: float, happenings: list[object]) -> None:
        for happening in happenings:
            if isinstance(happening, Released):
                self._leave(at_s, happening.span.encoded + happening.added)
            elif isinstance(happening, Counted):
                self.counted.append(happening)

    def _leave(self, at_s: float, encoded: bytes) -> None:
        span = Span.FromString(encoded)
        ours = {a.key: a.value.string_value for a in span.attributes if "agent_slo." in a.key}
        self.left.append((at_s, span.name, ours))


def test_a_root_is_held_until_its_run_is_over_and_carries_the_outcome() -> None:
    way = Way().send(5, ROOT, MODEL)
    assert [name for _, name, _ in way.left] == ["chat m"]
    assert way.left[0][2] == {"agent_slo.step.role": "llm", "agent_slo.step.result": "ok"}
    way.wait(14.9)
    assert len(way.left) == 1
    way.wait(15)
    at_s, name, ours = way.left[1]
    assert (at_s, name, ours["agent_slo.run.outcome"]) == (15, "invoke_agent support", "completed")
    assert [c.root_outcome for c in way.counted] == [Outcome.COMPLETED]


def test_a_root_leaves_after_the_longest_hold_with_the_outcome_known_then() -> None:
    way = Way().send(5, ROOT, MODEL).send(14, MODEL | {"id": "second"}).wait(19.9)
    assert len(way.left) == 2
    way.wait(20)
    at_s, name, ours = way.left[2]
    assert (at_s, name, ours["agent_slo.run.outcome"]) == (20, "invoke_agent support", "completed")
    way.send(21, {"tool": "lookup", "parent": "root", "at": [6, 7], "error": "TimeoutError"})
    assert way.counted == []
    way.wait(31)
    assert way.outcomes() == [Outcome.TOOL_FAILURE]
    assert way.counted[0].root_outcome is Outcome.COMPLETED


def test_an_agent_leaves_as_a_step_as_soon_as_an_agent_above_it_comes() -> None:
    inner = {"agent": "billing", "id": "inner", "parent": "tool", "at": [1, 2]}
    tool = {"tool": "ask", "id": "tool", "parent": "root", "at": [1, 3]}
    way = Way().send(2, inner)
    assert way.left == []
    way.send(3, tool)
    assert [name for _, name, _ in way.left] == ["execute_tool ask"]
    way.send(5, ROOT)
    assert way.left[1][1:] == (
        "invoke_agent billing",
        {"agent_slo.step.role": "agent", "agent_slo.step.result": "unknown"},
    )
    assert way.pipeline.assembler.held == 1


def test_the_agent_above_is_found_through_infrastructure_that_comes_last() -> None:
    inner = {"agent": "billing", "id": "inner", "parent": "http", "at": [1, 2]}
    way = Way().send(2, inner).send(5, ROOT)
    assert way.left == []
    way.send(6, {"name": "POST", "id": "http", "parent": "root", "at": [1, 3]})
    assert sorted(name for _, name, _ in way.left) == ["POST", "invoke_agent billing"]


def test_no_root_is_held_where_holding_is_off() -> None:
    way = Way(hold_roots=False).send(5, ROOT, MODEL)
    assert len(way.left) == 2
    way.wait(15)
    assert [c.root_outcome for c in way.counted] == [None]


def test_a_copy_of_a_root_that_comes_late_carries_the_verdict() -> None:
    way = Way().send(5, ROOT, MODEL).wait(20).send(60, ROOT)
    assert way.left[-1][2]["agent_slo.run.outcome"] == "completed"
    assert len(way.counted) == 1
    assert way.pipeline.tally["step_late"] == 1


def test_of_two_copies_held_the_one_that_ended_later_leaves() -> None:
    way = Way().send(5, ROOT | {"at": [0, 9], "name": "late"}).send(6, ROOT | {"name": "early"})
    way.send(6, MODEL).wait(30)
    assert [name for _, name, _ in way.left] == ["chat m", "late"]
    assert way.pipeline.tally["held_duplicate"] == 1


@pytest.mark.parametrize("stop", ["stop", "finish"])
def test_at_the_end_every_held_span_leaves(stop: str) -> None:
    lost = {"agent": "lost", "id": "x", "trace": "x", "parent": "gone", "remote": False}
    idle = {"workflow": "idle", "id": "y", "trace": "y"}
    way = Way().send(5, ROOT, MODEL, lost, idle)
    way._follow(6, getattr(way.pipeline, stop)(tree.at_ns(6)))
    names = sorted(name for _, name, _ in way.left)
    assert names == ["chat m", "invoke_agent lost", "invoke_agent support", "invoke_workflow idle"]
    assert way.pipeline.assembler.held == 0


def test_a_trace_that_falls_out_of_bounds_keeps_no_span_back() -> None:
    way = Way(max_open_runs=1)
    for number in range(5):
        trace = str(number)
        row = {"workflow": trace, "id": trace, "trace": trace}
        way.send(5, row | {"parent": "gone", "remote": False}, MODEL | {"trace": trace})
    leaves = sum(name.startswith("invoke_workflow") for _, name, _ in way.left)
    assert leaves == 4
    assert way.pipeline.assembler.open_traces == 1


def test_a_run_nobody_resumes_is_counted_as_unknown_a_day_later() -> None:
    paused = ROOT | {"error": "GraphInterrupt"}
    way = Way().send(5, paused).wait(20)
    assert [(c.waits, c.overdue) for c in way.counted] == [(True, False)]
    way.wait(20 + 86_000)
    assert len(way.counted) == 1
    way.wait(20 + 86_400)
    assert [(c.verdict.outcome, c.overdue) for c in way.counted[1:]] == [(Outcome.UNKNOWN, True)]


def test_steps_are_counted_by_what_became_of_them() -> None:
    way = Way(max_steps_per_trace=2).send(5, ROOT, MODEL, MODEL)
    way.send(5, MODEL | {"id": "third"}).wait(30).send(40, MODEL)
    tally = way.pipeline.tally
    found = {k: tally[f"step_{k}"] for k in ("new", "duplicate", "over_bound", "late")}
    assert found == {"new": 2, "duplicate": 1, "over_bound": 1, "late": 1}
