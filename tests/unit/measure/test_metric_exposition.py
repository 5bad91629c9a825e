"""`/metrics` in both formats, read back by other people's parsers."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Timestamp

from agentslo.config.options import MetricsOptions
from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.exposition import LINES_PER_CHUNK, Format, negotiate, render
from agentslo.measure.family import Family, Kind
from agentslo.measure.names import OBJECTIVE, RUN_DURATION, RUNS, TOOL_CALL_DURATION
from agentslo.measure.process import process_metrics
from agentslo.measure.series import Metrics

T0 = 1_700_000_000 * 10**9
HOLD = 120 * 10**9
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
PARSERS: dict[Format, Callable[[str], Iterable[Metric]]] = {
    Format.TEXT: parse_text,
    Format.OPENMETRICS: parse_openmetrics,
}
both_formats = pytest.mark.parametrize("form", list(Format))


def example_row(family: Family) -> tuple[str, ...]:
    return tuple(label.values[0] if label.values else f"a {label.name}" for label in family.labels)


def filled() -> Metrics:
    """A registry with a row of every family, all released."""
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0))
    for family in CATALOGUE.values():
        row = example_row(family)
        if family.kind is Kind.COUNTER:
            metrics.inc(family, row, T0, 2.0)
        elif family.kind is Kind.GAUGE:
            metrics.set(family, row, 0.5)
        else:
            metrics.observe(family, row, 3.0, T0, (TRACE, SPAN))
    return metrics


def text_of(metrics: Metrics, form: Format, now_ns: int = T0) -> str:
    return b"".join(render(metrics, now_ns, form)).decode()


def families_of(metrics: Metrics, form: Format) -> dict[str, Metric]:
    return {family.name: family for family in PARSERS[form](text_of(metrics, form))}


@both_formats
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_family_is_read_back_with_its_type_help_labels_and_value(
    form: Format, name: str
) -> None:
    family = CATALOGUE[name]

    parsed = families_of(filled(), form)[name.removesuffix("_total")]

    row = dict(zip(family.label_names, example_row(family), strict=True))
    own = [sample for sample in parsed.samples if "le" not in sample.labels]
    values = {sample.name: sample.value for sample in own}
    assert (parsed.type, parsed.documentation) == (family.kind, family.help)
    assert all(sample.labels == row for sample in own)
    if family.kind is Kind.HISTOGRAM:
        assert values == {f"{name}_count": 1.0, f"{name}_sum": 3.0}
    elif name != "agent_slo_processor_series":
        assert values == {name: 2.0 if family.kind is Kind.COUNTER else 0.5}


@both_formats
def test_buckets_are_cumulative_and_end_at_infinity(form: Format) -> None:
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0))
    for value in (0.05, 0.1, 3.0, 4000.0):
        metrics.observe(RUN_DURATION, ("a", "prod"), value, T0)

    samples = families_of(metrics, form)["agent_slo_run_duration_seconds"].samples

    buckets = {s.labels["le"]: s.value for s in samples if "le" in s.labels}
    assert (buckets["0.1"], buckets["3.2"], buckets["3600.0"], buckets["+Inf"]) == (2, 3, 3, 4)


def test_both_formats_name_the_same_series_with_the_same_values() -> None:
    def samples(form: Format) -> set[tuple[object, ...]]:
        return {
            (sample.name, tuple(sorted(sample.labels.items())), sample.value)
            for family in families_of(metrics, form).values()
            for sample in family.samples
        }

    metrics = filled()

    assert samples(Format.TEXT) == samples(Format.OPENMETRICS)


def test_exemplars_are_in_openmetrics_on_the_bucket_of_their_value_only() -> None:
    parsed = families_of(filled(), Format.OPENMETRICS)

    found = {
        (sample.name, sample.labels.get("le")): sample.exemplar
        for family in parsed.values()
        for sample in family.samples
        if sample.exemplar
    }
    assert set(found) == {
        ("agent_slo_incident_duration_seconds_bucket", "10.0"),
        ("agent_slo_run_duration_seconds_bucket", "3.2"),
        ("agent_slo_tool_call_duration_seconds_bucket", "5.12"),
    }
    for exemplar in found.values():
        assert exemplar.timestamp is not None
        assert exemplar.labels == {"trace_id": TRACE, "span_id": SPAN}
        assert (exemplar.value, exemplar.timestamp) == (3.0, Timestamp(T0 // 10**9, 0))
    assert TRACE not in text_of(filled(), Format.TEXT)


def test_exemplars_wait_for_the_hold_and_can_be_switched_off() -> None:
    place = ("a", "prod")
    held, off = Metrics(), Metrics(MetricsOptions(zero_hold_s=0.0, exemplars=False))
    for metrics in (held, off):
        metrics.observe(RUN_DURATION, place, 1.0, T0, (TRACE, SPAN))

    assert TRACE not in text_of(held, Format.OPENMETRICS, T0 + HOLD - 1)
    assert TRACE in text_of(held, Format.OPENMETRICS, T0 + HOLD)
    assert TRACE not in text_of(off, Format.OPENMETRICS)


def test_an_exemplar_that_is_no_trace_id_is_left_out() -> None:
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0))

    metrics.observe(RUN_DURATION, ("a", "prod"), 1.0, T0, ('x"} 1\n', SPAN))

    samples = families_of(metrics, Format.OPENMETRICS)["agent_slo_run_duration_seconds"].samples
    assert samples
    assert not any(sample.exemplar for sample in samples)


def test_openmetrics_ends_with_its_mark_and_text_has_none() -> None:
    assert text_of(filled(), Format.OPENMETRICS).endswith("\n# EOF\n")
    assert "# EOF" not in text_of(filled(), Format.TEXT)


@both_formats
def test_the_same_state_gives_the_same_bytes_in_whatever_order_it_came(form: Format) -> None:
    rows = [(f"agent {n}", "prod", "r", "t", "success") for n in range(50)]
    first, second = Metrics(), Metrics()
    for row in rows:
        first.inc(RUNS, row, T0)
    for row in reversed(rows):
        second.inc(RUNS, row, T0)

    assert text_of(first, form) == text_of(second, form)


def test_a_render_shows_series_that_came_since_the_last_one() -> None:
    metrics = Metrics()
    metrics.inc(RUNS, ("b", "prod", "r", "t", "success"), T0)
    text_of(metrics, Format.TEXT)

    metrics.inc(RUNS, ("a", "prod", "r", "t", "success"), T0)

    lines = [line for line in text_of(metrics, Format.TEXT).splitlines() if "_runs_total{" in line]
    assert [line.split('"')[1] for line in lines] == ["a", "b"]


def test_gauges_may_be_no_number_or_infinite() -> None:
    metrics = Metrics()
    for slo, value in (("a", float("nan")), ("b", float("inf")), ("c", float("-inf"))):
        metrics.set(OBJECTIVE, ("a", "prod", slo), value)

    text = text_of(metrics, Format.OPENMETRICS)

    assert [line.split()[-1] for line in text.splitlines() if "ratio{" in line] == [
        "NaN",
        "+Inf",
        "-Inf",
    ]


def test_it_comes_in_slices_between_which_series_may_come_and_go() -> None:
    metrics = Metrics(MetricsOptions(zero_hold_s=0.0))
    for n in range(100):
        for tool in range(5):
            metrics.observe(TOOL_CALL_DURATION, (f"a{n}", "prod", f"t{tool}"), 1.0, T0)

    chunks = []
    for turn, chunk in enumerate(render(metrics, T0, Format.OPENMETRICS)):
        metrics.observe(TOOL_CALL_DURATION, (f"new{turn}", "prod", "t"), 1.0, T0)
        chunks.append(chunk)

    assert max(chunk.count(b"\n") for chunk in chunks) <= LINES_PER_CHUNK
    assert len(chunks) > 8
    assert list(PARSERS[Format.OPENMETRICS](b"".join(chunks).decode()))


@both_formats
def test_process_metrics_can_be_appended(form: Format) -> None:
    whole = b"".join(render(filled(), T0, form, [process_metrics(form)])).decode()

    names = {family.name for family in PARSERS[form](whole)}
    assert {"process_cpu_seconds", "python_gc_collections", "python_info"} <= names
    assert "agent_slo_runs" in names


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (PROMETHEUS_2, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("Application/OpenMetrics-Text", Format.OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', Format.OPENMETRICS),
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.TEXT),
        ("text/plain;version=0.0.4,application/openmetrics-text;q=0.5", Format.TEXT),
        ("text/plain,application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;version=2.0.0", Format.TEXT),
        ("application/openmetrics-text;q=nonsense", Format.TEXT),
    ],
)
def test_the_scraper_gets_the_format_it_asks_for(accept: str, form: Format) -> None:
    assert negotiate(accept) is form


def test_content_types_are_those_of_the_formats() -> None:
    assert Format.TEXT.value == "text/plain; version=0.0.4; charset=utf-8"
    assert Format.OPENMETRICS.value.startswith("application/openmetrics-text; version=1.0.0;")


def test_promtool_finds_nothing_to_complain_of(promtool: Path) -> None:
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=text_of(filled(), Format.TEXT),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
