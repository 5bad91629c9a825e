"""How long the event loop was away, over this minute and the one before it.

In: the loop itself, whose selector measures, and how late each tick came. Out: the longest turn, in
seconds of the clock and of CPU time, and whether a tick came after a pause. State: two windows of
each. A loop waits for events in its selector and nowhere else: what lies between two waits is one
turn, in which nobody else is answered.
"""

import asyncio
import selectors
from time import monotonic, thread_time

from agentslo.measure import names as m
from agentslo.measure.series import Metrics

WINDOW_S = 60.0
PAUSE_S, DOOR_S = 2.0, 1.0
"""Away for so long, the process was paused: what came meanwhile is at the door, and gets so much
time before anything is over."""


class Longest:
    """The longest of what was noted lately."""

    def __init__(self) -> None:
        self._longest_s, self._since_s, self._previous_s = 0.0, 0.0, 0.0

    def note(self, took_s: float, now_s: float) -> None:
        """Something took this long."""
        if now_s - self._since_s > WINDOW_S:
            self._previous_s, self._longest_s, self._since_s = self._longest_s, 0.0, now_s
        self._longest_s = max(self._longest_s, took_s)

    @property
    def longest_s(self) -> float:
        """Since the start of the last full window."""
        return max(self._longest_s, self._previous_s)


class Stall:
    """Turns of one event loop, which `loop` makes."""

    def __init__(self) -> None:
        self.wall, self.cpu = Longest(), Longest()
        self.woke_s, self.woke_cpu_s = monotonic(), thread_time()
        self._measured = False

    def spent_s(self) -> float:
        """CPU time of this turn until now; 0 in a loop that is not measured."""
        return thread_time() - self.woke_cpu_s if self._measured else 0.0

    def loop(self) -> asyncio.AbstractEventLoop:
        """A new event loop whose turns are measured here."""
        self._measured = True
        return asyncio.SelectorEventLoop(_Selector(self))

    def begin(self) -> None:
        """Forget what the start took: nobody waited for an answer then."""
        self.wall, self.cpu = Longest(), Longest()

    def late(self, late_s: float, now_s: float) -> bool:
        """A tick came this late, as after a pause of the process; True where it was one."""
        self.wall.note(late_s, now_s)
        return late_s > PAUSE_S

    def show(self, metrics: Metrics) -> None:
        """Bring the gauges up to date."""
        metrics.set(m.LOOP_STALL, (), self.wall.longest_s)
        metrics.set(m.LOOP_TURN_CPU, (), self.cpu.longest_s)


class _Selector(selectors.DefaultSelector):
    """Measures from the end of one wait to the beginning of the next."""

    def __init__(self, stall: Stall) -> None:
        super().__init__()
        self._stall = stall

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        stall, now_s = self._stall, monotonic()
        stall.wall.note(now_s - stall.woke_s, now_s)
        stall.cpu.note(stall.spent_s(), now_s)
        ready = super().select(timeout)
        stall.woke_s, stall.woke_cpu_s = monotonic(), thread_time()
        return ready
