"""Whether a canary is worse than the stable release, not worse, or not known yet.

In: results of both in time slices. Out: a verdict with the evidence for it. Pure; may be asked
after every run: the evidence is an e-process, so looking often costs nothing.

Worse: in each slice with n_a stable and n_b canary runs, the e-variable of Turner, Ly and Grünwald
("Generic E-Variables for Exact Sequential k-Sample Tests", arXiv 2106.02693) for "both fail equally
often" against a grid of alternatives; their product, averaged over the grid, passes 1/alpha with
probability at most alpha where the releases are identical. Not worse: the same with "the canary
fails `MARGIN` more often" as null, by bets on the differences of runs put side by side. A slice in
which one of them has no run says nothing, so what both have in common cancels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

ALPHA = 0.02
"""False rollbacks of identical releases, whatever the number of looks; an upper bound."""
MARGIN = 0.05
SLICE_S = 300
Verdict = Literal["worse", "not_worse", "undecided"]
_STABLE = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
_ODDS = (1.5, 2.0, 3.0, 5.0, 9.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Judged runs of both releases within one slice of time, in order; True is a bad one."""

    stable: tuple[bool, ...]
    canary: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The verdict; `log_e_*` are natural logarithms of the evidence, the bar is -ln(alpha)."""

    verdict: Verdict
    stable_runs: int
    canary_runs: int
    stable_bad: int
    canary_bad: int
    log_e_worse: float
    log_e_not_worse: float


def compare(slices: Sequence[Slice], alpha: float = ALPHA) -> Comparison:
    """The verdict over all slices, oldest first; the first bar passed decides."""
    bar = -math.log(alpha)
    verdict: Verdict = "undecided"
    worse = [0.0] * (len(_STABLE) * len(_ODDS))
    bets = [0.0] * len(_BETS)
    log_worse = log_not_worse = 0.0
    for one in slices:
        if not one.stable or not one.canary:
            continue
        worse = [e + step for e, step in zip(worse, _worse_steps(one), strict=True)]
        bets = [e + step for e, step in zip(bets, _margin_steps(one), strict=True)]
        log_worse, log_not_worse = _mean(worse), _mean(bets)
        if verdict == "undecided":
            verdict = (
                "worse" if log_worse >= bar else "not_worse" if log_not_worse >= bar else verdict
            )
    return Comparison(
        verdict=verdict,
        stable_runs=sum(len(s.stable) for s in slices),
        canary_runs=sum(len(s.canary) for s in slices),
        stable_bad=sum(sum(s.stable) for s in slices),
        canary_bad=sum(sum(s.canary) for s in slices),
        log_e_worse=round(log_worse, 4),
        log_e_not_worse=round(log_not_worse, 4),
    )


def _worse_steps(one: Slice) -> list[float]:
    return _worse_of(len(one.stable), len(one.canary), sum(one.stable), sum(one.canary))


@lru_cache(maxsize=4_096)
def _worse_of(na: int, nb: int, stable_bad: int, canary_bad: int) -> list[float]:
    """The steps of a slice: many slices have the same few counts."""
    steps = []
    for stable in _STABLE:
        for odds in _ODDS:
            canary = odds * stable / (1 - stable + odds * stable)
            null = (na * stable + nb * canary) / (na + nb)
            steps.append(
                _likelihood(stable_bad, na, stable)
                + _likelihood(canary_bad, nb, canary)
                - _likelihood(stable_bad + canary_bad, na + nb, null)
            )
    return steps


def _likelihood(bad: int, runs: int, ratio: float) -> float:
    return bad * math.log(ratio) + (runs - bad) * math.log(1 - ratio)


_BETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)


def _margin_steps(one: Slice) -> list[float]:
    """Bets that the canary's share of bad runs is below the stable one's plus the margin.

    Runs are dealt into as many pairs of groups as the smaller side has runs. A pair's difference is
    at most 1 and its mean is at least the margin under the null, so 1 + bet * (margin - difference)
    has mean at most 1 and is never negative.
    """
    pairs = min(len(one.stable), len(one.canary))
    differences = [
        _share(one.canary[i::pairs]) - _share(one.stable[i::pairs]) for i in range(pairs)
    ]
    return [sum(math.log1p(bet * (MARGIN - d)) for d in differences) for bet in _BETS]


def _share(results: Sequence[bool]) -> float:
    return sum(results) / len(results)


def _mean(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(e - top) for e in logs) / len(logs))
