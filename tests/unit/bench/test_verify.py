"""The sink finds every way in which what arrives is not what was sent."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.bench.payloads import SALT, Shape, attribute, fresh, is_agent, one_pass
from agentslo.bench.verify import Check, Level
from agentslo.otlp.cut import Request

SENT = one_pass(Shape(batch=500, mix=0.3))
FIRST = next(b.items[0] for b in Request(SENT.requests[0]).batches)[20:28]
SALTS = [b"\x00\x01\x00\x00", b"\x00\x01\x00\x01"]


def arrived(level, change=lambda request: [request]):
    """What the check finds where `change` is done to each request on its way."""
    check = Check(SENT, SALTS, level)
    for salt in SALTS:
        for body in SENT.requests:
            request = ExportTraceServiceRequest.FromString(fresh(body, salt))
            for one in change(request):
                check.arrived(one if isinstance(one, bytes) else one.SerializeToString())
    return check.result()


def spans(request):
    return [s for g in request.resource_spans for h in g.scope_spans for s in h.spans]


def of_the_first(change):
    """Does something to one request alone."""
    done = []

    def once(request):
        if done:
            return [request]
        done.append(1)
        return change(request)

    return once


def drop(request):
    del request.resource_spans[0].scope_spans[0].spans[0]
    return [request]


def rename(request):
    spans(request)[0].name = "other"
    return [request]


def lose_resource(request):
    request.resource_spans[0].ClearField("resource")
    return [request]


def append(request, key, wanted=lambda encoded: True):
    """Attributes behind spans, as bytes behind bytes."""
    cut = Request(request.SerializeToString())
    added = Span(attributes=[attribute(key, "x")]).SerializeToString()
    for batch in cut.batches:
        batch.items = [one + added if wanted(one) else one for one in batch.items]
    return [cut.join()]


def add_foreign(request):
    return append(request, "vendor.note", lambda encoded: encoded[20:28] == FIRST)


def invent(request):
    span = spans(request)[0]
    span.span_id = b"abcdefgh"
    return [request]


def mark(request):
    return append(request, "agent_slo.step.role", lambda encoded: b"gen_ai." in encoded)


@pytest.mark.parametrize("level", Level)
def test_what_arrives_as_it_was_sent_is_right(level):
    found = arrived(level)
    assert (found.spans, found.wrong, found.marked) == (2 * SENT.spans, {}, 0)


@pytest.mark.parametrize("level", Level)
def test_attributes_of_ours_behind_a_span_are_a_mark_and_no_fault(level):
    found = arrived(level, mark)
    assert (found.marked, found.wrong) == (2 * SENT.agent_spans, {})


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (drop, {"missing": 1}),
        (lambda request: [request, request], {"twice": 500}),
        (rename, {"changed": 1}),
        (lose_resource, {"moved": 500}),
        (add_foreign, {"added": 1}),
        (invent, {"missing": 1, "stranger": 1}),
    ],
)
def test_every_fault_is_found(level, change, wrong):
    assert arrived(level, of_the_first(change)).wrong == wrong


def test_spans_of_another_round_are_strangers():
    check = Check(SENT, SALTS[:1], Level.BYTES)
    check.arrived(fresh(SENT.requests[0], SALTS[1]))
    assert check.result().wrong["stranger"] == 500


@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("batch", [1, 50, 512])
def test_a_pass_is_whole_traces_whose_children_end_first(batch, mix):
    sent = one_pass(Shape(batch=batch, mix=mix))
    assert sent == one_pass(Shape(batch=batch, mix=mix))
    bodies = [ExportTraceServiceRequest.FromString(body) for body in sent.requests]
    every = [span for body in bodies for span in spans(body)]
    assert len(every) == sent.spans == sum(body.count(SALT) for body in sent.requests)
    assert all(len(spans(body)) == batch for body in bodies)
    ends = {}
    for span in every:
        ends.setdefault(span.trace_id, []).append(span)
    assert {len(trace) for trace in ends.values()} == {20}
    for trace in ends.values():
        (root,) = (span for span in trace if not span.parent_span_id)
        assert root.end_time_unix_nano >= max(span.end_time_unix_nano for span in trace)
    runs = sum(any(is_agent(span) for span in trace) for trace in ends.values())
    assert runs == pytest.approx(mix * len(ends), abs=1)
