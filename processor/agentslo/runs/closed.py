"""What is remembered of closed runs, so that a late span is told from a new run.

In: closed trees with the edges of their trace, late spans and edges. Out: whether a span or a tree
belongs to a closed run. State: span ids per trace, bounded by a number of traces and an age; the
oldest goes first. Source: design.md 2, "Late spans never count a run again".
"""

import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentslo.runs.changes import Changes, Kind
from agentslo.runs.edges import below
from agentslo.runs.forest import Edge, Tree

MAX_TRACES = 50_000
ID_BYTES = 8
_HEAD = struct.Struct("<QI")


@dataclass(slots=True)
class _Ids:
    """Ids of the spans of a trace's closed runs; `missing` are those of parents that never came,
    and of what hangs below them.
    """

    since_ns: int
    spans: set[bytes] = field(default_factory=set)
    missing: set[bytes] = field(default_factory=set)


class ClosedRuns:
    """The spans of closed runs, for `keep_ns` after the last of a trace. Owned by one thread."""

    def __init__(self, keep_ns: int, changes: Changes | None = None) -> None:
        self._keep_ns, self._changes = keep_ns, changes or Changes()
        self._traces: OrderedDict[bytes, _Ids] = OrderedDict()

    def remember(
        self, trace_id: bytes, tree: Tree, edges: Mapping[bytes, Edge], now_ns: int
    ) -> None:
        """Keep the spans of a run that closes, and those of `edges` below it."""
        ids = self._traces.setdefault(trace_id, _Ids(now_ns))
        ids.spans.update(s.span_id for s in tree.members)
        ids.spans.update(below(ids.spans, edges))
        if tree.missing_parent:
            ids.missing.add(tree.missing_parent)
            ids.missing.update(below(ids.missing, edges))
        ids.since_ns = now_ns
        self._traces.move_to_end(trace_id)
        self._changes.note(Kind.CLOSED, trace_id)
        while len(self._traces) > MAX_TRACES or self._is_old(now_ns):
            self._changes.note(Kind.CLOSED, self._traces.popitem(last=False)[0])

    def _is_old(self, now_ns: int) -> bool:
        oldest = next(iter(self._traces.values()), None)
        return oldest is not None and now_ns - oldest.since_ns > self._keep_ns

    def claims(self, trace_id: bytes, span_id: bytes, parent_id: bytes) -> bool:
        """Whether a span is of a closed run or hangs below one; its children then do as well."""
        ids = self._traces.get(trace_id)
        if ids is None:
            return False
        for known in (ids.spans, ids.missing):
            if span_id in known or parent_id in known:
                if span_id not in known:
                    known.add(span_id)
                    self._changes.note(Kind.CLOSED, trace_id)
                return True
        return False

    def __contains__(self, trace_id: object) -> bool:
        """Whether a run of the trace closed."""
        return trace_id in self._traces

    def holds(self, trace_id: bytes, span_id: bytes) -> bool:
        """Whether exactly this span was of a closed run."""
        ids = self._traces.get(trace_id)
        return ids is not None and span_id in ids.spans

    def encoded(self, trace_id: bytes) -> bytes | None:
        """What is remembered of a trace, to be restored later: time, number of ids, ids."""
        ids = self._traces.get(trace_id)
        if ids is None:
            return None
        head = _HEAD.pack(ids.since_ns, len(ids.spans))
        return head + b"".join(ids.spans) + b"".join(ids.missing)

    def restore(self, trace_id: bytes, encoded: bytes) -> None:
        """Remember a trace again, in the order in which they were encoded."""
        since_ns, spans = _HEAD.unpack_from(encoded)
        at = range(_HEAD.size, len(encoded) - ID_BYTES + 1, ID_BYTES)
        found = [encoded[start : start + ID_BYTES] for start in at]
        self._traces[trace_id] = _Ids(since_ns, set(found[:spans]), set(found[spans:]))

    def trace_ids(self) -> list[bytes]:
        """Every trace with a closed run, the oldest first."""
        return list(self._traces)

    def claims_tree(self, trace_id: bytes, tree: Tree) -> bool:
        """Whether steps whose late parent came after them belong to a closed run.

        An agent below a lost parent heads a run of its own beside the orphans that share it.
        """
        ids = self._traces.get(trace_id)
        if ids is None:
            return False
        at = tree.missing_parent
        return at in ids.spans or (tree.root is None and at in ids.missing)
