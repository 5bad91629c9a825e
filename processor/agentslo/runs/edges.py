"""Parents of spans that are no agent spans, of traces in which no agent span came yet.

In: such spans, encoded, in order of arrival. Out: those of a trace when its first agent span comes,
so that it does not matter which came first. Most traces never get one: what came is kept as it is,
sorted by trace once somebody asks for one, and read when given out. State: bounded by a number of
spans, their size and an age; the oldest goes first.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agentslo.dialects.ids import HEAD_BYTES, IN_ORDER, Ids, only_ids, read_ids
from agentslo.runs.forest import Edge

MAX_EDGES = 50_000
EDGE_SIZE = 17
_REMOTE: tuple[bool | None, ...] = (None, False, True)
MAX_SPAN_BYTES = 1_024
"""A longer span is cut down to its ids where it is kept by itself."""
MAX_UNSORTED_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class _Early:
    since_ns: int
    spans: list[bytes] = field(default_factory=list)


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


def of_traces(
    spans: Sequence[bytes], *traces: Container[object]
) -> tuple[list[Ids], Sequence[bytes]]:
    """(ids of the encoded spans that are of one of the traces, the other spans); spans whose fields
    are in no order an SDK writes are read in any case, those without ids are of neither.
    """
    told = set()
    for head in {span[:HEAD_BYTES] for span in spans}:
        if not head.startswith(IN_ORDER) or any(head[2:] in known for known in traces):
            told.add(head)
    if not told:
        return [], spans
    found = (read_ids(span) for span in spans if span[:HEAD_BYTES] in told)
    rest = [span for span in spans if span[:HEAD_BYTES] not in told]
    return [ids for ids in found if ids is not None], rest


def pack_edge(span_id: bytes, edge: Edge) -> bytes:
    """A span's id and its parent, in `EDGE_SIZE` bytes."""
    remote = 0 if edge.remote is None else 1 + edge.remote
    return b"%b%b%c" % (span_id, edge.parent_id.ljust(8, b"\0"), remote)


def unpack_edges(packed: bytes | bytearray) -> dict[bytes, Edge]:
    """The edges of a row of them, by span id."""
    found: dict[bytes, Edge] = {}
    for at in range(0, len(packed), EDGE_SIZE):
        span_id, parent_id = bytes(packed[at : at + 8]), bytes(packed[at + 8 : at + 16])
        found[span_id] = Edge(parent_id if any(parent_id) else b"", _REMOTE[packed[at + 16]])
    return found


class EarlyEdges:
    """Spans that wait for an agent span in their trace. Owned by one thread."""

    def __init__(self, keep_ns: int, bound: int = MAX_EDGES) -> None:
        self._keep_ns, self._bound = keep_ns, bound
        self._unsorted: deque[tuple[int, Sequence[bytes]]] = deque()
        self._unsorted_spans = self._unsorted_bytes = 0
        self._traces: OrderedDict[bytes, _Early] = OrderedDict()
        self._sorted_spans = 0

    def __len__(self) -> int:
        return self._unsorted_spans + self._sorted_spans

    def add(self, spans: Sequence[bytes], now_ns: int) -> None:
        """Keep encoded spans that came together; their fields are in order."""
        self._unsorted.append((now_ns, spans))
        self._unsorted_spans += len(spans)
        self._unsorted_bytes += sum(map(len, spans))
        if self._unsorted_bytes > MAX_UNSORTED_BYTES:
            self._sort()
        self._forget_old(now_ns)

    def waiting(self) -> Iterator[tuple[bytes, bytes, Edge]]:
        """Trace id, span id and parent of all that wait."""
        self._sort()
        for trace_id, trace in self._traces.items():
            for span_id, edge in _edges(trace.spans).items():
                yield trace_id, span_id, edge

    def take(self, trace_id: bytes) -> dict[bytes, Edge]:
        """The edges of a trace by span id; they are forgotten here."""
        self._sort()
        trace = self._traces.pop(trace_id, None)
        if trace is None:
            return {}
        self._sorted_spans -= len(trace.spans)
        return _edges(trace.spans)

    def _sort(self) -> None:
        traces = self._traces
        for since_ns, spans in self._unsorted:
            for span in spans:
                trace = traces.get(span[2:HEAD_BYTES])
                if trace is None:
                    trace = traces[span[2:HEAD_BYTES]] = _Early(since_ns)
                trace.spans.append(span if len(span) <= MAX_SPAN_BYTES else only_ids(span))
        self._unsorted.clear()
        self._sorted_spans += self._unsorted_spans
        self._unsorted_spans = self._unsorted_bytes = 0

    def _forget_old(self, now_ns: int) -> None:
        """Drop the oldest: single traces where they are sorted, else what came together."""
        limit_ns = now_ns - self._keep_ns
        while self._traces:
            oldest = next(iter(self._traces.values()))
            if len(self) <= self._bound and oldest.since_ns >= limit_ns:
                return
            self._sorted_spans -= len(self._traces.popitem(last=False)[1].spans)
        while self._unsorted and (len(self) > self._bound or self._unsorted[0][0] < limit_ns):
            if len(self._unsorted) == 1:
                self._sort()
                self._forget_old(now_ns)
                return
            _, spans = self._unsorted.popleft()
            self._unsorted_spans -= len(spans)
            self._unsorted_bytes -= sum(map(len, spans))


def _edges(spans: Sequence[bytes]) -> dict[bytes, Edge]:
    found: dict[bytes, Edge] = {}
    for span in spans:
        ids = read_ids(span)
        if ids is not None:
            found[ids.span_id] = Edge(ids.parent_id, ids.parent_remote)
    return found
