"""From OTLP bytes to a `SpanView`: one span, its attributes as Python values.

In: encoded span, and the resource and scope it came under. Out: SpanView. No state. This is the
plain path: a full parse by the protobuf library. Clock faults are clamped, never dropped
(conventions.md 11.1, "Validation"). Raises `google.protobuf.message.DecodeError` on bytes that are
no span.
"""

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourcePb
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.dialects.base import Event, Link, SpanView, Value, text
from agentslo.model import Resource, Scope

MAX_DEPTH = 16


def value(any_value: AnyValue, depth: int = 0) -> Value:
    """An AnyValue as a Python value; containers nested deeper than MAX_DEPTH become None."""
    kind = any_value.WhichOneof("value")
    if kind is None or depth > MAX_DEPTH:
        return None
    if kind == "array_value":
        return [value(v, depth + 1) for v in any_value.array_value.values]
    if kind == "kvlist_value":
        return {kv.key: value(kv.value, depth + 1) for kv in any_value.kvlist_value.values}
    plain: Value = getattr(any_value, kind)
    return plain


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    """Attribute list as a dict; of a repeated key the first one counts."""
    found: dict[str, Value] = {}
    for pair in pairs:
        found.setdefault(pair.key, value(pair.value))
    return found


def resource(encoded: bytes) -> Resource:
    """The identity parts of an encoded OTLP resource."""
    found = attributes(ResourcePb.FromString(encoded).attributes)
    return Resource(
        service=text(found.get("service.name")),
        service_version=text(found.get("service.version")),
        instance_id=text(found.get("service.instance.id")),
        environment=text(found.get("deployment.environment.name"))
        or text(found.get("deployment.environment")),
        encoded=encoded,
    )


def scope(encoded: bytes) -> Scope:
    """Name and version of an encoded instrumentation scope."""
    found = InstrumentationScope.FromString(encoded)
    return Scope(name=found.name, version=found.version)


def span(encoded: bytes, sent_by: Resource, made_by: Scope) -> SpanView:
    """One encoded span as a SpanView; an end before the start is clamped to the start."""
    found = Span.FromString(encoded)
    end_ns = max(found.end_time_unix_nano, found.start_time_unix_nano)
    return SpanView(
        trace_id=found.trace_id,
        span_id=found.span_id,
        parent_id=found.parent_span_id if found.parent_span_id.strip(b"\0") else b"",
        name=found.name,
        kind=found.kind,
        flags=found.flags,
        start_ns=found.start_time_unix_nano or end_ns,
        end_ns=end_ns,
        status=found.status.code,
        message=found.status.message,
        attributes=attributes(found.attributes),
        events=tuple(Event(name=e.name, attributes=attributes(e.attributes)) for e in found.events),
        resource=sent_by,
        scope=made_by,
        links=tuple(Link(trace_id=k.trace_id, span_id=k.span_id) for k in found.links),
        trace_state=found.trace_state,
    )
