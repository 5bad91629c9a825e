"""How long the event loop was away, over this minute and the one before it.

In: how late each tick came. Out: the longest, and whether it was a pause. State: two windows.
"""

WINDOW_S = 60.0
PAUSE_S, DOOR_S = 2.0, 1.0
"""Away for so long, the process was paused: what came meanwhile is at the door, and gets so much
time before anything is over."""


class Stall:
    """Owned by the event loop."""

    def __init__(self) -> None:
        self._longest_s, self._since_s, self._previous_s = 0.0, 0.0, 0.0

    def note(self, late_s: float, now_s: float) -> bool:
        """A tick came this late; True where the process was paused."""
        if now_s - self._since_s > WINDOW_S:
            self._previous_s, self._longest_s, self._since_s = self._longest_s, 0.0, now_s
        self._longest_s = max(self._longest_s, late_s)
        return late_s > PAUSE_S

    @property
    def longest_s(self) -> float:
        """The longest since the start of the last full window."""
        return max(self._longest_s, self._previous_s)
