"""Input that only a fault or a foe sends: never an exception, always a counter, bounded state."""

import contextlib
from collections.abc import Iterator

import pytest
import strategies as some
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from strategies import enveloped, field

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.otlp.cut import CutError
from agentslo.service.assembly import pipeline as pipeline_of
from agentslo.service.enrich import verdict_span
from agentslo.service.events import Counted
from agentslo.service.pipeline import Fed, Pipeline
from agentslo.service.report import run_line
from scenarios import tree

slow = settings(
    max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
NOW_NS = tree.at_ns(100)


def pipeline(**options: int) -> Pipeline:
    return pipeline_of(ServiceConfig(runs=RunsOptions(**options)))  # type: ignore[arg-type]  # the integer options


def closed(found: Pipeline, fed: Fed | None = None) -> list[Counted]:
    """Every run there is after all spans came; each is rendered as replay and forwarding do."""
    happenings = [*(fed.happenings if fed else ()), *found.due(NOW_NS), *found.finish(NOW_NS)]
    runs = [h for h in happenings if isinstance(h, Counted)]
    for run in runs:
        assert run_line(run.run, run.verdict)
        assert verdict_span(run.run, run.verdict)
    assert found.tally["close_error"] == 0
    return runs


@given(st.binary(max_size=400))
def test_random_bytes_are_no_request_or_pass(body: bytes) -> None:
    found = pipeline()
    with contextlib.suppress(CutError):
        closed(found, found.traces(body, NOW_NS))
    with contextlib.suppress(CutError):
        found.heard.logs(body, NOW_NS)


@given(
    st.lists(st.binary(max_size=60).map(lambda b: b"gen_ai." + b), min_size=1, max_size=4),
    st.binary(max_size=20),
    st.binary(max_size=20),
)
def test_spans_that_cannot_be_read_pass_untouched_and_are_counted(
    spans: list[bytes], resource: bytes, scope: bytes
) -> None:
    found = pipeline()
    fed = found.traces(enveloped(spans, resource, scope), NOW_NS)
    assert [item for batch in fed.request.batches for item in batch.items] == spans
    # "gen_ai." read as protobuf starts with a field of a wrong type.
    assert found.tally["unreadable_span"] + found.tally["unreadable_scope"] == len(spans)


@given(st.lists(st.binary(max_size=60).map(lambda b: b"gen_ai.evaluation.result" + b), max_size=4))
def test_log_records_that_cannot_be_read_are_counted(records: list[bytes]) -> None:
    found = pipeline()
    assert found.heard.logs(enveloped(records), NOW_NS) == []
    assert found.tally["unreadable_log"] == len(records)


@slow
@given(st.lists(some.wild_spans(), min_size=1, max_size=6))
def test_any_ids_times_and_types_give_runs_or_a_count(spans: list[Span]) -> None:
    found = pipeline()
    fed = found.traces(enveloped([s.SerializeToString() for s in spans]), NOW_NS)
    closed(found, fed)
    assert found.tally["read_error"] == 0
    wrong = [s for s in spans if not (_id(s.trace_id, 16) and _id(s.span_id, 8))]
    assert found.tally["invalid_ids"] == len(wrong)
    assert found.assembler.open_steps == found.assembler.held == 0


def _id(ident: bytes, length: int) -> bool:
    return len(ident) == length and any(ident)


@slow
@given(st.data())
def test_parents_in_any_shape_give_each_span_to_at_most_one_run(data: st.DataObject) -> None:
    ids = [bytes([n]) * 8 for n in range(1, 8)]
    rows = st.tuples(st.sampled_from(list(tree.GENAI)), st.sampled_from([b"", *ids]))
    spans = []
    for ident in ids:
        kind, parent = data.draw(rows)
        row = {kind: "x", "at": [0, data.draw(st.integers(0, 3))]}
        span = tree.spans([row])[0].span
        span.span_id, span.parent_span_id = ident, parent
        spans.append(span.SerializeToString())
    found = pipeline()
    runs = closed(found, found.traces(enveloped(spans), NOW_NS))
    members = [s.span_id for run in runs for s in run.run.steps]
    assert len(members) == len(set(members))
    assert found.assembler.open_traces == found.assembler.held == 0


@pytest.mark.parametrize("shape", ["array", "kvlist"])
@pytest.mark.parametrize("depth", [10, 40, 5_000])
def test_deeply_nested_values_are_cut_off_or_counted(shape: str, depth: int) -> None:
    encoded = AnyValue(int_value=7).SerializeToString()
    for _ in range(depth):
        # AnyValue.array_value = 5 holds values = 1; .kvlist_value = 6 holds KeyValue.value = 2.
        inner = field(1, encoded) if shape == "array" else field(1, field(2, encoded))
        encoded = field(5 if shape == "array" else 6, inner)
    row = {"tool": "lookup", "id": "tool", "parent": "lost", "remote": False, "at": [0, 1]}
    span = tree.spans([row])[0].span.SerializeToString()
    pair = field(1, b"gen_ai.tool.call.result") + field(2, encoded)
    span += field(9, pair)  # Span.attributes
    found = pipeline()
    fed = found.traces(enveloped([span]), NOW_NS)
    runs = closed(found, fed)
    assert len(runs) + found.tally["unreadable_span"] == 1
    assert fed.spans == 1


@pytest.mark.parametrize(
    "result",
    [
        pytest.param("[" * 100_000, id="brackets"),
        pytest.param('{"a":' * 100_000, id="braces"),
        pytest.param("[" * 5_000 + "]" * 5_000, id="brackets that close"),
        pytest.param('{"error": ' + "9" * 5_000 + "}", id="a number of 5,000 digits"),
        pytest.param('{"error": NaN, "status": Infinity}', id="no numbers"),
        pytest.param('{"error": "\\ud800"}', id="half a character"),
    ],
)
@pytest.mark.parametrize(
    "key", ["gen_ai.tool.call.result", "gen_ai.retrieval.documents", "gen_ai.output.messages"]
)
def test_content_that_is_hostile_json_is_content(key: str, result: str) -> None:
    row = {"agent": "a", "at": [0, 2], "below": [{"tool": "t", "attributes": {key: result}}]}
    found = pipeline()
    runs = closed(found, found.traces(tree.request(tree.spans([row])), NOW_NS))
    assert len(runs) == 1
    assert found.tally["read_error"] == found.tally["unreadable_span"] == 0


def test_fifty_thousand_orphans_stay_within_the_bound() -> None:
    bound, each, total = 1_000, 2_000, 50_000
    found = pipeline(max_open_runs=bound)
    runs = 0
    for first in range(0, total, each):
        found.traces(_orphans(range(first, first + each)), NOW_NS)
        happenings = found.due(NOW_NS)
        runs += sum(isinstance(h, Counted) for h in happenings)
        assert found.assembler.open_traces <= bound
        assert found.assembler.open_steps <= bound
    assert runs == total - bound
    assert {h.run.finalized_by for h in happenings if isinstance(h, Counted)} == {"state_bound"}
    assert found.tally["step_new"] == total


def _orphans(numbers: range) -> bytes:
    pattern = Span(
        trace_id=bytes(16),
        span_id=b"\1" * 8,
        parent_span_id=b"\2" * 8,
        start_time_unix_nano=tree.EPOCH_NS,
        end_time_unix_nano=tree.EPOCH_NS + 1,
        attributes=[
            KeyValue(key="gen_ai.operation.name", value=AnyValue(string_value="chat")),
        ],
    ).SerializeToString()
    # The trace id is the first field: two bytes of head, then sixteen of id.
    return enveloped([b"\x0a\x10" + (n + 1).to_bytes(16) + pattern[18:] for n in numbers])


def shapes() -> Iterator[object]:
    below_root = {"agent": "a", "id": "root"}
    yield pytest.param("chat", below_root, id="model calls below one agent")
    yield pytest.param("agent", below_root, id="agents below one agent")
    yield pytest.param("agent", None, id="agents below nothing known")
    yield pytest.param("tool", None, id="orphaned tool calls")


@pytest.mark.parametrize(("kind", "root"), list(shapes()))
def test_one_trace_of_fifty_thousand_spans_keeps_as_many_as_it_may(
    kind: str, root: dict[str, object] | None
) -> None:
    bound, total, each = 5_000, 50_000, 5_000
    found = pipeline(max_steps_per_trace=bound)
    parent = tree.span_id("root")
    if root:
        found.traces(tree.request(tree.spans([root])), NOW_NS)
    pattern = tree.spans([{kind: "x", "parent": "root", "remote": False}])[0].span
    for first in range(0, total, each):
        fed = found.traces(_numbered(pattern, parent, range(first, first + each)), NOW_NS)
        assert fed.spans == each
        assert found.assembler.open_steps <= bound
        found.due(NOW_NS)
    kept = bound - bool(root)
    assert found.tally["step_over_bound"] == total - kept
    runs = [h for h in found.finish(NOW_NS) if isinstance(h, Counted)]
    assert sum(len(run.run.steps) for run in runs) == bound
    assert found.assembler.open_steps == found.assembler.held == 0


def _numbered(pattern: Span, parent: bytes, numbers: range) -> bytes:
    request = ExportTraceServiceRequest()
    holder = request.resource_spans.add().scope_spans.add()
    for number in numbers:
        span = holder.spans.add()
        span.CopyFrom(pattern)
        span.span_id, span.parent_span_id = (number + 1).to_bytes(8), parent
    return request.SerializeToString()


@pytest.mark.parametrize("kind", ["tool", "agent", "chat", "workflow"])
@pytest.mark.parametrize("order", [1, -1], ids=["outermost first", "innermost first"])
def test_a_chain_of_two_thousand_spans_is_one_run(kind: str, order: int) -> None:
    depth = 2_000
    pattern = tree.spans([{kind: "x", "parent": "lost", "remote": False}])[0].span
    request = ExportTraceServiceRequest()
    holder = request.resource_spans.add().scope_spans.add()
    for number in range(1, depth + 1)[::order]:
        span = holder.spans.add()
        span.CopyFrom(pattern)
        span.span_id, span.parent_span_id = number.to_bytes(8), (number + depth).to_bytes(8)
        if number > 1:
            span.parent_span_id = (number - 1).to_bytes(8)
    found = pipeline()
    runs = closed(found, found.traces(request.SerializeToString(), NOW_NS))
    assert [len(run.run.steps) for run in runs] == [depth]
