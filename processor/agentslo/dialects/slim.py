"""A span cut by length: its ids, times and attributes, each attribute still encoded.

In: an encoded span. Out: a message with those fields, or None where it cannot be parsed; values of
single attributes. No state but tables of what lengths look like. Attributes are read here only in
the one form all SDKs write: the key, then the value, each with its length as short as can be. What
is written otherwise is left to the full parse (`dialects/values`).
"""

import struct
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_FIELD = descriptor_pb2.FieldDescriptorProto
_DOUBLE, _DOUBLE_HEAD, _DOUBLE_BYTES = struct.Struct("<d"), b"\x09\x21", 10
_TABLED = 4_096
MAX_VARINT_BYTES = 4
"""Of a number that is read here: up to 2**28."""


def _schema() -> Any:  # noqa: ANN401 - message classes made at run time have no static type
    file = descriptor_pb2.FileDescriptorProto(
        name="agentslo/slim_span.proto", package="agentslo.slim", syntax="proto3"
    )
    message = file.message_type.add(name="Span")
    for name, number, kind in (
        ("trace_id", 1, _FIELD.TYPE_BYTES),
        ("span_id", 2, _FIELD.TYPE_BYTES),
        ("trace_state", 3, _FIELD.TYPE_STRING),
        ("parent_id", 4, _FIELD.TYPE_BYTES),
        ("name", 5, _FIELD.TYPE_STRING),
        ("kind", 6, _FIELD.TYPE_INT32),
        ("start_ns", 7, _FIELD.TYPE_FIXED64),
        ("end_ns", 8, _FIELD.TYPE_FIXED64),
        ("attributes", 9, _FIELD.TYPE_BYTES),
        ("more", 11, _FIELD.TYPE_BYTES),
        ("links", 13, _FIELD.TYPE_BYTES),
        ("status", 15, _FIELD.TYPE_BYTES),
        ("flags", 16, _FIELD.TYPE_FIXED32),
    ):
        repeated = number in (9, 11, 13, 15)
        label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
        message.field.add(name=name, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("agentslo.slim.Span"))


_Span = _schema()


def cut(encoded: bytes) -> Any | None:  # noqa: ANN401 - the same
    """The span with `trace_id`, `span_id`, `parent_id`, `name`, `kind`, `start_ns`, `end_ns`,
    `flags`, and as lists of bytes `attributes`, `more` (events), `links` and `status`.
    """
    try:
        return _Span.FromString(encoded)
    except DecodeError:
        return None


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _string_head(size: int) -> bytes:
    """What stands before the text where a string value takes `size` bytes in its attribute."""
    for text in range(max(0, size - 12), size):
        inner = b"\n" + _varint(text)
        head = _varint(len(inner) + text) + inner
        if len(head) + text == size:
            return head
    return b"\xff"


_STRING_HEADS = [_string_head(size) for size in range(_TABLED)]


_INT_HEADS = [bytes((size - 1, 0x18)) for size in range(1, MAX_VARINT_BYTES + 3)]


def value(attribute: bytes, at: int) -> str | int | float | None:
    """The text or number from `at` on; None where it is neither in the expected form, in which a
    whole number is positive and short.
    """
    size = len(attribute) - at
    head = _STRING_HEADS[size] if size < _TABLED else _string_head(size)
    if attribute.startswith(head, at):
        try:
            return attribute[at + len(head) :].decode()
        except UnicodeDecodeError:
            return None
    if 2 < size <= len(_INT_HEADS) and attribute.startswith(_INT_HEADS[size - 1], at):
        return _whole(attribute[at + 2 :])
    if size == _DOUBLE_BYTES and attribute.startswith(_DOUBLE_HEAD, at):
        (double,) = _DOUBLE.unpack_from(attribute, at + 2)
        return float(double)
    return None


def _whole(varint: bytes) -> int | None:
    if len(varint) == 2 and varint[0] > 0x7F >= varint[1] > 0:
        return varint[0] & 0x7F | varint[1] << 7
    number, shift = 0, 0
    for byte in varint:
        number |= (byte & 0x7F) << shift
        shift += 7
    is_whole = 0 < varint[-1] < 0x80 and all(byte > 0x7F for byte in varint[:-1])
    return number if is_whole else None


def is_flag(attribute: bytes, at: int) -> bool:
    """Whether the value from `at` on is true or false."""
    return attribute[at:] in (b"\x02\x10\x00", b"\x02\x10\x01")


def key(attribute: bytes) -> tuple[str, int]:
    """(key of an attribute, where its value starts); 0 where it has another form."""
    size = attribute[1] if len(attribute) > 1 else 0x80
    at = 2 + size
    if size > 0x7F or attribute[:1] != b"\n" or attribute[at : at + 1] != b"\x12":
        return "", 0
    try:
        return attribute[2:at].decode(), at + 1
    except UnicodeDecodeError:
        return "", 0
