"""What was seen of one agent in one environment since the start: the state behind its page.

In: counted and corrected runs. Out: counts, releases, tiles. State: bounded by number: tiles of six
hours for 28 days, the newest releases and bad runs.
"""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

from agentslo.model import Outcome, Run, SloResult, Verdict

TILE_NS = 6 * 3600 * 10**9
MAX_TILES = 4 * 28
MAX_RELEASES = 8
MAX_BAD_RUNS = 10
HARM = frozenset({Outcome.UNSAFE_ACTION, Outcome.DATA_CORRUPTION})
FAILED = HARM | {
    *(Outcome.HALLUCINATION, Outcome.TOOL_FAILURE, Outcome.LIMIT, Outcome.ERROR),
    *(Outcome.WRONG_RESULT, Outcome.BAD_ESCALATION, Outcome.REFUSED),
}
_GOOD_BAD = {SloResult.GOOD: 0, SloResult.BAD: 1}


@dataclass(slots=True)
class ReleaseRow:
    """One release: its versions in words, when it was seen, how its runs went."""

    versions: str
    first_ns: int
    last_ns: int = 0
    runs: int = 0
    failed: int = 0


@dataclass(slots=True)
class AgentRow:
    """The counts of one agent in one environment."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slos: dict[str, Counter[str]] = field(default_factory=dict)
    tiles: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    """Objective to start of a tile (unix ns) to good and bad runs."""
    releases: OrderedDict[str, ReleaseRow] = field(default_factory=OrderedDict)
    bad_runs: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_BAD_RUNS))
    """Ids of the newest runs that went wrong, oldest first."""
    last_end_ns: int = 0
    last_harm_ns: int = 0

    def count(self, run: Run, verdict: Verdict) -> bool:
        """Take a run in; whether it went wrong."""
        self.outcomes[verdict.outcome.value] += 1
        self.last_end_ns = max(self.last_end_ns, run.end_ns)
        for name, result in verdict.slos.items():
            self._judge(name, result, run.end_ns, 1)
        self._release(run, failed=verdict.outcome in FAILED)
        return self._mark(run, verdict)

    def correct(self, run: Run, before: Verdict, after: Verdict) -> bool:
        """Take a later verdict of a counted run; whether it now went wrong."""
        self.outcomes[before.outcome.value] -= 1
        self.outcomes[after.outcome.value] += 1
        for name, result in after.slos.items():
            self._judge(name, before.slos[name], run.end_ns, -1)
            self._judge(name, result, run.end_ns, 1)
        release = self.releases.get(run.release)
        if release is not None:
            release.failed += (after.outcome in FAILED) - (before.outcome in FAILED)
        return self._mark(run, after)

    def _mark(self, run: Run, verdict: Verdict) -> bool:
        if verdict.outcome in HARM:
            self.last_harm_ns = max(self.last_harm_ns, run.end_ns)
        bad = verdict.outcome in FAILED or SloResult.BAD in verdict.slos.values()
        if bad and run.run_id not in self.bad_runs:
            self.bad_runs.append(run.run_id)
        return bad

    def _judge(self, name: str, result: SloResult, end_ns: int, by: int) -> None:
        counts = self.slos.get(name)
        if counts is None:
            counts = self.slos[name] = Counter()
        counts[result.value] += by
        place = _GOOD_BAD.get(result)
        if place is None:
            return
        tiles, start_ns = self.tiles.setdefault(name, {}), end_ns - end_ns % TILE_NS
        tile = tiles.get(start_ns)
        if tile is None:
            tile = tiles[start_ns] = [0, 0]
        tile[place] += by
        while len(tiles) > MAX_TILES:
            del tiles[min(tiles)]

    def _release(self, run: Run, *, failed: bool) -> None:
        row = self.releases.get(run.release)
        if row is None:
            row = ReleaseRow(versions=_versions(run), first_ns=run.end_ns)
            self.releases[run.release] = row
        row.last_ns = max(row.last_ns, run.end_ns)
        row.runs += 1
        row.failed += failed
        self.releases.move_to_end(run.release)
        while len(self.releases) > MAX_RELEASES:
            self.releases.popitem(last=False)


def _versions(run: Run) -> str:
    """What a release stands for, in words."""
    parts = {
        "agent": run.agent_version,
        "prompt": run.prompt_version,
        "model": "+".join(run.models),
        "tools": run.tools_version,
        "policy": run.policy_version,
    }
    return ", ".join(f"{name} {part}" for name, part in parts.items() if part)
