"""One draw of every injected fault; benchmarks/drift_faults.py makes the published table."""

import copy
from collections.abc import Callable

import pytest

from agentslo.config.options import DriftOptions
from agentslo.watch.monitor import Monitor
from agentslo.watch.state import Drifted, DriftState
from support.drifting import Traffic, feed, hear
from support.faults import FAULTS, PAIRS, Fault, by_name, struck

OPTIONS = DriftOptions(baseline_runs=900, baseline_days=0, slice_runs=150, false_alarm_days=0)
Learnt = Callable[[], tuple[Monitor, Traffic]]


@pytest.fixture(scope="module")
def learnt() -> Learnt:
    monitor, traffic = Monitor("desk", "production", OPTIONS), Traffic()
    feed(monitor, traffic.runs(1_100, seed=0))
    return lambda: copy.deepcopy((monitor, traffic))


def _first(learnt: Learnt, fault: Fault) -> Drifted | None:
    monitor, traffic = learnt()
    said = hear(monitor, struck(traffic, (fault,), 1.0, 600, 11))
    return next((d for d in said if d.state is DriftState.DRIFT), None)


def test_what_is_named_first_and_what_reverses_it_are_right(learnt: Learnt) -> None:
    found = {fault.name: (fault, _first(learnt, fault)) for fault in FAULTS}

    missed = [name for name, (_, first) in found.items() if first is None]
    what = [n for n, (f, first) in found.items() if first and first.feature not in f.what]
    lever = [
        name
        for name, (fault, first) in found.items()
        if first and first.finding and first.finding.attribution.reversible_by != fault.lever
    ]
    assert not missed
    assert len(what) <= 0.1 * len(FAULTS), what
    assert len(lever) <= 0.2 * len(FAULTS), lever


@pytest.mark.parametrize("names", PAIRS, ids=" and ".join)
def test_two_faults_at_once_are_reported_apart(learnt: Learnt, names: tuple[str, str]) -> None:
    monitor, traffic = learnt()
    faults = tuple(by_name(name) for name in names)

    said = feed(monitor, struck(traffic, faults, 1.0, 450, 12))

    told = {
        (d.feature, d.finding.attribution.reversible_by)
        for d in said
        if d.state is DriftState.DRIFT and d.finding
    }
    for fault in faults:
        assert any((feature, fault.lever) in told for feature in fault.what), (fault.name, told)
