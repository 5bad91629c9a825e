"""Releases that serve side by side now, and whether the newer one is worse.

In: the ledger, as it grows. Out: a verdict a pair: -1 worse, 0 undecided, 1 not worse. State: the
pairs found at the last look and their newest verdicts, at most MAX_PAIRS. Looking often costs no
error: the evidence is an e-process (`canary`). The stable release is the one with most runs in
LOOKBACK_S, the canary the one seen first last; a pair without runs of both in LIVE_S is forgotten.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from agentslo.respond.canary import SLICE_S
from agentslo.respond.release_runs import WORDS, Pair, comparison
from agentslo.store.ledger import Ledger

NS = 10**9
LOOKBACK_S = 7 * 86_400
LIVE_S = 86_400
SEEK_S = 60
"""How often releases are looked for; between two looks one pair is compared at a time."""
MAX_PAIRS = 50
MAX_RUNS = 50_000
VERDICTS = {word: verdict for verdict, word in WORDS.items()}
At = tuple[str, str, str]
"""Agent, environment, release."""
Beside = tuple[str, str, str, str]
"""Agent, environment, stable and canary release."""
Seen = tuple[str, str, str, int, int, int]
"""Agent, environment, release, when first and last in the time looked at, runs."""


def beside(seen: Iterable[Seen], first: Mapping[At, int], now_ns: int) -> list[Pair]:
    """The pairs of releases that serve side by side, the newest canary first. `first`: when each
    release was first seen.
    """
    live: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    for agent, environment, release, _, last_ns, runs in seen:
        if last_ns >= now_ns - LIVE_S * NS:
            since_ns = first[agent, environment, release]
            live.setdefault((agent, environment), []).append((since_ns, runs, release))
    found = []
    for (agent, environment), serving in live.items():
        if len(serving) < 2:
            continue
        since_ns, _, canary = max(serving)
        _, stable = max((runs, release) for _, runs, release in serving if release != canary)
        found.append(
            Pair(
                agent=agent,
                environment=environment,
                stable=stable,
                canary=canary,
                since_ns=since_ns,
            )
        )
    return sorted(found, key=lambda pair: -pair.since_ns)[:MAX_PAIRS]


class LiveReleases:
    """Compares what serves side by side, a pair a call."""

    def __init__(self, ledger_file: Path) -> None:
        self._file = ledger_file
        self._ledger: Ledger | None = None
        self._sought_ns = 0
        self._due: list[Pair] = []
        self._first: dict[At, int] = {}
        self.verdicts: dict[Beside, int] = {}

    def look(self, now_ns: int) -> None:
        """Compare the next pair, up to the last slice that is over; raises `LedgerError`."""
        if self._ledger is None:
            if not self._file.exists():
                return
            self._ledger = Ledger(self._file, read_only=True)
        if not self._due and now_ns - self._sought_ns >= SEEK_S * NS:
            self._due = self._seek(self._ledger, now_ns)
            self._sought_ns = now_ns
            known = {_labels(pair) for pair in self._due}
            self.verdicts = {at: v for at, v in self.verdicts.items() if at in known}
        if self._due:
            pair = self._due.pop(0)
            over_ns = now_ns - now_ns % (SLICE_S * NS) - 1
            found = comparison(self._ledger, pair, over_ns, MAX_RUNS)
            self.verdicts[_labels(pair)] = VERDICTS[found["verdict"]]

    def _seek(self, ledger: Ledger, now_ns: int) -> list[Pair]:
        # Which of two releases is the newer one must not change when the older days are left out.
        back_s = LOOKBACK_S if self._sought_ns else 4 * LOOKBACK_S
        seen = list(ledger.releases(now_ns - back_s * NS))
        self._first = {
            (agent, environment, release): min(
                first_ns, self._first.get((agent, environment, release), first_ns)
            )
            for agent, environment, release, first_ns, _, _ in seen
        }
        return beside(seen, self._first, now_ns)

    def close(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()


def _labels(pair: Pair) -> Beside:
    return pair.agent, pair.environment, pair.stable, pair.canary
