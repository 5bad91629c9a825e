"""The error-budget policy: normal, caution or frozen, from what was left of the budget over time.

In: counted runs of an objective's period at times, oldest first. Out: what is left now, and the
state it leads to. Pure; no state: the same history gives the same answer on every machine.
Source: methods.md 5; Google SRE workbook, "Example error budget policy".

Down at once (25 % left: caution; nothing left: frozen), up only after the budget stood 10 points
above that for 7 days, so that a state does not flap. A moment at which less than 90 % of the runs
were judged freezes where the bad runs alone spend the budget; else it proves nothing, and is no day
of recovery. What is left is then said as if every unknown run were bad.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["normal", "caution", "frozen"]

MIN_COVERAGE_RATIO = 0.9
BELOW: Mapping[State, float] = {"caution": 0.25, "frozen": 0.0}
"""A state is entered where at most this share of the budget is left."""
REGAINED_RATIO = 0.10
REGAINED_NS = 7 * 86_400 * 1_000_000_000
GAP_NS = 86_400 * 1_000_000_000
"""Longest time without a sample that still counts as one stretch of recovery."""
POST_MORTEM_RATIO = 0.20
"""Share of the budget that asks for a post-mortem where one day spent it."""
_ORDER: tuple[State, ...] = ("normal", "caution", "frozen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Runs of the period that ends at `time_ns`, by result."""

    time_ns: int
    good: float
    bad: float
    unknown: float

    @property
    def runs(self) -> float:
        """All of them."""
        return self.good + self.bad + self.unknown

    @property
    def judged(self) -> float:
        """Runs with a result."""
        return self.good + self.bad

    @property
    def coverage_ratio(self) -> float:
        """Share of runs that were judged; NaN without runs."""
        return self.judged / self.runs if self.runs > 0 else math.nan

    @property
    def error_ratio(self) -> float:
        """Share of bad runs, of those judged; NaN without any."""
        return self.bad / self.judged if self.judged > 0 else math.nan

    @property
    def pessimistic_ratio(self) -> float:
        """Share of bad runs where every unknown one is bad."""
        return (self.bad + self.unknown) / self.runs if self.runs > 0 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an objective's budget stands. `left_ratio`: NaN where nothing was counted.
    `worst_day_ratio`: at least this much of the budget was spent within the day before
    `worst_day_ns`.
    """

    state: State
    since_ns: int
    left_ratio: float
    left_runs: float
    worst_day_ratio: float
    worst_day_ns: int
    now: Counts


def left_ratio(counts: Counts, objective_ratio: float) -> float:
    """Share of the budget left; below 0 where more than all is spent, NaN without runs."""
    covered = counts.coverage_ratio >= MIN_COVERAGE_RATIO
    spent = counts.error_ratio if covered else counts.pessimistic_ratio
    return 1 - spent / (1 - objective_ratio)


def standing(history: Sequence[Counts], objective_ratio: float, min_runs: float) -> Standing | None:
    """What the policy says at the last moment of a history; None where there is none.

    Moments with fewer than `min_runs` runs change no state: one bad run of two is no trend.
    """
    if not history:
        return None
    budget_ratio = 1 - objective_ratio
    enough = [c for c in history if c.runs >= max(min_runs, 1)]
    state, since_ns = _fold([(c.time_ns, _proven(c, budget_ratio)) for c in enough])
    now = history[-1]
    worst_day_ratio, worst_day_ns = _worst_day(enough, budget_ratio * now.judged)
    return Standing(
        state=state,
        since_ns=since_ns or history[0].time_ns,
        left_ratio=left_ratio(now, objective_ratio),
        left_runs=budget_ratio * now.judged - now.bad,
        worst_day_ratio=worst_day_ratio,
        worst_day_ns=worst_day_ns,
        now=now,
    )


def _proven(counts: Counts, budget_ratio: float) -> float | None:
    """What is left at a moment for certain; None where nothing is."""
    if counts.coverage_ratio >= MIN_COVERAGE_RATIO:
        return 1 - counts.error_ratio / budget_ratio
    at_most = 1 - counts.bad / counts.runs / budget_ratio
    return at_most if at_most <= 0 else None


def _fold(samples: Sequence[tuple[int, float | None]]) -> tuple[State, int]:
    state: State = "normal"
    since_ns, last_ns = 0, 0
    recovering: dict[State, int | None] = {"caution": None, "frozen": None}
    for time_ns, left in samples:
        for each, below in BELOW.items():
            stands = left is not None and left >= below + REGAINED_RATIO
            if not stands or time_ns - last_ns > GAP_NS:
                recovering[each] = None
            if stands and recovering[each] is None:
                recovering[each] = time_ns
        last_ns = time_ns
        after = _next(state, left, recovering, time_ns)
        if after != state:
            state, since_ns = after, time_ns
    return state, since_ns


def _next(
    state: State, left: float | None, recovering: Mapping[State, int | None], time_ns: int
) -> State:
    if left is None:
        return state
    for worse in reversed(_ORDER[_ORDER.index(state) + 1 :]):
        if left <= BELOW[worse]:
            return worse
    while state != "normal":
        since_ns = recovering[state]
        if since_ns is None or time_ns - since_ns < REGAINED_NS:
            break
        state = _ORDER[_ORDER.index(state) - 1]
    return state


def _worst_day(history: Sequence[Counts], budget_runs: float) -> tuple[float, int]:
    """The most that one day added to the bad runs, of what the budget allows, and when the day
    ended. What left the period on that day is not added back, so it is a lower bound.
    """
    first, worst, worst_ns = 0, 0.0, 0
    for place, end in enumerate(history):
        while history[first].time_ns < end.time_ns - GAP_NS:
            first += 1
        spent = end.bad - min(c.bad for c in history[first : place + 1])
        if spent > worst:
            worst, worst_ns = spent, end.time_ns
    return (worst / budget_runs if budget_runs > 0 else 0.0), worst_ns
