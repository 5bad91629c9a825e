"""OTLP/JSON to protobuf bytes.

In: one JSON export request, as senders post it or the Collector's file exporter writes it a line.
Out: the same request as protobuf bytes, or `ValueError` with what is wrong. No state. Source: OTLP
specification, "JSON Protobuf Encoding": trace and span ids in hex, other bytes base64, 64-bit
integers as strings or numbers, unknown fields ignored. More is taken than it demands: enum names,
the original snake_case keys. The fields come from the protobuf descriptors, so all of OTLP is read.
"""

import base64
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

DEPTH_LIMIT = 100
"""Nested objects and arrays. A span's attribute sits at 9; protobuf stops at 100 messages."""

HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_OPENING_AS_ONE = bytes.maketrans(b"[]", b"{}")
_NOT_A_BRACKET = bytes(set(range(256)) - set(b"[]{}"))

# Values as `json.loads` returns them: this module is the edge where they get a type.
Json = Any
Reader = Callable[[Json], Any]


def traces_from_json(body: bytes) -> bytes:
    """An `ExportTraceServiceRequest` in JSON as protobuf bytes."""
    return _encode(ExportTraceServiceRequest(), body)


def logs_from_json(body: bytes) -> bytes:
    """An `ExportLogsServiceRequest` in JSON as protobuf bytes."""
    return _encode(ExportLogsServiceRequest(), body)


def metrics_from_json(body: bytes) -> bytes:
    """An `ExportMetricsServiceRequest` in JSON as protobuf bytes."""
    return _encode(ExportMetricsServiceRequest(), body)


def nests_deeper_than(body: bytes, limit: int) -> bool:
    """Whether objects and arrays nest deeper than `limit`, or never close; strings are skipped.

    Runs before `json.loads`, which recurses. Each round takes the innermost pairs away, so what
    is left after `limit` rounds was too deep; all rounds are C loops over few bytes.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(plain.split(b'"')[::2])
    brackets = outside.translate(_OPENING_AS_ONE, _NOT_A_BRACKET)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"")
    return bool(brackets)


def _encode(message: Message, body: bytes) -> bytes:
    if nests_deeper_than(body, DEPTH_LIMIT):
        raise ValueError(f"JSON nests deeper than {DEPTH_LIMIT} levels or does not close")
    value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    _fill(message, value)
    return message.SerializeToString()


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _fill(message: Message, value: Json) -> None:
    if not isinstance(value, dict):
        raise _wrong("an object", value)
    fields = _fields(message.DESCRIPTOR)
    for key, item in value.items():
        field = fields.get(key)
        if field is None or item is None:
            continue
        try:
            _set(message, field, item)
        except (TypeError, ValueError, OverflowError) as error:
            # Each level puts its key in front: the message is a path to the fault.
            raise ValueError(f"{key}: {error}") from None


def _set(message: Message, field: FieldDescriptor, item: Json) -> None:
    if field.message_type is None:
        read = _reader(field)
        if field.is_repeated:
            getattr(message, field.name).extend([read(each) for each in _array(item)])
        else:
            setattr(message, field.name, read(item))
        return
    if field.is_repeated:
        target = getattr(message, field.name)
        for each in _array(item):
            _fill(target.add(), each)
        return
    nested = getattr(message, field.name)
    nested.SetInParent()
    _fill(nested, item)


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    by_original_name = {field.name: field for field in descriptor.fields}
    return by_original_name | {field.json_name: field for field in descriptor.fields}


@cache
def _reader(field: FieldDescriptor) -> Reader:
    if field.name in HEX_FIELDS:
        return _hex
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    return _READERS[field.type]


def _enum_reader(enum: EnumDescriptor) -> Reader:
    numbers = {value.name: value.number for value in enum.values}

    def read(value: Json) -> int:
        if isinstance(value, str) and value in numbers:
            return numbers[value]
        return _integer(value)

    return read


def _hex(value: Json) -> bytes:
    return bytes.fromhex(_string(value))


def _base64(value: Json) -> bytes:
    text = _string(value).replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _string(value: Json) -> str:
    if not isinstance(value, str):
        raise _wrong("a string", value)
    return value


def _boolean(value: Json) -> bool:
    if not isinstance(value, bool):
        raise _wrong("true or false", value)
    return value


def _integer(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        raise _wrong("an integer", value)
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("must be an integer, not a fraction")
    return int(value)


def _double(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        raise _wrong("a number", value)
    return float(value)


def _array(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise _wrong("an array", value)
    return value


def _wrong(wanted: str, value: Json) -> ValueError:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return ValueError(f"must be {wanted}, not {names.get(type(value), 'number')}")


_READERS: dict[int, Reader] = {
    FieldDescriptor.TYPE_STRING: _string,
    FieldDescriptor.TYPE_BYTES: _base64,
    FieldDescriptor.TYPE_BOOL: _boolean,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_INT32: _integer,
    FieldDescriptor.TYPE_UINT32: _integer,
    FieldDescriptor.TYPE_FIXED32: _integer,
    FieldDescriptor.TYPE_SINT32: _integer,
    FieldDescriptor.TYPE_INT64: _integer,
    FieldDescriptor.TYPE_UINT64: _integer,
    FieldDescriptor.TYPE_FIXED64: _integer,
    FieldDescriptor.TYPE_SFIXED64: _integer,
}
"""The scalar types OTLP uses."""
