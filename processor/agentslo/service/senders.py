"""Who sends spans: resources and scopes decoded once, and what scopes were seen to do.

In: encoded resources and scopes, habits as they show. Out: values. State: both, bounded; what is
learned is kept over a restart. A rule may only conclude from the absence of a kind of span where
the same scope and version shows that kind elsewhere (design.md 2).
"""

from agentslo.dialects import values
from agentslo.model import Resource, Scope
from agentslo.otlp.cut import Batch, origin
from agentslo.runs.changes import Changes, Kind

MAX_INTERNED = 10_000
Habit = tuple[str, Scope]
"""`tools` or `answers`, and a scope whose spans show them."""


class Senders:
    """Resources, scopes and habits. Owned by one thread."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._resources: dict[bytes, Resource] = {}
        self._scopes: dict[bytes, Scope] = {}
        self._origins: dict[bytes, bytes] = {}
        self.habits: set[Habit] = set()

    def learn(self, what: str, scope: Scope) -> None:
        """A scope shows a habit."""
        if (what, scope) not in self.habits and len(self.habits) < MAX_INTERNED:
            self.habits.add((what, scope))
            self._changes.note(Kind.HABIT, (what, scope.name, scope.version))

    def shows(self, what: str, scope: Scope) -> bool:
        """Whether a scope was seen with a habit."""
        return (what, scope) in self.habits

    def resource(self, encoded: bytes) -> Resource:
        """An encoded resource. Raises `DecodeError`."""
        found = self._resources.get(encoded)
        if found is None:
            if len(self._resources) >= MAX_INTERNED:
                self._resources.clear()
            found = self._resources[encoded] = values.resource(encoded)
        return found

    def origin(self, batch: Batch) -> bytes:
        """Where the spans of a batch come from, one object for all of them."""
        if len(self._origins) >= MAX_INTERNED:
            self._origins.clear()
        found = origin(batch)
        return self._origins.setdefault(found, found)

    def scope(self, encoded: bytes) -> Scope:
        """An encoded scope. Raises `DecodeError`."""
        found = self._scopes.get(encoded)
        if found is None:
            if len(self._scopes) >= MAX_INTERNED:
                self._scopes.clear()
            found = self._scopes[encoded] = values.scope(encoded)
        return found
