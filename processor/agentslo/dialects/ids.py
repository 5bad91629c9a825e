"""The ids of an encoded span, and nothing else of it.

In: an encoded span. Out: `Ids`, or None where it has no valid ids; the span cut down to them. No
state. A lazy schema of five fields leaves the rest unparsed, so that passing spans cost little.
"""

from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_FIELD = descriptor_pb2.FieldDescriptorProto
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
IN_ORDER = b"\n\x10"
"""How a span starts whose fields are in order, as all SDKs write them: its trace id follows."""
HEAD_BYTES = 18
"""`IN_ORDER` and a trace id."""


class Ids(NamedTuple):
    """Raw ids of one span; `parent_id` is empty at a root; `end_ns` is its end, unix ns."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    parent_remote: bool | None
    end_ns: int


def _schema() -> Any:  # noqa: ANN401 - message classes made at run time have no static type
    file = descriptor_pb2.FileDescriptorProto(
        name="agentslo/span_ids.proto", package="agentslo.ids", syntax="proto3"
    )
    message = file.message_type.add(name="Span")
    for name, number, kind in (
        ("trace_id", 1, _FIELD.TYPE_BYTES),
        ("span_id", 2, _FIELD.TYPE_BYTES),
        ("parent_id", 4, _FIELD.TYPE_BYTES),
        ("end_ns", 8, _FIELD.TYPE_FIXED64),
        ("flags", 16, _FIELD.TYPE_FIXED32),
    ):
        message.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("agentslo.ids.Span"))


_Span = _schema()


def read_ids(encoded: bytes) -> Ids | None:
    """The ids of a span; None where it cannot be parsed or its ids have the wrong length."""
    try:
        span = _Span.FromString(encoded)
    except DecodeError:
        return None
    trace_id, span_id = span.trace_id, span.span_id
    if len(trace_id) != 16 or len(span_id) != 8:
        return None
    parent_id, flags = span.parent_id, span.flags
    remote = bool(flags & _REMOTE) if flags & _REMOTE_KNOWN else None
    parent_id = parent_id if any(parent_id) else b""
    return Ids(trace_id, span_id, parent_id, remote, span.end_ns)


def only_ids(encoded: bytes) -> bytes:
    """The span with its ids alone, in order; empty where it cannot be parsed."""
    try:
        span = _Span.FromString(encoded)
    except DecodeError:
        return b""
    span.DiscardUnknownFields()
    cut: bytes = span.SerializeToString()
    return cut


def with_ids(trace_id: bytes, span_id: bytes, parent_id: bytes, remote: bool | None) -> bytes:  # noqa: FBT001 - a third of it is None
    """An encoded span of those ids; `read_ids` gives them back."""
    flags = 0 if remote is None else _REMOTE_KNOWN | (_REMOTE if remote else 0)
    made = _Span(trace_id=trace_id, span_id=span_id, parent_id=parent_id or None, flags=flags)
    encoded: bytes = made.SerializeToString()
    return encoded
