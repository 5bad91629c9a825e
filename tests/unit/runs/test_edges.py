"""Parents of infrastructure spans that come before the first agent span of their trace."""

from agentslo.runs.edges import EarlyEdges, below
from agentslo.runs.forest import Edge


def edge(parent: str) -> Edge:
    return Edge(parent.encode(), None)


def test_the_edges_of_a_trace_are_given_once() -> None:
    early = EarlyEdges(keep_ns=100)
    early.add(b"t", b"a", edge("r"), 0)
    early.add(b"t", b"b", edge("a"), 1)
    early.add(b"u", b"c", edge("r"), 1)
    assert early.take(b"t") == {b"a": edge("r"), b"b": edge("a")}
    assert early.take(b"t") == {}
    assert len(early) == 1


def test_the_oldest_trace_goes_first_when_there_are_too_many_edges() -> None:
    early = EarlyEdges(keep_ns=100, bound=3)
    for number in range(5):
        early.add(b"%d" % (number // 2), b"%d" % number, edge("r"), 0)
    assert len(early) == 3
    assert early.take(b"0") == {}
    assert set(early.take(b"1")) == {b"2", b"3"}


def test_edges_are_forgotten_after_their_time() -> None:
    early = EarlyEdges(keep_ns=100)
    early.add(b"t", b"a", edge("r"), 0)
    early.add(b"u", b"b", edge("r"), 101)
    assert early.take(b"t") == {}
    assert len(early) == 1


def test_what_hangs_below_is_found_over_any_distance_and_order() -> None:
    edges = {b"c": edge("b"), b"a": edge("r"), b"b": edge("a"), b"x": edge("y"), b"y": edge("x")}
    assert below({b"r"}, edges) == {b"a", b"b", b"c"}
    assert below({b"b"}, edges) == {b"c"}
    assert below(set(), edges) == set()
