"""Runs paused for a person: who is waited for, and what settles it (design.md 3, `waiting`).

In: closed runs. Out: earlier waiting runs that a resumed run settles, and those whose deadline has
passed. State: waiting runs by (agent, environment, conversation), bounded by number and time.
"""

import heapq
from collections import Counter, OrderedDict
from dataclasses import dataclass

from agentslo.model import Run, Verdict
from agentslo.runs.changes import Changes, Kind

MAX_WAITING = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A run that waits: its verdict at close and when it stops being waited for."""

    run: Run
    verdict: Verdict
    deadline_ns: int


class WaitingRuns:
    """The runs that wait for a person. Owned by one thread."""

    def __init__(self, bound: int = MAX_WAITING, changes: Changes | None = None) -> None:
        self._changes = changes or Changes()
        self._paused: OrderedDict[str, Paused] = OrderedDict()
        self._due: list[tuple[int, str]] = []
        self._by_conversation: dict[tuple[str, str, str], list[str]] = {}
        self._bound = bound
        self.counts: Counter[tuple[str, str]] = Counter()
        """Waiting runs by (agent, environment)."""

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._paused

    def of(self, run_id: str) -> Paused | None:
        """The waiting run of that id."""
        return self._paused.get(run_id)

    def run_ids(self) -> list[str]:
        """Every run that waits."""
        return list(self._paused)

    def pause(self, run: Run, verdict: Verdict, deadline_ns: int) -> list[Paused]:
        """Note a waiting run; gives those that are over because the bound is met."""
        paused = Paused(run=run, verdict=verdict, deadline_ns=deadline_ns)
        self._paused[run.run_id] = paused
        self._changes.note(Kind.RUN, run.run_id)
        heapq.heappush(self._due, (deadline_ns, run.run_id))
        key = run.agent, run.environment, run.conversation_id
        self._by_conversation.setdefault(key, []).append(run.run_id)
        self.counts[run.agent, run.environment] += 1
        over = []
        while len(self._paused) > self._bound:
            over.append(self._drop(next(iter(self._paused))))
        return over

    def resumed_by(self, run: Run) -> list[Paused]:
        """The waiting runs of the same agent and conversation that this later run goes on with."""
        if not run.conversation_id:
            return []
        key = run.agent, run.environment, run.conversation_id
        same = [i for i in self._by_conversation.get(key, ()) if i != run.run_id]
        earlier = [i for i in same if self._paused[i].run.start_ns <= run.start_ns]
        return [self._drop(run_id) for run_id in earlier]

    def overdue(self, now_ns: int) -> list[Paused]:
        """The runs nobody resumed in time."""
        over = []
        while self._due and self._due[0][0] <= now_ns:
            deadline_ns, run_id = heapq.heappop(self._due)
            paused = self._paused.get(run_id)
            if paused is not None and paused.deadline_ns == deadline_ns:
                over.append(self._drop(run_id))
        return over

    def settle(self, run_id: str) -> None:
        """Evidence has settled a waiting run."""
        if run_id in self._paused:
            self._drop(run_id)

    def _drop(self, run_id: str) -> Paused:
        paused = self._paused.pop(run_id)
        self._changes.note(Kind.RUN, run_id)
        key = paused.run.agent, paused.run.environment, paused.run.conversation_id
        self._by_conversation[key].remove(run_id)
        if not self._by_conversation[key]:
            del self._by_conversation[key]
        self.counts[paused.run.agent, paused.run.environment] -= 1
        return paused
