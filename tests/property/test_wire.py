"""What we encode ourselves is what the protobuf library would have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.otlp.splice import Attribute, encode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.lists(texts, max_size=200 // 20),
)


def any_value(value: Attribute) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    found = AnyValue()
    found.array_value.SetInParent()
    found.array_value.values.extend(AnyValue(string_value=v) for v in value)
    return found


@given(st.dictionaries(st.text("agent_slo.", min_size=1, max_size=200), values, max_size=20))
def test_attributes_are_encoded_as_the_library_does(attributes: dict[str, Attribute]) -> None:
    pairs = [KeyValue(key=k, value=any_value(v)) for k, v in attributes.items()]
    assert encode(attributes) == Span(attributes=pairs).SerializeToString()


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "half a character: \ud800"])
def test_what_a_field_cannot_hold_is_refused_as_by_the_library(value: Attribute) -> None:
    with pytest.raises(ValueError):
        any_value(value)
    with pytest.raises(ValueError):
        encode({"agent_slo.run.id": value})
