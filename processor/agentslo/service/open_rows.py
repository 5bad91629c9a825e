"""Which rows of the journal open traces still need.

In: rows as they are written, traces as they close, the time. Out: the entry of a row, and rows that
nobody needs any more. State: per open trace its rows, bounded by what open traces hold; rows with
parents of spans in whose trace no agent span came yet, bounded like `runs/edges`.
"""

from collections import deque
from collections.abc import Iterator

from agentslo.runs.edges import MAX_EDGES
from agentslo.runs.rows import Row, edge, pack_row
from agentslo.service.held import kept_span
from agentslo.service.pipeline import Pipeline
from agentslo.store.journal import Place

ROW = "row"
SEQUENCE_BYTES = 8
TRACE_BYTES = 16


class OpenRows:
    """References from open traces to rows. Owned by one thread."""

    def __init__(self, pipeline: Pipeline, keep_early_ns: int) -> None:
        self._pipeline, self._keep_early_ns = pipeline, keep_early_ns
        self._of_trace: dict[bytes, list[int]] = {}
        self._needed: dict[int, int] = {}
        self._early: deque[tuple[int, int, int]] = deque()
        """(arrival, row, number of edges) of rows that are kept for a time."""
        self._early_edges = 0
        self._next = 0

    def __len__(self) -> int:
        return len(self._needed)

    def write(self, row: Row) -> tuple[Place, bytes] | None:
        """The entry of a row; None where it says nothing that is needed later."""
        opened = self._pipeline.assembler.open.get
        told = {s.trace_id for s in row.steps}
        told |= {k.trace_id for k in row.holds} | {trace_id for trace_id, _ in row.left}
        traces = {trace_id for trace_id in told if opened(trace_id) is not None}
        early = 0
        for encoded in row.edges:
            trace_id = encoded[:TRACE_BYTES]
            if trace_id in traces or opened(trace_id) is not None:
                traces.add(trace_id)
            else:
                early += 1
        if not traces and not early:
            return None
        self._next += 1
        for trace_id in traces:
            self._of_trace.setdefault(trace_id, []).append(self._next)
        self._needed[self._next] = len(traces) + bool(early)
        if early:
            self._early.append((row.arrived_ns, self._next, early))
            self._early_edges += early
        return (ROW, _key(self._next)), pack_row(row)

    def snapshot(self, now_ns: int) -> Iterator[tuple[Place, bytes]]:
        """All open traces as rows written anew; what was written before is needed no longer."""
        self._of_trace, self._needed = {}, {}
        self._early, self._early_edges = deque(), 0
        assembler = self._pipeline.assembler
        rows = [
            Row(
                arrived_ns=trace.last_ns,
                steps=list(trace.steps.values()),
                edges=[edge(trace.trace_id, i, parent) for i, parent in trace.edges.items()],
                holds=[kept_span(held) for held in trace.holds.spans.values()],
            )
            for trace in assembler.open.values()
        ]
        early = [edge(*found) for found in assembler.early.waiting()]
        for row in (*rows, Row(arrived_ns=now_ns, edges=early)):
            entry = self.write(row)
            if entry is not None:
                yield entry

    def closed(self, trace_id: bytes) -> Iterator[Place]:
        """The rows that nobody needs now that a trace may have closed."""
        if trace_id not in self._pipeline.assembler.open:
            for number in self._of_trace.pop(trace_id, ()):
                yield from self._release(number)

    def expired(self, now_ns: int) -> Iterator[Place]:
        """The rows kept only for spans in whose trace no agent span came in time."""
        while self._early:
            arrived_ns, number, count = self._early[0]
            old = now_ns - arrived_ns > self._keep_early_ns
            if not old and self._early_edges <= MAX_EDGES:
                break
            self._early.popleft()
            self._early_edges -= count
            yield from self._release(number)

    def _release(self, number: int) -> Iterator[Place]:
        left = self._needed.get(number, 0) - 1
        if left > 0:
            self._needed[number] = left
        elif self._needed.pop(number, None) is not None:
            yield ROW, _key(number)


def _key(number: int) -> bytes:
    return number.to_bytes(SEQUENCE_BYTES, "big")
