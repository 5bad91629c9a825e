"""Steps of traces that wait are packed into few bytes and come back as they were."""

import pytest

from agentslo.model import Resource, Role, Scope, Step
from agentslo.runs.asleep import Asleep
from agentslo.runs.edges import pack_edge, unpack_edges
from agentslo.runs.forest import Edge
from agentslo.step import Reading

READING = Reading(name="chat m", role=Role.LLM, resource=Resource(), scope=Scope())
TRACE = b"t" * 16


def step(number: int, **own: object) -> Step:
    times = {"start_ns": 10 + number, "end_ns": 20 + number, "arrival_ns": 30}
    ids = {"trace_id": TRACE, "span_id": number.to_bytes(8, "big"), "parent_id": b""}
    return Step(READING, **{**ids, **times, **own})  # type: ignore[arg-type]  # by name


OWN: dict[str, object] = {
    "parent_id": b"p\0\0\0\0\0\0\0",
    "conversation_id": "conversation \u00e4",
    "call_id": "call",
    "response_id": "response",
    "usage_in": 0,
    "usage_out": 2**32 - 1,
    "usage_cached": 7,
    "args_hash": 2**32 - 1,
    "result_hash": 0,
    "source": "grpc",
    "request": b"hashes",
    "end_ns": 2**63,
}
UNFIT: dict[str, object] = {
    "cost_usd": 0.1,
    "usage_in": 2**32,
    "response_id": "r" * 256,
    "call_id": "\ud800",
    "start_ns": 2**64,
}


@pytest.mark.parametrize("name", OWN)
def test_every_field_of_its_own_comes_back(name: str) -> None:
    asleep, sent = Asleep(), [step(1, **{name: OWN[name]}), step(2), step(3, **OWN)]
    packed = asleep.pack(sent)
    assert packed is not None
    assert (asleep.steps, asleep.bytes) == (3, len(packed))
    assert list(asleep.unpack(packed, TRACE)) == sent
    assert (asleep.steps, asleep.bytes, asleep.readings) == (0, 0, 0)


def test_a_step_takes_71_bytes_and_its_texts() -> None:
    packed = Asleep().pack([step(n, conversation_id="c" * 20, call_id="i" * 10) for n in range(9)])
    assert packed is not None
    assert len(packed) == 1 + 20 + 9 * (71 + 10)


@pytest.mark.parametrize("name", UNFIT)
def test_a_trace_with_a_step_that_does_not_fit_stays_as_it_is(name: str) -> None:
    asleep, odd = Asleep(), step(2)
    setattr(odd, name, UNFIT[name])
    assert asleep.pack([step(1), odd]) is None
    assert (asleep.steps, asleep.readings) == (0, 0)


def test_readings_are_kept_as_long_as_a_packed_step_refers_to_them() -> None:
    asleep = Asleep()
    first, second = asleep.pack([step(1)]), asleep.pack([step(2)])
    assert first is not None and second is not None
    list(asleep.unpack(first, TRACE))
    assert asleep.readings == 1
    (found,) = asleep.unpack(second, TRACE)
    assert found.reading is READING
    assert asleep.readings == 0


@pytest.mark.parametrize("remote", [None, False, True])
@pytest.mark.parametrize("parent", [b"", b"p" * 8])
def test_edges_come_back(parent: bytes, remote: bool | None) -> None:
    edge = Edge(parent, remote)
    packed = pack_edge(b"s" * 8, edge) + pack_edge(b"u" * 8, Edge(b"q" * 8, None))
    assert unpack_edges(packed) == {b"s" * 8: edge, b"u" * 8: Edge(b"q" * 8, None)}
