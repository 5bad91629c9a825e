"""Open runs: steps of a trace come in, runs go out when they are over.

In: steps and parent edges, in any order, each with its arrival time. Out: closed trees, and spans
that no longer need to be held. State: open traces and the ids of recently closed ones, each bounded
by a number and a time. Time is an argument. A run closes when its root has ended and it has been
quiet, else after `idle_s` without a span, else at `max_age_s` (design.md 2).
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from agentslo.config.options import RunsOptions
from agentslo.dialects.ids import with_ids
from agentslo.model import AGENT_LIKE, Role, Step
from agentslo.runs.asleep import Asleep
from agentslo.runs.changes import Changes, Kind
from agentslo.runs.closed import ClosedRuns
from agentslo.runs.edges import EarlyEdges, of_traces
from agentslo.runs.forest import Edge, Forest, Splits, Tree, grow, never
from agentslo.runs.holds import Held
from agentslo.runs.open_trace import Arrival, Closed, OpenTrace, StateSize, lull
from agentslo.runs.patience import S, over

Close = Callable[[OpenTrace, int], Iterator[Closed]]


def _raise(_: bytes) -> None:
    raise  # noqa: PLE0704 - called in `except` blocks only


class Assembler:
    """Groups steps into runs. Owned by one thread.

    `fault`: called in an `except` block with the id of the trace in which a bug of ours struck;
    that trace is given up, its held spans are freed, the others go on.
    """

    def __init__(
        self,
        options: RunsOptions,
        splits: Splits = never,
        fault: Callable[[bytes], None] = _raise,
        changes: Changes | None = None,
    ) -> None:
        self._options, self._splits, self._fault = options, splits, fault
        self._soon_ns, self._quiet_ns = int(options.quiet_single_s * S), int(options.quiet_s * S)
        self._changes = changes or Changes()
        self.open: dict[bytes, OpenTrace] = {}
        """Traces with at least one step that is not closed."""
        # A run that lost patience with its root may hear of it as late as a run may last.
        self.closed = ClosedRuns(int(options.max_age_s * S), self._changes)
        self._due: list[tuple[int, bytes]] = []
        self._holds: deque[tuple[int, bytes, bytes]] = deque()
        self.early = EarlyEdges(int(options.idle_s * S))
        self._freed: list[Held] = []
        self._size, self._asleep = StateSize(), Asleep()
        self.resumed_ns = 0
        self.adopted: list[OpenTrace] = []
        """Traces that opened with edges that had come before; whoever keeps them takes them."""
        self.unattached_model_calls = 0

    @property
    def open_traces(self) -> int:
        """Traces with at least one step that is not closed."""
        return len(self.open)

    @property
    def open_steps(self) -> int:
        """Steps kept for open traces."""
        return self._size.steps

    @property
    def held(self) -> int:
        """Spans kept back."""
        return self._size.held

    def plain(self, spans: Sequence[bytes], now_ns: int) -> None:
        """Take encoded spans that are no agent spans: their parents matter where an agent is."""
        known, rest = of_traces(spans, self.open, self.closed)
        for ids in known:
            self.edge(ids.trace_id, ids.span_id, Edge(ids.parent_id, ids.parent_remote), now_ns)
        if rest:
            self.early.add(rest, now_ns)

    def edge(self, trace_id: bytes, span_id: bytes, edge: Edge, now_ns: int) -> None:
        """Note the parent of a span that is no agent span."""
        self.closed.claims(trace_id, span_id, edge.parent_id)
        trace = self.open.get(trace_id)
        if trace is None:
            self.early.add((with_ids(trace_id, span_id, edge.parent_id, edge.remote),), now_ns)
        elif trace.edge_count < self._options.max_steps_per_trace:
            self._size.edges += 1
            trace.note(span_id, edge)
            if trace.awaits:
                self._free(trace, trace.holds.came(span_id))
            self._look_soon(trace, now_ns)

    def add(self, step: Step, now_ns: int) -> Arrival:
        """Take one step; `now_ns` is its arrival time."""
        if self.closed.claims(step.trace_id, step.span_id, step.parent_id):
            return Arrival.LATE
        return self._put(step, now_ns)

    def restore(self, step: Step) -> Arrival:
        """Take a step again that was taken before a restart; late where its run closed since."""
        if self.closed.holds(step.trace_id, step.span_id):
            return Arrival.LATE
        return self._put(step, step.arrival_ns)

    def resume(self, now_ns: int) -> None:
        """All is restored: what was open is waited for as if its last span had come now."""
        self.resumed_ns, self._freed, self.adopted = now_ns, [], []
        self._holds = deque(sorted(self._holds))

    def _put(self, step: Step, now_ns: int) -> Arrival:
        trace = self.open.get(step.trace_id)
        if trace is None:
            trace = self.open[step.trace_id] = OpenTrace(step.trace_id, now_ns, self._asleep)
            edges = self.early.take(step.trace_id)
            self._size.edges += len(edges)
            for span_id, edge in edges.items():
                trace.note(span_id, edge)
            if edges:
                self.adopted.append(trace)
        trace.last_ns = now_ns
        steps = trace.steps
        known = steps.get(step.span_id)
        if known is not None and step.end_ns <= known.end_ns:
            return Arrival.DUPLICATE
        if known is None:
            if len(steps) >= self._options.max_steps_per_trace:
                return Arrival.OVER_BOUND
            self._size.steps += 1
        steps[step.span_id] = step
        trace.instanced = trace.instanced or bool(step.resource.instance_id)
        if trace.awaits:
            self._free(trace, trace.holds.came(step.span_id))
        self._look_soon(trace, now_ns)
        return Arrival.NEW if known is None else Arrival.DUPLICATE

    def wants_held(self, step: Step) -> bool:
        """True where the step may be the root of a run: agent-like, with no agent above it yet."""
        if step.role not in AGENT_LIKE and not (step.role is Role.STEP and not step.parent_id):
            return False
        trace = self.open.get(step.trace_id)
        return trace is not None and not trace.holds.agent_above(step.span_id)[0]

    def hold(self, held: Held) -> Held | None:
        """Keep a possible root back; gives the copy of the same span that is dropped for it.

        Of two copies the one that ended later stays.
        """
        span_id, trace_id = held.step.span_id, held.step.trace_id
        trace = self.open[trace_id]
        earlier = trace.holds.spans.get(span_id)
        if earlier is None:
            trace.holds.keep(held)
            self._holds.append((held.since_ns, trace_id, span_id))
            self._size.held += 1
        elif held.step.end_ns <= earlier.step.end_ns:
            return held
        else:
            trace.holds.spans[span_id] = replace(held, since_ns=earlier.since_ns)
            self._size.held_bytes -= earlier.size_bytes
        self._size.held_bytes += held.size_bytes
        return earlier

    def left(self, trace_id: bytes, span_id: bytes) -> None:
        """A held span went before a restart."""
        trace = self.open.get(trace_id)
        if trace is not None and span_id in trace.holds.spans:
            self._unhold(trace, span_id)

    def freed(self) -> list[Held]:
        """Take the spans that were held and turned out to head no run."""
        freed, self._freed = self._freed, []
        return freed

    def _free(self, trace: OpenTrace, span_ids: Iterable[bytes]) -> None:
        self._freed.extend(self._unhold(trace, span_id) for span_id in span_ids)

    def _grow(self, trace: OpenTrace) -> Forest:
        return grow(trace.steps, trace.edges_above, self._splits)

    def _unhold(self, trace: OpenTrace, span_id: bytes) -> Held:
        held = trace.holds.spans.pop(span_id)
        self._size.held -= 1
        self._size.held_bytes -= held.size_bytes
        return held

    def expired_holds(
        self, now_ns: int, *, everything: bool = False
    ) -> list[tuple[Held, Closed | None]]:
        """Spans held for `hold_max_s` (or `everything`), each with the tree it heads so far (None:
        it is no settled root).
        """
        limit = now_ns - (0 if everything else int(self._options.hold_max_s * S))
        out: list[tuple[Held, Closed | None]] = []
        while self._holds and self._holds[0][0] <= limit:
            since_ns, trace_id, span_id = self._holds.popleft()
            trace = self.open.get(trace_id)
            held = trace.holds.spans.get(span_id) if trace else None
            if trace is None or held is None or held.since_ns != since_ns:
                continue
            self._unhold(trace, span_id)
            out.append((held, self._headed(trace, span_id)))
        return out

    def _headed(self, trace: OpenTrace, span_id: bytes) -> Closed | None:
        """The run a span heads so far, if it is settled that it does."""
        try:
            forest = self._grow(trace)
        except Exception:  # noqa: BLE001 - a bug must not keep a span back
            self._give_up(trace)
            return None
        tree = next((t for t in forest.trees if t.settled and t.root_id == span_id), None)
        return Closed(tree, forest, "hold_max") if tree else None

    def due(self, now_ns: int, most: int = 1 << 60) -> list[Closed]:
        """Runs that are over, in order of due time: the first `most`, and what is due with them."""
        timed: list[tuple[int, Closed]] = []
        while self._due and self._due[0][0] <= (timed[-1][0] if len(timed) >= most else now_ns):
            at, trace_id = heapq.heappop(self._due)
            trace = self.open.get(trace_id)
            if trace is not None and trace.due_ns == at:
                timed.extend((at, c) for c in self._safely(trace, self._settle, at))
        # What came together is due together: then the earlier run goes first, as a run that waits
        # for a person must close before the one that goes on with it.
        timed.sort(key=lambda t: (t[0], t[1].start))
        closed = [c for _, c in timed]
        while self.open and self._is_over_bound():
            oldest = next(iter(self.open.values()))
            closed.extend(self._safely(oldest, self._close_bounded, now_ns))
        lull(self.open, self._asleep)
        return closed

    def _safely(self, trace: OpenTrace, close: Close, now_ns: int) -> list[Closed]:
        closed: list[Closed] = []
        try:
            closed.extend(close(trace, now_ns))
        except Exception:  # noqa: BLE001 - a bug in one trace must not stop the others
            self._give_up(trace)
        return closed

    def _give_up(self, trace: OpenTrace) -> None:
        """In an `except` block: tell of the bug, free what the trace holds, forget it."""
        self._fault(trace.trace_id)
        self._free(trace, list(trace.holds.spans))
        self._size.steps -= len(trace.steps)
        self._drop(trace)

    def _is_over_bound(self) -> bool:
        options = self._options
        full = len(self.open) > options.max_open_runs
        return full or self._size.total_bytes(self._asleep) > options.max_state_bytes

    def finish(self, now_ns: int) -> list[Closed]:
        """Close everything: ended roots as `root_ended`, the rest as `end_of_input`."""
        traces = list(self.open.values())
        closed = [c for t in traces for c in self._safely(t, self._close_all, now_ns)]
        return sorted(closed, key=lambda c: c.start)

    def stop(self, now_ns: int) -> list[Closed]:
        """Close the runs whose root has ended; the rest stays open and is lost with the process."""
        traces = list(self.open.values())
        return [c for t in traces for c in self._safely(t, self._close_stopped, now_ns)]

    def _close_stopped(self, trace: OpenTrace, now_ns: int) -> Iterator[Closed]:
        forest = self._grow(trace)
        for tree in forest.trees:
            if tree.root is not None and tree.settled:
                yield self._close(trace, forest, tree, "shutdown", now_ns)

    def _close_bounded(self, trace: OpenTrace, now_ns: int) -> Iterator[Closed]:
        return self._close_all(trace, now_ns, "state_bound")

    def _settle(self, trace: OpenTrace, now_ns: int) -> Iterator[Closed]:
        forest, next_ns = self._grow(trace), 0
        for tree in forest.trees:
            when, how = over(tree, trace.last_ns, self._options, self.resumed_ns)
            if when <= now_ns:
                remnant = self.closed.claims_tree(trace.trace_id, tree)
                closed = self._close(trace, forest, tree, how, now_ns)
                if not remnant:
                    yield closed
            else:
                next_ns = min(next_ns or when, when)
        self._reschedule(trace, forest, next_ns, now_ns)

    def _reschedule(self, trace: OpenTrace, forest: Forest, next_ns: int, now_ns: int) -> None:
        """Set the next look at the trace; drop it, or its loose steps, when nothing is awaited."""
        loose_ns = max((s.arrival_ns for s in forest.loose), default=0)
        if loose_ns:
            loose_ns += int(self._options.idle_s * S)
            if loose_ns <= now_ns:
                for step in forest.loose:
                    self._lose(trace, step)
            else:
                next_ns = min(next_ns or loose_ns, loose_ns)
        if trace.steps:
            self._schedule(trace, next_ns)
        else:
            self._drop(trace)

    def _drop(self, trace: OpenTrace) -> None:
        if self.open.pop(trace.trace_id, None) is not None:
            self._size.edges -= trace.edge_count
            trace.drop()
            self._changes.note(Kind.OPEN, trace.trace_id)

    def _look_soon(self, trace: OpenTrace, now_ns: int) -> None:
        soon = now_ns + (self._soon_ns if trace.instanced else self._quiet_ns)
        if not trace.due_ns or soon < trace.due_ns:
            self._schedule(trace, soon)

    def _schedule(self, trace: OpenTrace, due_ns: int) -> None:
        trace.due_ns = due_ns
        heapq.heappush(self._due, (due_ns, trace.trace_id))

    def _forget(self, trace: OpenTrace, step: Step) -> None:
        if trace.steps.pop(step.span_id, None) is not None:
            self._size.steps -= 1
        if step.span_id in trace.holds.spans:
            self._free(trace, [step.span_id])

    def _lose(self, trace: OpenTrace, step: Step) -> None:
        """Forget a step that is of no run."""
        self.unattached_model_calls += step.role is Role.LLM
        self._forget(trace, step)

    def _close(self, trace: OpenTrace, forest: Forest, tree: Tree, how: str, now_ns: int) -> Closed:
        closed = Closed(tree, forest, how)
        self.closed.remember(trace.trace_id, tree, trace.edges, now_ns)
        if tree.root is not None and tree.root.span_id in trace.holds.spans:
            closed.held = self._unhold(trace, tree.root.span_id)
        for step in tree.members:
            self._forget(trace, step)
        return closed

    def _close_all(self, trace: OpenTrace, now_ns: int, how: str = "") -> Iterator[Closed]:
        forest = self._grow(trace)
        for tree in forest.trees:
            if not self.closed.claims_tree(trace.trace_id, tree):
                last = "root_ended" if tree.root else "end_of_input"
                yield self._close(trace, forest, tree, how or last, now_ns)
        for step in list(trace.steps.values()):
            self._lose(trace, step)
        self._drop(trace)
