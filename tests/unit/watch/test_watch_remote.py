"""What a processor says of drift, as its evaluator told it."""

import json

import pytest

from agentslo.config.options import DriftOptions
from agentslo.model import Run
from agentslo.service.drift_told import drift_report, told_in
from agentslo.service.events import Counted
from agentslo.watch.monitor import Monitor
from agentslo.watch.remote import Remote
from agentslo.watch.state import DriftState, Standing
from agentslo.watch.watch import Watch
from scenarios import tree
from support.fleet import Fleet

NOW_NS = tree.at_ns(10_000)
MINUTE_NS = 60 * 10**9


@pytest.fixture
def run() -> Run:
    """A closed run."""
    fleet = Fleet(0)
    fleet.send(0, tree.request(tree.spans([{"agent": "support", "at": [0, 5]}])), 6)
    (counted,) = (
        h for h in fleet.processes[0].pipeline.due(tree.at_ns(60)) if isinstance(h, Counted)
    )
    return counted.run


def told(z: float, tested_ns: int) -> bytes:
    """What an evaluator answers of an agent whose windows were tested then."""
    watch = Watch(DriftOptions())
    monitor = watch.monitors["shop/support", "unset"] = Monitor(
        "shop/support", "unset", DriftOptions()
    )
    monitor.standings["latency"] = Standing(state=DriftState.DRIFT, z=z, samples=200)
    monitor.tested_ns = tested_ns
    return json.dumps(drift_report(watch, NOW_NS)).encode()


def test_roots_say_what_the_evaluator_told(run: Run) -> None:
    remote = Remote()
    assert remote.attributes(run, NOW_NS) == {}
    remote.told(told_in(json.loads(told(5.25, NOW_NS - MINUTE_NS))), NOW_NS)
    said = {"agent_slo.drift.feature": "latency", "agent_slo.drift.score": 5.25}
    assert remote.attributes(run, NOW_NS + MINUTE_NS) == said


def test_what_is_older_than_ten_minutes_is_absent_and_never_0(run: Run) -> None:
    remote = Remote()
    remote.told(told_in(json.loads(told(5.25, NOW_NS - 11 * MINUTE_NS))), NOW_NS)
    assert remote.attributes(run, NOW_NS) == {}
    remote.told(told_in(json.loads(told(5.25, NOW_NS))), NOW_NS)
    assert remote.attributes(run, NOW_NS + 9 * MINUTE_NS)
    assert remote.attributes(run, NOW_NS + 10 * MINUTE_NS) == {}


def test_an_agent_that_was_not_tested_yet_is_told_without_a_deviate() -> None:
    answer = json.loads(told(0.0, 0))
    assert answer["agents"][0]["tested"] is None
    assert told_in(answer) == []
