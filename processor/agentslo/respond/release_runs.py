"""Two releases beside each other, from the ledger: segments, indicators, one verdict.

In: an open ledger, an agent, two releases, since when. Out: a comparison as JSON values. No state.
An average must not hide harm: hallucinations and harm are indicators of their own, and a canary
that is worse in any of them is worse, however many more tasks it completes (requirements.md B3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agentslo.outcomes.groups import BAD, HARM, NOT_JUDGED
from agentslo.respond.bundle_files import MAX_RUNS
from agentslo.respond.canary import ALPHA, MARGIN, Verdict
from agentslo.respond.strata import Judged, Stratified, overall, stratified
from agentslo.store.ledger import Ledger, LedgerCount

INDICATORS: Mapping[str, frozenset[str]] = {
    "failed": frozenset(BAD),
    "hallucination": frozenset({"hallucination"}),
    "harm": frozenset(HARM),
}
"""The first is what the canary must prove itself on; the others can only veto it."""
WAYS = 2 * len(INDICATORS)
"""Ways to be called worse: by all segments of an indicator together, or by one of them alone."""
MIN_COVERAGE_RATIO = 0.9
MAX_SEGMENTS = 20
WORDS: Mapping[int, Verdict] = {-1: "worse", 0: "undecided", 1: "not_worse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is compared with what."""

    agent: str
    environment: str
    stable: str
    canary: str
    since_ns: int


def comparison(ledger: Ledger, pair: Pair, now_ns: int, max_runs: int = MAX_RUNS) -> dict[str, Any]:
    """The verdict with the numbers of every indicator, over the newest `max_runs`."""
    newest_first = ledger.counts(pair.agent, pair.environment, pair.since_ns)
    mine = (
        run
        for run in newest_first
        if run.release in (pair.stable, pair.canary) and run.counted_ns <= now_ns
    )
    runs = list(islice(mine, max_runs))[::-1]
    coverage = _coverage(runs, pair.canary)
    found = {
        name: stratified(_judged(runs, pair, bad), ALPHA / WAYS) for name, bad in INDICATORS.items()
    }
    return {
        "verdict": _verdict(found, coverage),
        "stable": pair.stable,
        "canary": pair.canary,
        "alpha": ALPHA,
        "margin_ratio": MARGIN,
        "canary_coverage_ratio": round(coverage, 6),
        "indicators": {name: _line(one) for name, one in found.items()},
    }


def _verdict(found: Mapping[str, Stratified], coverage: float) -> Verdict:
    if overall([one.verdict for one in found.values()]) < 0:
        return "worse"
    first = found["failed"]
    # An average that segments contradict proves nothing good.
    proven = first.verdict > 0 and not first.average_misleads
    return "not_worse" if proven and coverage >= MIN_COVERAGE_RATIO else "undecided"


def _line(one: Stratified) -> dict[str, Any]:
    """An indicator as it is recorded; of segments only where the canary looks worst."""
    worst = sorted(one.segments.items(), key=lambda item: -item[1].log_e_worse)[:MAX_SEGMENTS]
    return {
        "verdict": WORDS[one.verdict],
        "stable_runs": one.stable_runs,
        "stable_bad": one.stable_bad,
        "canary_runs": one.canary_runs,
        "canary_bad": one.canary_bad,
        "difference_low": round(one.low, 6),
        "difference_high": round(one.high, 6),
        "log_e_worse": round(one.log_e_worse, 4),
        "log_e_not_worse": round(one.log_e_not_worse, 4),
        "average_misleads": one.average_misleads,
        "segments": {name: found.log_e_worse for name, found in worst},
    }


def _coverage(runs: Sequence[LedgerCount], canary: str) -> float:
    """Share of the canary's runs that were judged: a canary may not hide in unknown."""
    mine = [run for run in runs if run.release == canary]
    unknown = sum(1 for run in mine if run.outcome == "unknown")
    return 1 - unknown / len(mine) if mine else 0.0


def _judged(runs: Sequence[LedgerCount], pair: Pair, bad: frozenset[str]) -> list[Judged]:
    return [
        Judged(
            time_ns=run.counted_ns,
            segment=run.task_type or "unset",
            is_canary=run.release == pair.canary,
            is_bad=run.outcome in bad,
        )
        for run in runs
        if run.outcome not in NOT_JUDGED
    ]
