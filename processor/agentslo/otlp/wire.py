"""The few protobuf parts that we write ourselves, as bytes.

In: Python values. Out: fields as the protobuf library would encode them (a property test holds
both together); building its objects for twenty attributes costs ten times as much. Pure. Raises
`ValueError` for what a field cannot hold.
"""

import struct
from functools import lru_cache

MAX_FIELDS = 4_096
"""Attributes of text remembered with their bytes: outcomes, reasons, releases come again."""
_BYTES = tuple(bytes((n,)) for n in range(128))
_DOUBLE, _FIXED = struct.Struct("<d"), struct.Struct("<Q")
_INT_RANGE = 2**63


def varint(value: int) -> bytes:
    """A whole number of 0 or more, seven bits a byte."""
    if value < 128:
        return _BYTES[value]
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def part(tag: bytes, body: bytes) -> bytes:
    """A field of bytes, text or a message; `tag`: its number and kind."""
    return tag + varint(len(body)) + body


def fixed64(tag: bytes, value: int) -> bytes:
    """A time; 0 is left out, as proto3 does."""
    return tag + _FIXED.pack(value) if value else b""


@lru_cache(MAX_FIELDS)
def _key(name: str) -> bytes:
    return part(b"\x0a", name.encode()) + b"\x12"


def _attribute(name: str, value: bytes) -> bytes:
    """A field 9 of a span: the attribute with an encoded AnyValue."""
    return part(b"\x4a", _key(name) + varint(len(value)) + value)


def whole(name: str, value: int) -> bytes:
    """An attribute that is a whole number."""
    if not -_INT_RANGE <= value < _INT_RANGE:
        raise ValueError(f"{name} cannot be {value}")
    return _attribute(name, b"\x18" + varint(value if value >= 0 else value + 2**64))


def number(name: str, value: float) -> bytes:
    """An attribute that is a number."""
    return _attribute(name, b"\x21" + _DOUBLE.pack(value))


def flag(name: str, value: bool) -> bytes:  # noqa: FBT001 - a value, not a switch
    """An attribute that is true or false."""
    return _attribute(name, b"\x10\x01" if value else b"\x10\x00")


def text(name: str, value: str) -> bytes:
    """An attribute that is a text."""
    return _attribute(name, part(b"\x0a", value.encode()))


@lru_cache(MAX_FIELDS)
def known_text(name: str, value: str) -> bytes:
    """An attribute that is a text which comes again."""
    return text(name, value)


@lru_cache(MAX_FIELDS)
def texts(name: str, values: tuple[str, ...]) -> bytes:
    """An attribute that is a list of texts."""
    inner = b"".join(part(b"\x0a", part(b"\x0a", value.encode())) for value in values)
    return _attribute(name, part(b"\x2a", inner))
