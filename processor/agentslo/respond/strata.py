"""Two releases compared segment by segment: verdict, intervals, and whether an average misleads.

In: runs of both releases, each with its segment and whether it was bad. Out: `Stratified`. Pure. A
canary that is worse everywhere may look better on average, where it was given the easier runs: so
the evidence of segments is multiplied (independent e-processes; Turner and Grünwald, "Safe
Sequential Testing and Effect Estimation in Stratified Count Data", 2023), and a warning is given
where the pooled difference and the stratified one point apart (Simpson). One segment whose own
evidence passes segments / alpha is enough to call the canary worse.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from agentslo.respond.canary import ALPHA, SLICE_S, Comparison, Slice, compare

MIN_RUNS = 20
"""Fewer runs of either release are not enough data, whatever they show."""
NS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One run of either release."""

    time_ns: int
    segment: str
    is_canary: bool
    is_bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratified:
    """`verdict`: -1 worse, 0 undecided, 1 proven not worse; 0 without enough data. `low`, `high`:
    95 % interval of the difference of bad shares, canary less stable (Newcombe).
    """

    verdict: int
    enough: bool
    stable_runs: int
    stable_bad: int
    canary_runs: int
    canary_bad: int
    low: float
    high: float
    log_e_worse: float
    log_e_not_worse: float
    segments: Mapping[str, Comparison]
    average_misleads: bool


def stratified(runs: Sequence[Judged], alpha: float = ALPHA) -> Stratified:
    """The verdict on runs of both releases, oldest first."""
    names = sorted({run.segment for run in runs})
    by_segment = {name: compare(_slices(runs, name), alpha) for name in names}
    pooled = compare(_slices(runs, None), alpha)
    log_worse = sum(one.log_e_worse for one in by_segment.values())
    bar = -math.log(alpha)
    alone = max((one.log_e_worse for one in by_segment.values()), default=0.0)
    is_worse = log_worse >= bar or alone >= bar + math.log(max(1, len(names)))
    enough = min(pooled.stable_runs, pooled.canary_runs) >= MIN_RUNS
    verdict = -1 if is_worse else int(pooled.log_e_not_worse >= bar)
    low, high = difference_interval(pooled)
    return Stratified(
        verdict=verdict if enough else 0,
        enough=enough,
        stable_runs=pooled.stable_runs,
        stable_bad=pooled.stable_bad,
        canary_runs=pooled.canary_runs,
        canary_bad=pooled.canary_bad,
        low=low,
        high=high,
        log_e_worse=log_worse,
        log_e_not_worse=pooled.log_e_not_worse,
        segments=by_segment,
        average_misleads=_difference([pooled]) * _difference(list(by_segment.values())) < 0,
    )


def overall(verdicts: Sequence[int]) -> int:
    """One verdict over dimensions: worse where any is, not worse only where all are."""
    if not verdicts:
        return 0
    return -1 if min(verdicts) < 0 else int(min(verdicts) > 0)


def _slices(runs: Sequence[Judged], segment: str | None) -> list[Slice]:
    found: dict[int, tuple[list[bool], list[bool]]] = {}
    for run in runs:
        if segment is None or run.segment == segment:
            stable, canary = found.setdefault(run.time_ns // (SLICE_S * NS), ([], []))
            (canary if run.is_canary else stable).append(run.is_bad)
    return [Slice(stable=tuple(stable), canary=tuple(canary)) for stable, canary in found.values()]


def _difference(parts: Sequence[Comparison]) -> float:
    """The Mantel-Haenszel difference of bad shares, canary less stable, up to its scale."""
    up = 0.0
    for one in parts:
        n, m = one.stable_runs, one.canary_runs
        if n and m:
            up += n * m / (n + m) * (one.canary_bad / m - one.stable_bad / n)
    return up


def difference_interval(found: Comparison, level: float = 0.95) -> tuple[float, float]:
    """Newcombe's interval of the difference of two shares; (-1, 1) where either is unknown."""
    n, m = found.stable_runs, found.canary_runs
    if not n or not m:
        return -1.0, 1.0
    p, q = found.stable_bad / n, found.canary_bad / m
    low_p, high_p = wilson_interval(found.stable_bad, n, level)
    low_q, high_q = wilson_interval(found.canary_bad, m, level)
    down = math.hypot(q - low_q, high_p - p)
    up = math.hypot(high_q - q, p - low_p)
    return q - p - down, q - p + up


def wilson_interval(bad: int, runs: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share of `runs` > 0."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, scale = bad / runs, 1 + z * z / runs
    middle = (p + z * z / (2 * runs)) / scale
    half = z * math.sqrt(p * (1 - p) / runs + z * z / (4 * runs * runs)) / scale
    return middle - half, middle + half
