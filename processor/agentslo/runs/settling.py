"""Runs that are over but not counted yet, because evidence is still expected.

In: closed runs and how long to wait. Out: runs whose wait is over. State: waiting runs in order of
due time, bounded by number (the oldest is let go) and by each run's own wait. Time is an argument.
"""

import heapq
from dataclasses import dataclass, field

from agentslo.runs.changes import Changes, Kind

MAX_SETTLING = 100_000


@dataclass(slots=True, order=True)
class _Due:
    at_ns: int
    run_id: str = field(compare=False)


class Settling:
    """The run ids that wait for evidence. Owned by one thread."""

    def __init__(self, bound: int = MAX_SETTLING, changes: Changes | None = None) -> None:
        self._changes = changes or Changes()
        self._due: list[_Due] = []
        self._waiting: dict[str, int] = {}
        self._bound = bound

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def until_ns(self, run_id: str) -> int:
        """When a run's wait is over; 0 where it does not wait."""
        return self._waiting.get(run_id, 0)

    def wait(self, run_id: str, until_ns: int) -> list[str]:
        """Let a run wait; gives those that must be let go because the bound is met."""
        self._waiting[run_id] = until_ns
        self._changes.note(Kind.RUN, run_id)
        heapq.heappush(self._due, _Due(until_ns, run_id))
        over = []
        while len(self._waiting) > self._bound:
            over.extend(self._pop())
        return over

    def settle(self, run_id: str) -> None:
        """All evidence has come."""
        if self._waiting.pop(run_id, None) is not None:
            self._changes.note(Kind.RUN, run_id)

    def due(self, now_ns: int) -> list[str]:
        """The runs whose wait is over."""
        out: list[str] = []
        while self._due and self._due[0].at_ns <= now_ns:
            out.extend(self._pop())
        return out

    def finish(self) -> list[str]:
        """Let every run go: the input is over."""
        out: list[str] = []
        while self._due:
            out.extend(self._pop())
        return out

    def _pop(self) -> list[str]:
        run_id = heapq.heappop(self._due).run_id
        if run_id not in self._waiting:
            return []
        self.settle(run_id)
        return [run_id]
