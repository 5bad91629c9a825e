"""Which versions an agent's runs have shown, and when a new one came.

In: observations. Out: `Change`s about a time. State: the versions of each kind seen so far and the
newest changes, bounded.
"""

from collections import deque

from agentslo.watch.attribution import Change
from agentslo.watch.observe import Observed

MAX_KINDS = 50
MAX_VERSIONS = 100
MAX_CHANGES = 100


class Changes:
    """The versions of one agent. A version seen before is no change when it comes back."""

    def __init__(self) -> None:
        self._versions: dict[str, dict[str, None]] = {}
        self._changes: deque[Change] = deque(maxlen=MAX_CHANGES)

    def note(self, observed: Observed) -> None:
        """Take the versions of one run."""
        for kind, version in observed.versions.items():
            known = self._versions.get(kind)
            if known is None:
                if len(self._versions) < MAX_KINDS:
                    self._versions[kind] = {version: None}
                continue
            if version in known:
                continue
            before = next(reversed(known))
            self._changes.append(
                Change(time_ns=observed.time_ns, kind=kind, before=before, after=version)
            )
            known[version] = None
            if len(known) > MAX_VERSIONS:
                del known[next(iter(known))]

    def about(self, time_ns: int, lookback_ns: int) -> list[Change]:
        """The changes since `lookback_ns` before a time, the newest first."""
        return [c for c in reversed(self._changes) if c.time_ns >= time_ns - lookback_ns]
