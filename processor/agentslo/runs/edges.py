"""Parents of spans that are no agent spans, of traces in which no agent span came yet.

In: edges in order of arrival. Out: those of a trace when its first agent span comes, so that it
does not matter which came first. State: bounded by a number of edges and an age; the oldest trace
goes first.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from agentslo.runs.forest import Edge

MAX_EDGES = 50_000


@dataclass(slots=True)
class _Early:
    since_ns: int
    edges: dict[bytes, Edge] = field(default_factory=dict)


def below(span_ids: Collection[bytes], edges: Mapping[bytes, Edge]) -> set[bytes]:
    """The spans of `edges` that hang below one of `span_ids`, directly or by each other."""
    found: dict[bytes, bool] = {}
    for span_id in edges:
        path, at = [], span_id
        while at in edges and at not in found and at not in span_ids:
            found[at] = False
            path.append(at)
            at = edges[at].parent_id
        inside = at in span_ids or found.get(at, False)
        found.update(dict.fromkeys(path, inside))
    return {span_id for span_id, inside in found.items() if inside}


class EarlyEdges:
    """Edges that wait for an agent span. Owned by one thread."""

    def __init__(self, keep_ns: int, bound: int = MAX_EDGES) -> None:
        self._traces: OrderedDict[bytes, _Early] = OrderedDict()
        self._keep_ns, self._bound = keep_ns, bound
        self._edges = 0

    def __len__(self) -> int:
        return self._edges

    def add(self, trace_id: bytes, span_id: bytes, edge: Edge, now_ns: int) -> None:
        """Keep one edge."""
        trace = self._traces.setdefault(trace_id, _Early(now_ns))
        self._edges += span_id not in trace.edges
        trace.edges[span_id] = edge
        while self._traces:
            oldest = next(iter(self._traces.values()))
            if self._edges <= self._bound and now_ns - oldest.since_ns <= self._keep_ns:
                break
            self._edges -= len(self._traces.popitem(last=False)[1].edges)

    def waiting(self) -> Iterator[tuple[bytes, bytes, Edge]]:
        """Trace id, span id and parent of all that wait."""
        for trace_id, trace in self._traces.items():
            for span_id, edge in trace.edges.items():
                yield trace_id, span_id, edge

    def take(self, trace_id: bytes) -> dict[bytes, Edge]:
        """The edges of a trace, which are forgotten here."""
        trace = self._traces.pop(trace_id, None)
        if trace is None:
            return {}
        self._edges -= len(trace.edges)
        return trace.edges
