"""What is said of runs from outside their spans: evaluations waiting for their run, and runs
waiting for evaluations.

In: evaluations by trace id, closed runs. Out: the evaluations of a run at close; for a later one
the run it corrects. State: both maps, bounded by number and age; the oldest goes first, counted by
`dropped`. Idempotent on (run, evaluation id).
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from agentslo.model import Evaluation, Run, Verdict

KEEP_NS = 7 * 86_400 * 1_000_000_000
MAX_RUNS = 20_000
MAX_WAITING = 20_000


@dataclass(slots=True)
class Judged:
    """A closed run, its verdict so far, and what was said of it."""

    run: Run
    verdict: Verdict
    closed_ns: int
    revision: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)


@dataclass(slots=True)
class Waiting:
    """Evaluations whose run is not closed yet: (span id they name, evaluation)."""

    since_ns: int
    said: list[tuple[bytes, Evaluation]] = field(default_factory=list)


class EvidenceStore:
    """Evaluations and the runs they belong to. Owned by one thread."""

    def __init__(self, max_runs: int = MAX_RUNS, max_waiting: int = MAX_WAITING) -> None:
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._judged: OrderedDict[str, Judged] = OrderedDict()
        self._by_trace: dict[str, list[str]] = {}
        self._max_runs, self._max_waiting = max_runs, max_waiting
        self.dropped = 0

    def of(self, run_id: str) -> Judged | None:
        """The closed run of that id, while it is remembered."""
        return self._judged.get(run_id)

    def peek(self, run: Run) -> list[Evaluation]:
        """The evaluations that wait for the run, left where they are."""
        members = {s.span_id for s in run.steps} | {b""}
        return [
            evaluation
            for trace_id in run.trace_ids
            if (waiting := self._waiting.get(trace_id)) is not None
            for span_id, evaluation in waiting.said
            if span_id in members
        ]

    def take(self, run: Run) -> list[Evaluation]:
        """The evaluations that waited for the run to close; those on its spans, or on no span."""
        mine = self.peek(run)
        for trace_id in run.trace_ids:
            waiting = self._waiting.get(trace_id)
            if waiting is not None:
                waiting.said = [(i, e) for i, e in waiting.said if e not in mine]
                if not waiting.said:
                    del self._waiting[trace_id]
        return mine

    def remember(self, judged: Judged) -> None:
        """Keep a closed run for later evaluations."""
        run_id = judged.run.run_id
        self._judged[run_id] = judged
        for trace_id in judged.run.trace_ids:
            self._by_trace.setdefault(trace_id, []).append(run_id)
        while self._judged:
            oldest = next(iter(self._judged.values()))
            fresh = judged.closed_ns - oldest.closed_ns <= KEEP_NS
            if len(self._judged) <= self._max_runs and fresh:
                break
            self._forget(oldest.run)

    def _forget(self, run: Run) -> None:
        del self._judged[run.run_id]
        for trace_id in run.trace_ids:
            ids = self._by_trace[trace_id]
            ids.remove(run.run_id)
            if not ids:
                del self._by_trace[trace_id]

    def offer(
        self, trace_id: str, span_id: bytes, evaluation: Evaluation, now_ns: int
    ) -> Judged | None:
        """The closed run an evaluation belongs to, with it added; None where it waits or repeats."""
        for run_id in self._by_trace.get(trace_id, ()):
            judged = self._judged[run_id]
            if span_id and all(s.span_id != span_id for s in judged.run.steps):
                continue
            if any(e.id == evaluation.id for e in judged.evaluations):
                return None
            judged.evaluations.append(evaluation)
            return judged
        waiting = self._waiting.setdefault(trace_id, Waiting(now_ns))
        if all(e.id != evaluation.id for _, e in waiting.said):
            waiting.said.append((span_id, evaluation))
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if len(self._waiting) <= self._max_waiting and now_ns - oldest.since_ns <= KEEP_NS:
                break
            self.dropped += len(self._waiting.popitem(last=False)[1].said)
        return None
