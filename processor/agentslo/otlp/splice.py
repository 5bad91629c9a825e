"""Our attributes as bytes, to be appended to an encoded span.

In: names and values. Out: encoded `Span.attributes` fields. Appending them to a span's bytes adds
the attributes and changes nothing else: repeated fields of a protobuf message merge by
concatenation (performance.md 3, "Splicing is legal and exact"). Pure.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from agentslo.otlp import wire

Attribute: TypeAlias = str | bool | int | float | Sequence[str]
KNOWN_CHARS = 64
"""Longer texts do not come again."""


def encode(attributes: Mapping[str, Attribute]) -> bytes:
    """Attributes as bytes to append to an encoded span, in the order given."""
    return b"".join([_encoded(name, value) for name, value in attributes.items()])


def _encoded(name: str, value: Attribute) -> bytes:
    if isinstance(value, str):
        return (wire.known_text if len(value) <= KNOWN_CHARS else wire.text)(name, value)
    if isinstance(value, bool):
        return wire.flag(name, value)
    if isinstance(value, int):
        return wire.whole(name, value)
    if isinstance(value, float):
        return wire.number(name, value)
    return wire.texts(name, tuple(value))


@lru_cache(maxsize=256)
def step_attributes(role: str, result: str) -> bytes:
    """The encoded `agent_slo.step.*` of a step (design.md 4)."""
    return encode({"agent_slo.step.role": role, "agent_slo.step.result": result})
