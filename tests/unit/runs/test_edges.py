"""Parents of infrastructure spans that come before the first agent span of their trace."""

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.dialects.ids import with_ids
from agentslo.runs import edges
from agentslo.runs.edges import EarlyEdges, below
from agentslo.runs.forest import Edge


def edge(parent: str) -> Edge:
    return Edge(parent.encode(), None)


def ident(name: str, length: int = 8) -> bytes:
    return name.encode().rjust(length, b".")


def span(trace: str, name: str, parent: str = "r") -> bytes:
    return with_ids(ident(trace, 16), ident(name), ident(parent), None)


def taken(early: EarlyEdges, trace: str) -> dict[str, str]:
    found = early.take(ident(trace, 16))
    return {
        i.decode().strip("."): parent.parent_id.decode().strip(".") for i, parent in found.items()
    }


def test_the_edges_of_a_trace_are_given_once() -> None:
    early = EarlyEdges(keep_ns=100)
    early.add([span("t", "a"), span("u", "c")], 0)
    early.add([span("t", "b", "a")], 1)
    assert taken(early, "t") == {"a": "r", "b": "a"}
    assert taken(early, "t") == {}
    assert len(early) == 1


def test_the_oldest_goes_first_when_there_are_too_many_edges() -> None:
    early = EarlyEdges(keep_ns=100, bound=3)
    for number in range(5):
        early.add([span(f"{number // 2}", f"{number}")], 0)
    assert len(early) == 3
    assert taken(early, "0") == {}
    assert set(taken(early, "1")) == {"2", "3"}


def test_of_one_huge_request_the_newest_traces_stay() -> None:
    early = EarlyEdges(keep_ns=100, bound=3)
    early.add([span(f"{number // 2}", f"{number}") for number in range(6)], 0)
    assert len(early) == 2
    assert set(taken(early, "2")) == {"4", "5"}


@pytest.mark.parametrize("asked", [False, True], ids=["never asked for", "asked for before"])
def test_edges_are_forgotten_after_their_time(asked: bool) -> None:
    early = EarlyEdges(keep_ns=100)
    early.add([span("t", "a")], 0)
    if asked:
        assert taken(early, "v") == {}
    early.add([span("u", "b")], 101)
    assert len(early) == 1
    assert taken(early, "t") == {}


def test_long_spans_are_not_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "MAX_UNSORTED_BYTES", 10_000)
    early = EarlyEdges(keep_ns=100)
    long = span("t", "a") + Span(name="n" * 20_000).SerializeToString()
    early.add([long], 0)
    ((trace_id, span_id, parent),) = early.waiting()
    assert (trace_id, span_id, parent) == (ident("t", 16), ident("a"), Edge(ident("r"), None))
    assert sum(map(len, early._traces[trace_id].spans)) < 100


def test_what_hangs_below_is_found_over_any_distance_and_order() -> None:
    edges = {b"c": edge("b"), b"a": edge("r"), b"b": edge("a"), b"x": edge("y"), b"y": edge("x")}
    assert below({b"r"}, edges) == {b"a", b"b", b"c"}
    assert below({b"b"}, edges) == {b"c"}
    assert below(set(), edges) == set()
