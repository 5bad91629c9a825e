"""How long the event loop was away, over this minute and the one before it.

In: how late each tick came. Out: the longest. State: two windows.
"""

WINDOW_S = 60.0


class Stall:
    """Owned by the event loop."""

    def __init__(self) -> None:
        self._longest_s, self._since_s, self._previous_s = 0.0, 0.0, 0.0

    def note(self, late_s: float, now_s: float) -> None:
        """A tick came this late."""
        if now_s - self._since_s > WINDOW_S:
            self._previous_s, self._longest_s, self._since_s = self._longest_s, 0.0, now_s
        self._longest_s = max(self._longest_s, late_s)

    @property
    def longest_s(self) -> float:
        """The longest since the start of the last full window."""
        return max(self._longest_s, self._previous_s)
