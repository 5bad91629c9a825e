"""Label values are safe and bounded; what is beyond is folded and counted, never lost silently."""

import pytest

from agentslo.config.options import CapOptions, MetricsOptions
from agentslo.measure.family import CAPS, Family
from agentslo.measure.labels import clean
from agentslo.measure.names import (
    ESCALATIONS,
    EVENTS,
    OVERFLOW,
    RUN_DURATION,
    RUN_REASONS,
    RUNS,
    TOOL_CALL_DURATION,
    TOOL_CALLS,
    UNPRICED_TOKENS,
)
from agentslo.measure.series import Metrics

T0 = 1_700_000_000 * 10**9
NO_HOLD = 0.0


def registry(**caps: int) -> Metrics:
    return Metrics(MetricsOptions(zero_hold_s=NO_HOLD, caps=CapOptions(**caps)))


def total(metrics: Metrics, family: Family) -> float:
    return sum(cell.value for cell in metrics.counters[family].values())


def overflow(metrics: Metrics) -> dict[str, float]:
    return {row[0]: cell.value for row, cell in metrics.counters[OVERFLOW].items()}


class TestClean:
    @pytest.mark.parametrize("value", ["", "shop/support", "gpt-4.1:free", "My Agent_2", "a" * 80])
    def test_safe_values_stay(self, value: str) -> None:
        assert clean(value) == value

    @pytest.mark.parametrize(
        ("value", "safe"),
        [('a"b', "a_b"), ("a\nb", "a_b"), ("a\\b", "a_b"), ("f(x)", "f_x_"), ("a{b}", "a_b_")],
    )
    def test_unsafe_characters_become_underscores(self, value: str, safe: str) -> None:
        assert clean(value) == safe

    def test_long_values_with_one_prefix_stay_apart(self) -> None:
        first, second = clean("a" * 90 + "x"), clean("a" * 90 + "y")

        assert first != second
        assert len(first) == len(second) == 80

    def test_names_in_other_scripts_stay_apart(self) -> None:
        assert clean("客服") != clean("销售")

    def test_a_lone_surrogate_is_no_error(self) -> None:
        assert clean("\ud800").isascii()

    @pytest.mark.parametrize("value", ["x" * 10_000, "ключ", "a\tb", "é" * 200])
    def test_cleaning_twice_changes_nothing(self, value: str) -> None:
        assert clean(clean(value)) == clean(value)


class TestValueCaps:
    @pytest.mark.parametrize(
        ("cap", "family", "labels"),
        [
            ("agents", RUNS, ("{}", "prod", "r", "t", "success")),
            ("releases", RUNS, ("a", "prod", "{}", "t", "success")),
            ("task_types", RUNS, ("a", "prod", "r", "{}", "success")),
            ("segments", EVENTS, ("a", "prod", "safety", "r", "{}", "good")),
            ("tools", TOOL_CALLS, ("a", "prod", "{}", "ok", "")),
            ("error_types", TOOL_CALLS, ("a", "prod", "t", "error", "{}")),
        ],
    )
    def test_beyond_a_cap_values_become_other_and_are_counted(
        self, cap: str, family: Family, labels: tuple[str, ...]
    ) -> None:
        metrics = registry(**{cap: 3})

        for n in range(10):
            metrics.inc(family, tuple(label.format(f"v{n}") for label in labels), T0)

        place = labels.index("{}")
        assert {row[place] for row in metrics.counters[family]} == {"v0", "v1", "v2", "_other"}
        assert total(metrics, family) == 10
        assert overflow(metrics) == {cap: 7}

    def test_a_folded_value_is_counted_every_time(self) -> None:
        metrics = registry(agents=0)

        for _ in range(5):
            metrics.inc(RUNS, ("a", "prod", "r", "t", "success"), T0)

        assert overflow(metrics) == {"agents": 5}

    def test_every_agent_has_tools_of_its_own(self) -> None:
        metrics = registry(tools=1)

        for agent in "ab":
            metrics.inc(TOOL_CALLS, (agent, "prod", f"tool-of-{agent}", "ok", ""), T0)

        assert overflow(metrics) == {}

    def test_a_tool_takes_one_place_in_all_families(self) -> None:
        metrics = registry(tools=1)
        metrics.inc(TOOL_CALLS, ("a", "prod", "search", "ok", ""), T0)

        metrics.observe(TOOL_CALL_DURATION, ("a", "prod", "search"), 1.0, T0)
        metrics.observe(TOOL_CALL_DURATION, ("a", "prod", "write"), 1.0, T0)

        assert {row[2] for row in metrics.histograms[TOOL_CALL_DURATION]} == {"search", "_other"}

    def test_open_labels_without_a_cap_of_their_own_are_bounded_per_family(self) -> None:
        metrics = registry()

        for n in range(100):
            metrics.inc(ESCALATIONS, ("a", "prod", f"reason {n}", "true"), T0)
            metrics.inc(UNPRICED_TOKENS, (f"model-{n}",), T0)
        metrics.inc(RUN_REASONS, ("a", "prod", "success", "new", "human"), T0)

        assert len(metrics.counters[ESCALATIONS]) == len(metrics.counters[UNPRICED_TOKENS]) == 31
        assert overflow(metrics) == {"values": 140}

    def test_environments_are_bounded_too(self) -> None:
        metrics = registry()

        for n in range(100):
            metrics.inc(RUNS, ("a", f"env{n}", "r", "t", "success"), T0)

        assert len(metrics.counters[RUNS]) == 11

    def test_a_value_outside_a_closed_set_is_other(self) -> None:
        metrics = registry()

        metrics.inc(RUNS, ("a", "prod", "r", "t", "splendid"), T0)

        assert set(metrics.counters[RUNS]) == {("a", "prod", "r", "t", "_other")}
        assert overflow(metrics) == {"closed": 1}

    def test_an_empty_value_takes_no_place(self) -> None:
        metrics = registry(task_types=1)

        for task_type in ("", "refund"):
            metrics.inc(RUNS, ("a", "prod", "r", task_type, "success"), T0)

        assert overflow(metrics) == {}


class TestSeriesCaps:
    def test_an_agent_at_its_cap_folds_its_detail_and_keeps_environment_and_name(self) -> None:
        metrics = registry(series_per_agent=20)

        for tool in range(40):
            metrics.inc(TOOL_CALLS, ("a", "prod", f"tool{tool}", "ok", ""), T0)

        rows = metrics.counters[TOOL_CALLS]
        assert {row[:2] for row in rows} == {("a", "prod")}
        assert len(rows) == 19
        assert rows["a", "prod", "_other", "ok", "_other"].value == 22
        assert overflow(metrics) == {"series_per_agent": 22}

    def test_another_agent_is_not_touched_by_it(self) -> None:
        metrics = registry(series_per_agent=20)
        for tool in range(40):
            metrics.inc(TOOL_CALLS, ("a", "prod", f"tool{tool}", "ok", ""), T0)

        metrics.inc(TOOL_CALLS, ("b", "prod", "search", "ok", ""), T0)

        assert ("b", "prod", "search", "ok", "") in metrics.counters[TOOL_CALLS]

    def test_a_process_at_its_cap_folds_agents_last(self) -> None:
        metrics = registry(series=40)

        for agent in range(100):
            metrics.inc(TOOL_CALLS, (f"a{agent}", "prod", "search", "ok", ""), T0)

        rows = metrics.counters[TOOL_CALLS]
        assert total(metrics, TOOL_CALLS) == 100
        assert len(rows) == 40
        assert rows["_other", "_other", "_other", "ok", "_other"].value == 61
        assert rows["a0", "prod", "search", "ok", ""].value == 1
        assert overflow(metrics)["series"] == 64

    def test_what_has_no_room_at_all_is_counted_as_dropped(self) -> None:
        metrics = registry(series=17)

        metrics.observe(TOOL_CALL_DURATION, ("a", "prod", "search"), 1.0, T0)
        metrics.observe(RUN_DURATION, ("a", "prod"), 1.0, T0)
        metrics.observe(RUN_DURATION, ("a", "prod"), 1.0, T0)

        assert overflow(metrics)["dropped"] == 2
        assert not metrics.histograms[RUN_DURATION]

    def test_every_bound_it_can_meet_has_words(self) -> None:
        metrics = registry(agents=1, series_per_agent=5, series=6)

        for n in range(50):
            metrics.inc(TOOL_CALLS, (f"a{n % 3}", f"e{n}", f"t{n}", "ok", f"x{n}"), T0)

        assert set(overflow(metrics)) <= set(CAPS)
        assert "_other" not in overflow(metrics)
