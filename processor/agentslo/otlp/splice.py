"""Our attributes as bytes, to be appended to an encoded span.

In: names and values. Out: encoded `Span.attributes` fields. Appending them to a span's bytes adds
the attributes and changes nothing else: repeated fields of a protobuf message merge by
concatenation (performance.md 3, "Splicing is legal and exact"). Pure.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Attribute: TypeAlias = str | bool | int | float | Sequence[str]


def any_value(value: Attribute) -> AnyValue:
    """A Python value as an OTLP AnyValue."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    found = AnyValue()
    found.array_value.values.extend(AnyValue(string_value=v) for v in value)
    return found


def pairs(attributes: Mapping[str, Attribute]) -> list[KeyValue]:
    """Attributes as OTLP key-value messages, in the order given."""
    return [KeyValue(key=k, value=any_value(v)) for k, v in attributes.items()]


def encode(attributes: Mapping[str, Attribute]) -> bytes:
    """Attributes as bytes to append to an encoded span."""
    return Span(attributes=pairs(attributes)).SerializeToString()


@lru_cache(maxsize=256)
def step_attributes(role: str, result: str) -> bytes:
    """The encoded `agent_slo.step.*` of a step (design.md 4)."""
    return encode({"agent_slo.step.role": role, "agent_slo.step.result": result})
