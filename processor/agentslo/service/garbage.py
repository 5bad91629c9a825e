"""When Python looks for reference cycles: not while spans wait.

In: ticks, and how many requests came until then. Out: nothing; the collector of the process is set.
State: when it last looked at everything. What exists after the start is never looked at again.
Young objects are looked at twice, in portions that keep the loop short. Everything else is
looked at when nothing came for a tick, at most every ten minutes, at the latest after half an hour;
what is left then is not looked at again either, so that the next time is short.
"""

import gc

YOUNG_OBJECTS = 2_000
"""Young objects take up to 0.8 us each to look at: with 20,000 of them a turn took 15 ms."""
YOUNG_ROUNDS = 2
NEVER = 1_000_000_000
IDLE_EVERY_S = 600.0
BUSY_EVERY_S = 1_800.0


class Garbage:
    """Owned by the event loop of the process; `begin` once everything is set up."""

    def __init__(self) -> None:
        self._looked_s, self._requests = 0.0, 0

    def begin(self, now_s: float) -> None:
        """Set what exists aside, and the collector to portions."""
        gc.set_threshold(YOUNG_OBJECTS, YOUNG_ROUNDS, NEVER)
        self._look(now_s)

    def tick(self, now_s: float, requests: int) -> None:
        """Look at everything, where this is a good moment. `requests`: until now."""
        idle, self._requests = requests == self._requests, requests
        if now_s - self._looked_s >= (IDLE_EVERY_S if idle else BUSY_EVERY_S):
            self._look(now_s)

    def _look(self, now_s: float) -> None:
        self._looked_s = now_s
        gc.collect()
        gc.freeze()
