"""What is remembered of closed runs, so that a late span is told from a new run.

In: closed trees with the edges of their trace, late spans and edges. Out: whether a span or a tree
belongs to a closed run. State: span ids per trace, bounded by a number of traces and an age; the
oldest goes first. Source: design.md 2, "Late spans never count a run again".
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentslo.runs.edges import below
from agentslo.runs.forest import Edge, Tree

MAX_TRACES = 50_000


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

    def __init__(self, keep_ns: int) -> None:
        self._keep_ns = keep_ns
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
        while len(self._traces) > MAX_TRACES or self._is_old(now_ns):
            self._traces.popitem(last=False)

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
                known.add(span_id)
                return True
        return False

    def claims_tree(self, trace_id: bytes, tree: Tree) -> bool:
        """Whether steps whose late parent came after them belong to a closed run.

        An agent below a lost parent heads a run of its own beside the orphans that share it.
        """
        ids = self._traces.get(trace_id)
        if ids is None:
            return False
        at = tree.missing_parent
        return at in ids.spans or (tree.root is None and at in ids.missing)
