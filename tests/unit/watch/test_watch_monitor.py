"""From learning to drift: states, what, where, since when and what reverses it."""

import pytest

from agentslo.config.options import DriftOptions
from agentslo.watch.monitor import Monitor
from agentslo.watch.state import DriftState, Severity
from support.drifting import Traffic, alarms, feed

SMALL = DriftOptions(baseline_runs=900, baseline_days=0, slice_runs=150, false_alarm_days=0)


def _learnt(options: DriftOptions = SMALL) -> tuple[Monitor, Traffic]:
    monitor, traffic = Monitor("desk", "production", options), Traffic()
    feed(monitor, traffic.runs(options.baseline_runs, seed=1))
    return monitor, traffic


def test_a_baseline_is_learnt_then_frozen_with_a_digest() -> None:
    monitor, traffic = Monitor("desk", "production", SMALL), Traffic()

    said = feed(monitor, traffic.runs(899, seed=1))

    assert monitor.baseline is None
    assert {d.state for d in said} == {DriftState.LEARNING}
    assert {(d.samples >= 300, d.needed) for d in said} == {(True, 900)}
    said = feed(monitor, traffic.runs(1, seed=2))
    assert {d.state for d in said} == {DriftState.NONE}
    assert monitor.baseline is not None
    assert monitor.baseline.tally.runs == 900
    assert len(monitor.baseline.digest) == 12


def test_days_are_waited_for_as_runs_are() -> None:
    options = DriftOptions(baseline_runs=300, baseline_days=1, slice_runs=150)
    monitor, traffic = Monitor("desk", "production", options), Traffic(gap_s=86_400 / 600)

    feed(monitor, traffic.runs(500, seed=1))
    assert monitor.baseline is None
    feed(monitor, traffic.runs(300, seed=2))
    assert monitor.baseline is not None


def test_an_unfinished_baseline_watches_and_never_alarms() -> None:
    options = DriftOptions(baseline_runs=5_000, baseline_days=0, slice_runs=150)
    monitor, traffic = Monitor("desk", "production", options), Traffic()
    feed(monitor, traffic.runs(450, seed=1))
    traffic.tool_latency_s = 5.0

    said = feed(monitor, traffic.runs(300, seed=2))

    watched = [d for d in said if d.state is DriftState.WATCH]
    assert "tool_latency:search" in {d.feature for d in watched}
    assert not alarms(said)


def test_quiet_traffic_stays_quiet() -> None:
    monitor, traffic = _learnt()

    assert not alarms(feed(monitor, traffic.runs(3_000, seed=2)))


@pytest.mark.parametrize(
    ("change", "feature"),
    [
        ({"tool_latency_s": 1.5}, "tool_latency:search"),
        ({"latency_s": 8.0}, "latency"),
        ({"tokens_out": 90.0}, "tokens_out"),
        ({"escalation": 0.35}, "escalation"),
        ({"escalation": 0.0}, "escalation"),
        ({"tool_error": 0.2}, "tool_error:search"),
        ({"tasks": {"refund": 0.1, "status": 0.3, "invoice": 0.15, "new": 0.45}}, "task_type"),
    ],
)
def test_a_change_is_found_within_two_windows(change: dict[str, object], feature: str) -> None:
    monitor, traffic = _learnt()
    feed(monitor, traffic.runs(450, seed=2))
    changed_ns = traffic.now_ns
    for name, value in change.items():
        setattr(traffic, name, value)

    found = alarms(feed(monitor, traffic.runs(300, seed=3)))

    assert feature in {d.feature for d in found}
    told = next(d.finding for d in found if d.feature == feature)
    assert told is not None
    assert abs(told.since_ns - changed_ns) < 3 * 150 * 60 * 10**9


def test_a_rate_alarms_before_its_window_is_full() -> None:
    monitor, traffic = _learnt()
    traffic.failure = 0.6

    found = alarms(feed(monitor, traffic.runs(60, seed=2)))

    assert [d.feature for d in found] == ["failure"]
    assert found[0].finding is not None
    assert found[0].finding.severity is Severity.PAGE


def test_a_new_kind_of_task_is_named_as_other_and_needs_no_action_while_outcomes_hold() -> None:
    monitor, traffic = _learnt()
    traffic.tasks = {"refund": 0.3, "status": 0.3, "invoice": 0.1, "loans": 0.3}

    found = alarms(feed(monitor, traffic.runs(300, seed=2)))

    told = found[0].finding
    assert told is not None
    assert told.bin == "_other"
    assert (told.attribution.cause, told.attribution.reversible_by) == ("requests", "none")
    assert told.severity is Severity.WATCH


def test_a_new_prompt_is_what_to_roll_back() -> None:
    monitor, traffic = _learnt()
    feed(monitor, traffic.runs(150, seed=2))
    traffic.versions = {"agent_version": "1", "prompt_version": "p1"}
    feed(monitor, traffic.runs(150, seed=3))
    traffic.versions = {"agent_version": "1", "prompt_version": "p2"}
    traffic.release, traffic.tokens_out = "r2", 600.0

    found = alarms(feed(monitor, traffic.runs(300, seed=4)))

    told = next(d.finding for d in found if d.feature == "tokens_out")
    assert told is not None
    assert told.attribution.cause == "prompt_version p1 to p2"
    assert told.attribution.reversible_by == "rollback"


def test_a_canary_that_alone_shows_the_change_is_named() -> None:
    monitor, traffic = _learnt()
    canary = Traffic(
        release="r2", tokens_out=900.0, versions={"agent_version": "2"}, now_ns=traffic.now_ns
    )
    found = []
    for seed in range(40):
        traffic.now_ns = canary.now_ns = max(traffic.now_ns, canary.now_ns)
        found += feed(monitor, traffic.runs(6, seed=100 + seed))
        found += feed(monitor, canary.runs(4, seed=200 + seed))

    told = next(d.finding for d in alarms(found) if d.feature == "tokens_out")
    assert told is not None
    assert told.segment == "release:r2"
    assert told.attribution.reversible_by == "rollback"


def test_drift_is_left_when_a_whole_window_is_quiet_again() -> None:
    monitor, traffic = _learnt()
    traffic.tool_latency_s = 3.0
    feed(monitor, traffic.runs(300, seed=2))
    traffic.tool_latency_s = 0.5

    said = feed(monitor, traffic.runs(1_500, seed=3))

    assert said[-1].feature == "tool_latency:search"
    assert said[-1].state is DriftState.NONE


def test_traffic_without_bounds_costs_bounded_state() -> None:
    monitor, traffic = Monitor("desk", "production", SMALL), Traffic()
    for number, run in enumerate(traffic.runs(400, seed=1)):
        many = {**run.bins, f"tool_latency:t{number}": "to 0.2", "task_type": f"kind {number}"}
        odd = type(run)(
            agent=run.agent,
            environment=run.environment,
            release=f"r{number}",
            time_ns=run.time_ns,
            bins=many,
            segments=(f"task_type:kind {number}", f"release:r{number}"),
            versions={f"tool_version:t{number}": str(number), "model": str(number)},
        )
        list(monitor.observe(monitor.placed(odd, None)))

    counts = monitor.window.total.counts
    assert len({name for name, _ in counts}) <= 80
    assert len({s for _, s in counts if s.startswith("task_type")}) <= 11
    assert max(len(bins) for bins in counts.values()) <= 61


@pytest.mark.parametrize(
    ("change", "feature"),
    [
        ({"tasks": {"refund": 0.2, "status": 0.2, "invoice": 0.1, "loans": 0.5}}, "task_type"),
        ({"failure": 0.3}, "failure"),
        ({"foreign": 0.4}, "novelty"),
    ],
)
def test_120_runs_a_day_and_a_release_a_week_find_a_shift_of_day_20_by_day_23(
    change: dict[str, object], feature: str
) -> None:
    monitor, traffic = Monitor("desk", "production", DriftOptions()), Traffic(gap_s=720.0)
    for week in range(3):
        traffic.release = f"r{week}"
        traffic.versions = {**traffic.versions, "agent_version": str(week)}
        days = 7 if week < 2 else 6
        assert not alarms(feed(monitor, traffic.runs(120 * days, seed=week)))
    for name, value in change.items():
        setattr(traffic, name, value)

    found = alarms(feed(monitor, traffic.runs(120 * 3, seed=9)))

    assert feature in {d.feature for d in found}
