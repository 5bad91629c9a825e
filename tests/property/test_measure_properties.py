"""Whatever comes, counters never fall, nothing is lost, and what is rendered can be read."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agentslo.config.options import CapOptions, MetricsOptions
from agentslo.measure.exposition import Format, render
from agentslo.measure.labels import clean
from agentslo.measure.names import EVENTS, OVERFLOW, RUN_DURATION, TOOL_CALLS
from agentslo.measure.series import Metrics

Samples = dict[tuple[object, ...], float]
S = 10**9
T0 = 1_700_000_000 * S
HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ['"', "\\", "\n", '"} 1\n# EOF\n', "\x00", "客服", "\u202e", "\ud800", "_other", ""]
    ),
    st.integers(0, 5).map(lambda n: "long" * 2_500 + str(n)),
)
SMALL_CAPS = st.builds(
    CapOptions,
    agents=st.integers(0, 3),
    tools=st.integers(0, 3),
    error_types=st.integers(0, 3),
    series_per_agent=st.integers(1, 40),
    series=st.integers(1, 60),
)
names = st.sampled_from("abcd")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("inc"), names, st.floats(0, 1e6)),
        st.tuples(st.just("observe"), names, st.floats(0, 5e3)),
        st.tuples(st.just("wait"), names, st.floats(-30, 200)),
        st.tuples(st.just("render"), names, st.just(0.0)),
        st.tuples(st.just("stop"), names, st.just(0.0)),
    ),
    max_size=60,
)


def samples_of(metrics: Metrics, now_ns: int) -> Samples:
    """Every cumulative sample of a render."""
    text = b"".join(render(metrics, now_ns, Format.TEXT)).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse_text(text)
        for sample in family.samples
        if family.type != "gauge"
    }


def renders_of(metrics: Metrics, history: list[tuple[str, str, float]]) -> Iterator[Samples]:
    now_ns = T0
    for what, name, number in history:
        if what == "inc":
            metrics.inc(EVENTS, (name, "prod", "safety", "r", "", "good"), now_ns, number)
        elif what == "observe":
            metrics.observe(RUN_DURATION, (name, "prod"), number, now_ns)
        elif what == "wait":
            now_ns += int(number * S)
        elif what == "render":
            yield samples_of(metrics, now_ns)
        else:
            metrics.release_all()
    metrics.release_all()
    yield samples_of(metrics, now_ns)


@given(steps)
def test_rendered_counters_never_fall_and_end_at_all_that_was_counted(
    history: list[tuple[str, str, float]],
) -> None:
    metrics = Metrics(MetricsOptions(caps=CapOptions(agents=2)))
    last: Samples = {}

    for rendered in renders_of(metrics, history):
        assert all(rendered[series] >= value for series, value in last.items())
        last = rendered

    counted = sum(value for series, value in last.items() if series[0] == EVENTS.name)
    observed = sum(v for s, v in last.items() if s[0] == f"{RUN_DURATION.name}_count")
    assert abs(counted - sum(n for what, _, n in history if what == "inc")) < 1e-3
    assert observed == sum(what == "observe" for what, _, _ in history)


@given(steps)
def test_a_series_is_0_for_the_whole_hold(history: list[tuple[str, str, float]]) -> None:
    metrics = Metrics()
    first_seen: dict[str, int] = {}
    now_ns = T0
    for what, name, number in history:
        if what == "inc":
            metrics.inc(EVENTS, (name, "prod", "safety", "r", "", "good"), now_ns, number)
            first_seen.setdefault(name, now_ns)
        elif what == "wait":
            now_ns += int(abs(number) * S)
            metrics.refresh(now_ns)
        for row, cell in metrics.counters[EVENTS].items():
            if now_ns < first_seen[row[0]] + 120 * S:
                assert cell.value == 0.0


@given(SMALL_CAPS, st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE), max_size=60))
def test_under_caps_every_increment_is_counted_somewhere_or_counted_as_dropped(
    caps: CapOptions, calls: list[tuple[str, str, str, str]]
) -> None:
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0, caps=caps))

    for agent, environment, tool, error_type in calls:
        metrics.inc(TOOL_CALLS, (agent, environment, tool, "error", error_type), T0)

    rows = metrics.counters[TOOL_CALLS]
    dropped = metrics.counters[OVERFLOW].get(("dropped",))
    assert sum(cell.value for cell in rows.values()) + (dropped.value if dropped else 0) == len(
        calls
    )
    assert len(rows) <= caps.series
    agents = [row[0] for row in rows]
    assert all(agents.count(agent) <= caps.series_per_agent for agent in agents)


@given(st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE), max_size=20))
@settings(max_examples=200)
def test_hostile_label_values_never_break_a_parse(rows: list[tuple[str, str, str]]) -> None:
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0))

    for agent, environment, tool in rows:
        metrics.inc(TOOL_CALLS, (agent, environment, tool, "ok", ""), T0)
        metrics.observe(RUN_DURATION, (agent, environment), 1.0, T0, (agent, environment))

    for form, parse in ((Format.TEXT, parse_text), (Format.OPENMETRICS, parse_openmetrics)):
        text = b"".join(render(metrics, T0, form)).decode("ascii")
        parsed = {family.name: family for family in parse(text)}
        calls = parsed["agent_slo_tool_calls"].samples if rows else []
        assert sum(sample.value for sample in calls) == len(rows)


@given(HOSTILE)
def test_a_clean_value_is_short_ascii_and_stays_as_it_is(value: str) -> None:
    safe = clean(value)

    assert len(safe) <= 80
    assert safe.isascii()
    assert not set(safe) & set('"\\\n{}')
    assert clean(safe) == safe


def test_a_hundred_thousand_names_keep_series_at_the_bound() -> None:
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0))
    sizes = []

    for n in range(100_000):
        metrics.inc(TOOL_CALLS, (f"agent-{n}", f"env-{n}", f"tool-{n}", "error", f"e-{n}"), T0)
        if n % 10_000 == 9_999:
            sizes.append(len(metrics.counters[TOOL_CALLS]))

    assert len(set(sizes[1:])) == 1
    assert sizes[-1] <= 2_200
    assert sum(cell.value for cell in metrics.counters[TOOL_CALLS].values()) == 100_000


def test_a_hundred_thousand_tools_of_one_agent_keep_it_within_its_cap() -> None:
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0))

    for n in range(100_000):
        row = ("a", f"env-{n % 7}", f"tool-{n}", "error", f"e-{n % 211}")
        metrics.inc(TOOL_CALLS, row, T0)
        metrics.observe(RUN_DURATION, row[:2], 1.0, T0)
    metrics.refresh(T0)

    assert len(metrics.counters[TOOL_CALLS]) <= 2_000
    assert sum(cell.value for cell in metrics.counters[TOOL_CALLS].values()) == 100_000
