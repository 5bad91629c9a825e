"""Two releases beside each other, from the ledger: slices of time, indicators, one verdict.

In: an open ledger, an agent, two releases, since when. Out: a comparison as JSON values. No state.
An average must not hide harm: hallucinations and harm are indicators of their own, and a canary
that is worse in any of them is worse, however many more tasks it completes (requirements.md B3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agentslo.respond.bundle_files import FAILED, MAX_RUNS
from agentslo.respond.canary import ALPHA, MARGIN, SLICE_S, Comparison, Slice, Verdict, compare
from agentslo.store.ledger import Ledger, LedgerRun, Query

INDICATORS: Mapping[str, frozenset[str]] = {
    "failed": FAILED,
    "hallucination": frozenset({"hallucination"}),
    "harm": frozenset({"unsafe_action", "data_corruption"}),
}
"""The first is what the canary must prove itself on; the others can only veto it."""
NOT_JUDGED = frozenset({"unknown", "waiting", "excluded", "cancelled", "blocked"})
MIN_COVERAGE_RATIO = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is compared with what."""

    agent: str
    environment: str
    stable: str
    canary: str
    since_ns: int


def comparison(ledger: Ledger, pair: Pair, now_ns: int) -> dict[str, Any]:
    """The verdict with the numbers of every indicator."""
    query = Query(
        agent=pair.agent, environment=pair.environment, since_ns=pair.since_ns, limit=MAX_RUNS
    )
    runs = [
        run
        for run in ledger.runs(query)
        if run.release in (pair.stable, pair.canary) and run.counted_ns <= now_ns
    ][::-1]
    judged = [run for run in runs if run.outcome not in NOT_JUDGED]
    coverage = _coverage(runs, pair.canary)
    found = {
        name: compare(_slices(judged, pair, bad), ALPHA / len(INDICATORS))
        for name, bad in INDICATORS.items()
    }
    return {
        "verdict": _verdict(found, coverage),
        "stable": pair.stable,
        "canary": pair.canary,
        "alpha": ALPHA,
        "margin_ratio": MARGIN,
        "canary_coverage_ratio": round(coverage, 6),
        "indicators": {name: asdict(one) for name, one in found.items()},
    }


def _verdict(found: Mapping[str, Comparison], coverage: float) -> Verdict:
    if any(one.verdict == "worse" for one in found.values()):
        return "worse"
    proven = found["failed"].verdict == "not_worse" and coverage >= MIN_COVERAGE_RATIO
    return "not_worse" if proven else "undecided"


def _coverage(runs: Sequence[LedgerRun], canary: str) -> float:
    """Share of the canary's runs that were judged: a canary may not hide in unknown."""
    mine = [run for run in runs if run.release == canary]
    unknown = sum(1 for run in mine if run.outcome == "unknown")
    return 1 - unknown / len(mine) if mine else 0.0


def _slices(runs: Sequence[LedgerRun], pair: Pair, bad: frozenset[str]) -> list[Slice]:
    found: dict[int, tuple[list[bool], list[bool]]] = {}
    for run in runs:
        stable, canary = found.setdefault(run.counted_ns // (SLICE_S * 10**9), ([], []))
        (canary if run.release == pair.canary else stable).append(run.outcome in bad)
    return [Slice(stable=tuple(stable), canary=tuple(canary)) for stable, canary in found.values()]
