"""What a journal must write anew: which pieces of state changed since it last asked.

In: kinds and keys as state changes. Out: each once, in the order of their first change. State:
those, only while somebody watches.
"""

from enum import StrEnum

Key = str | bytes | tuple[str, ...]


class Kind(StrEnum):
    """The pieces of state that are kept one by one, and what their key is."""

    OPEN = "open"
    """Trace id: the trace may have closed."""
    CLOSED = "closed"
    """Trace id: ids of the spans of its closed runs."""
    RUN = "run"
    """Run id: a closed run that evidence may correct, or that waits."""
    SAID = "said"
    """Key of evaluations whose run has not closed."""
    LEFT = "left"
    """Run id: with which outcome its root left early."""
    TURNS = "turns"
    """Agent, environment, conversation id: the turns of an open conversation."""
    HABIT = "habit"
    """What a scope was seen to do, its name and version."""


class Changes:
    """Changed pieces of state. Owned by one thread."""

    def __init__(self) -> None:
        self.watched = False
        self._changed: dict[tuple[Kind, Key], None] = {}
        self._learned: dict[tuple[Kind, Key], None] = {}

    def note(self, kind: Kind, key: Key) -> None:
        """Note that a piece changed, came or went."""
        if self.watched:
            (self._learned if kind is Kind.HABIT else self._changed)[kind, key] = None

    @property
    def any(self) -> bool:
        """Whether something changed since the last time."""
        return bool(self._changed or self._learned)

    def learned(self) -> list[tuple[Kind, Key]]:
        """The habits among it: with them the spans that taught them are judged, so both must be on
        disk together.
        """
        learned, self._learned = self._learned, {}
        return list(learned)

    def take(self) -> list[tuple[Kind, Key]]:
        """What changed since the last time."""
        changed, self._changed = self._changed, {}
        return self.learned() + list(changed)
