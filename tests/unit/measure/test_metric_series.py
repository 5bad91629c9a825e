"""The registry: zero hold, stop, gauges, histograms, live releases."""

import pytest

from agentslo.config.options import CapOptions, MetricsOptions
from agentslo.measure.labels import Labels
from agentslo.measure.names import (
    EVENTS,
    LATE_SPANS,
    OBJECTIVE,
    RELEASE_INFO,
    RUN_DURATION,
    RUNS,
    RUNS_WAITING,
    SERIES,
    TOOL_CALL_DURATION,
)
from agentslo.measure.series import Metrics

S = 10**9
DAY = 86_400 * S
T0 = 1_700_000_000 * S
RUN = ("shop/support", "prod", "r1", "refund", "success")
PLACE = ("shop/support", "prod")


def run_of(release: str) -> tuple[str, ...]:
    return ("shop/support", "prod", release, "refund", "success")


def exposed(metrics: Metrics, labels: tuple[str, ...] = RUN) -> float:
    return metrics.counters[RUNS][labels].value


class TestZeroHold:
    def test_a_new_counter_shows_0_for_the_hold_and_then_all_that_came(self) -> None:
        metrics = Metrics()
        metrics.inc(RUNS, RUN, T0)
        metrics.inc(RUNS, RUN, T0 + 60 * S, 2.0)

        metrics.refresh(T0 + 120 * S - 1)
        before = exposed(metrics)
        metrics.refresh(T0 + 120 * S)

        assert (before, exposed(metrics)) == (0.0, 3.0)

    def test_after_the_hold_increments_show_at_once(self) -> None:
        metrics = Metrics()
        metrics.touch(RUNS, RUN, T0)
        metrics.refresh(T0 + 120 * S)

        metrics.inc(RUNS, RUN, T0 + 121 * S)

        assert exposed(metrics) == 1.0

    def test_each_series_is_held_by_its_own_clock(self) -> None:
        metrics = Metrics()
        metrics.inc(RUNS, RUN, T0)
        metrics.inc(RUNS, run_of("r2"), T0 + 60 * S)

        metrics.refresh(T0 + 130 * S)
        first, second = exposed(metrics), exposed(metrics, run_of("r2"))
        metrics.refresh(T0 + 180 * S)

        assert (first, second, exposed(metrics, run_of("r2"))) == (1.0, 0.0, 1.0)

    def test_a_histogram_is_held_as_a_whole(self) -> None:
        metrics = Metrics()
        metrics.observe(RUN_DURATION, PLACE, 3.0, T0)
        cell = metrics.histograms[RUN_DURATION][PLACE]

        before = (sum(cell.counts), cell.sum)
        metrics.refresh(T0 + 120 * S)

        assert before == (0, 0.0)
        assert (sum(cell.counts), cell.sum) == (1, 3.0)

    def test_a_touched_histogram_exists_at_0(self) -> None:
        metrics = Metrics()

        metrics.touch(RUN_DURATION, PLACE, T0)

        assert sum(metrics.histograms[RUN_DURATION][PLACE].counts) == 0

    def test_a_stop_signal_adds_what_is_held_and_holds_nothing_more(self) -> None:
        metrics = Metrics()
        metrics.inc(RUNS, RUN, T0)

        metrics.release_all()
        metrics.inc(RUNS, run_of("r2"), T0 + 1)

        assert (exposed(metrics), exposed(metrics, run_of("r2"))) == (1.0, 1.0)

    def test_families_about_the_process_have_none(self) -> None:
        metrics = Metrics()

        metrics.inc(LATE_SPANS, (), T0)

        assert metrics.counters[LATE_SPANS][()].value == 1.0

    def test_a_hold_of_0_holds_nothing(self) -> None:
        metrics = Metrics(MetricsOptions(zero_hold_s=0.0))

        metrics.inc(RUNS, RUN, T0)

        assert exposed(metrics) == 1.0


class TestValues:
    @pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
    def test_a_counter_refuses_what_would_make_it_fall_or_stick(self, amount: float) -> None:
        metrics = Metrics()

        with pytest.raises(ValueError, match="agent_slo_runs_total"):
            metrics.inc(RUNS, RUN, T0, amount)

        assert RUN not in metrics.counters[RUNS]

    @pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
    def test_a_histogram_refuses_what_is_no_duration(self, value: float) -> None:
        with pytest.raises(ValueError, match="agent_slo_run_duration_seconds"):
            Metrics().observe(RUN_DURATION, PLACE, value, T0)

    def test_a_wrong_number_of_labels_names_the_right_ones(self) -> None:
        with pytest.raises(ValueError, match="task_type"):
            Metrics().inc(RUNS, ("a", "b"), T0)

    def test_a_value_on_a_bound_belongs_below_it(self) -> None:
        metrics = Metrics(MetricsOptions(zero_hold_s=0.0))

        metrics.observe(RUN_DURATION, PLACE, 0.1, T0)
        metrics.observe(RUN_DURATION, PLACE, 3600.1, T0)

        counts = metrics.histograms[RUN_DURATION][PLACE].counts
        assert (counts[0], counts[-1], sum(counts)) == (1, 1, 2)


class TestGauges:
    def test_set_overwrites(self) -> None:
        metrics = Metrics()
        metrics.set(RUNS_WAITING, PLACE, 3.0)

        metrics.set(RUNS_WAITING, PLACE, 1.0)

        assert metrics.gauges[RUNS_WAITING][PLACE].value == 1.0

    def test_replace_leaves_only_the_new_rows(self) -> None:
        metrics = Metrics()
        metrics.replace(OBJECTIVE, {(*PLACE, "safety"): 0.9, (*PLACE, "latency"): 0.95})

        metrics.replace(OBJECTIVE, {(*PLACE, "safety"): 0.8, (*PLACE, "cost"): 0.5})

        values = {row: cell.value for row, cell in metrics.gauges[OBJECTIVE].items()}
        assert values == {(*PLACE, "safety"): 0.8, (*PLACE, "cost"): 0.5}

    def test_replace_gives_back_the_room_of_rows_that_went(self) -> None:
        metrics = Metrics(MetricsOptions(caps=CapOptions(series_per_agent=10)))

        for turn in range(20):
            metrics.replace(OBJECTIVE, {(*PLACE, f"slo{turn}-{n}"): 0.9 for n in range(9)})

        assert len(metrics.gauges[OBJECTIVE]) == 9

    def test_rows_that_fold_into_one_keep_the_greatest_value(self) -> None:
        metrics = Metrics(MetricsOptions(caps=CapOptions(agents=1)))

        values = {"a": 1.0, "b": 3.0, "c": 2.0}
        rows: dict[Labels, float] = {
            (agent, "prod", "safety"): value for agent, value in values.items()
        }
        metrics.replace(OBJECTIVE, rows)

        kept = {row[0]: cell.value for row, cell in metrics.gauges[OBJECTIVE].items()}
        assert kept == {"a": 1.0, "_other": 3.0}

    def test_the_registry_tells_its_own_size_in_series(self) -> None:
        metrics = Metrics()
        metrics.inc(RUNS, RUN, T0)
        metrics.observe(TOOL_CALL_DURATION, (*PLACE, "search"), 1.0, T0)

        metrics.refresh(T0)

        assert metrics.gauges[SERIES][()].value == 1 + len(TOOL_CALL_DURATION.buckets) + 3


class TestReleases:
    def test_a_release_unseen_for_7_days_is_gone_with_all_its_series(self) -> None:
        metrics = Metrics()
        metrics.inc(RUNS, run_of("old"), T0)
        metrics.inc(EVENTS, (*PLACE, "safety", "old", "", "good"), T0)
        metrics.set(RELEASE_INFO, (*PLACE, "old", "1", "2", "3", "4", "5"), 1.0)
        metrics.inc(RUNS, run_of("new"), T0 + DAY)

        metrics.refresh(T0 + 7 * DAY - 1)
        before = set(metrics.counters[RUNS])
        metrics.refresh(T0 + 7 * DAY)

        assert before == {run_of("old"), run_of("new")}
        assert set(metrics.counters[RUNS]) == {run_of("new")}
        assert not metrics.counters[EVENTS]
        assert not metrics.gauges[RELEASE_INFO]

    def test_an_increment_keeps_a_release_alive(self) -> None:
        metrics = Metrics()
        for day in range(20):
            metrics.inc(RUNS, RUN, T0 + day * DAY)
            metrics.refresh(T0 + day * DAY)

        assert exposed(metrics) == 20.0

    def test_a_place_that_became_free_is_taken_by_the_next_release(self) -> None:
        metrics = Metrics(MetricsOptions(caps=CapOptions(releases=1)))
        metrics.inc(RUNS, run_of("old"), T0)
        metrics.inc(RUNS, run_of("new"), T0)

        metrics.refresh(T0 + 7 * DAY)
        metrics.inc(RUNS, run_of("new"), T0 + 7 * DAY)

        assert set(metrics.counters[RUNS]) == {run_of("_other"), run_of("new")}

    def test_what_was_folded_stays(self) -> None:
        metrics = Metrics(MetricsOptions(caps=CapOptions(releases=0)))
        metrics.inc(RUNS, RUN, T0)

        metrics.refresh(T0 + 30 * DAY)

        assert exposed(metrics, run_of("_other")) == 1.0

    def test_what_describes_a_release_folds_with_it(self) -> None:
        metrics = Metrics(MetricsOptions(caps=CapOptions(releases=1)))

        for n in range(50):
            metrics.set(RELEASE_INFO, (*PLACE, f"r{n}", f"v{n}", f"p{n}", "m", "t", "p"), 1.0)

        assert len(metrics.gauges[RELEASE_INFO]) == 2
