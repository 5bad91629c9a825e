"""The burn alerts in numpy: counters in, the minutes an alert fires out.

In: runs per minute, good and bad, of many agents; a set of window pairs. Out: arrays of the same
shape. No state. It evaluates once a minute what the rule files say, extrapolation of `increase`,
5 m tiles, `for` and `keep_firing_for` included; `alerting_proof.py` holds it to promtool minute by
minute. The window pairs of our rules are read from the tables the rules are made of.

Left out: corrections, and the evaluator's exact p-values (the rules' own bound is used, which is
what a Prometheus without an evaluator does). Scrape and rule groups add up to 3 minutes to a delay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agentslo.bundle.windows import PAIRS, RAW_WINDOWS, Pair

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MINUTES: Mapping[str, int] = {"m": 1, "h": 60, "d": 1440}
TILE = 5
NEVER = -(10**9)


def minutes(text: str) -> int:
    """A duration such as `6h`, in minutes; empty is 0."""
    return int(text[:-1]) * MINUTES[text[-1]] if text else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Counters per agent and minute, both of shape (agents, minutes + 1), 0 in the first column."""

    good: Counts
    bad: Counts

    @classmethod
    def of(cls, runs: Counts, bad: Counts) -> "Traffic":
        """From runs and bad runs per minute, shape (agents, minutes)."""
        start = ((0, 0), (1, 0))
        return cls(
            good=np.pad(np.cumsum(runs - bad, axis=1), start),
            bad=np.pad(np.cumsum(bad, axis=1), start),
        )


def increase(counter: Counts, window: int, *, closed: bool) -> Numbers:
    """PromQL's `increase` at every minute, from one sample a minute.

    Two samples or more are in the range; what lies before the first is extrapolated, but never
    below a counter of 0. `closed`: the range holds its left end too (before Prometheus 3).
    """
    first_at = np.maximum(np.arange(counter.shape[1]) - window + (0 if closed else 1), 0)
    first = counter[:, first_at]
    risen = (counter - first).astype(np.float64)
    sampled = np.arange(counter.shape[1]) - first_at
    missing = np.where(window - sampled < 1.1, window - sampled, 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_zero = np.where(risen > 0, sampled * first / risen, np.inf)
        factor = np.where(sampled > 0, 1 + np.minimum(missing, to_zero) / sampled, np.nan)
    return risen * factor


def tiled(counter: Counts, window: int, *, closed: bool) -> Numbers:
    """The sum of the recorded 5 m increments within the window, at every minute."""
    length = counter.shape[1]
    tiles = np.nan_to_num(increase(counter, TILE, closed=closed)[:, ::TILE])
    total = np.pad(np.cumsum(tiles, axis=1), ((0, 0), (1, 0)))
    now = np.arange(length)
    last = now // TILE + 1
    first = np.clip(-(-(now - window + (0 if closed else 1)) // TILE), 0, None)
    return total[:, last] - total[:, first]


@dataclass(frozen=True, slots=True)
class Windows:
    """Counts and ratios of some traffic per window, as the recording rules name them."""

    traffic: Traffic
    closed: bool
    raw: bool = False
    """Every window straight from the counters: how other rule sets do it."""

    def bad(self, window: str) -> Numbers:
        return self._count(self.traffic.bad, window)

    def judged(self, window: str) -> Numbers:
        return self.bad(window) + self._count(self.traffic.good, window)

    def error(self, window: str) -> Numbers:
        """Bad share; NaN, which compares false, where nothing was judged."""
        bad = self.bad(window)
        judged = bad + self._count(self.traffic.good, window)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(judged > 0, bad / judged, np.nan)

    def _count(self, counter: Counts, window: str) -> Numbers:
        if self.raw or window in RAW_WINDOWS:
            return increase(counter, minutes(window), closed=self.closed)
        return tiled(counter, minutes(window), closed=self.closed)


def threshold(pair: Pair, budget: float, days: int = 28) -> float:
    """`agent_slo:alert_threshold:ratio`."""
    cap = pair.cap + (1 - pair.cap) * budget
    if pair.budget_share is None:
        return cap
    return min(max(pair.factor_per_day * days, pair.least_factor) * budget, cap)


def evidence(bad: Numbers, judged: Numbers, budget: float) -> Numbers:
    """`agent_slo:burn_evidence:nats` by the bound; 0 where the share is within the budget."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(judged > 0, bad / judged, np.nan)
        good = np.maximum(1 - share, 1e-9)
        nats = judged * (share * np.log(share / budget) + good * np.log(good / (1 - budget)))
    return np.where(share > budget, nats, 0.0)


def burns(pair: Pair, windows: Windows, budget: float) -> Flags:
    """The condition of one of our burn alerts, at every minute."""
    least = threshold(pair, budget)
    bad, judged = windows.bad(pair.window), windows.judged(pair.window)
    with np.errstate(divide="ignore", invalid="ignore"):
        long = (bad > least * judged) & (judged > 0)
    if not long.any():
        return long
    short = windows.error(pair.short)
    if pair.dense_runs:
        short = np.where(judged >= pair.dense_runs, short, windows.error(pair.sparse_short))
    found = long & (short > least)
    found &= evidence(bad, judged, budget) > pair.min_evidence_nats
    if pair.min_bad:
        found &= bad > pair.min_bad
    return found


def firing(condition: Flags, wait: int, keep: int) -> Flags:
    """The minutes an alert fires: `for` minutes of the condition, then until `keep` without it."""
    now = np.arange(condition.shape[1])
    last_false = np.maximum.accumulate(np.where(condition, -1, now), axis=1)
    last_true = np.maximum.accumulate(np.where(condition, now, NEVER), axis=1)
    active = condition & (now - last_false - 1 >= wait)
    broken = now - last_true > keep
    since_active = np.maximum.accumulate(np.where(active, now, NEVER), axis=1)
    since_broken = np.maximum.accumulate(np.where(broken, now, NEVER - 1), axis=1)
    return since_active > since_broken


@dataclass(frozen=True, slots=True, kw_only=True)
class BareBurn:
    """A pair as others alert on it: both ratios above a bare factor of the budget."""

    action: str
    window: str
    short: str
    factor: float


RuleSet = tuple[Pair, ...] | tuple[BareBurn, ...]

# SRE workbook, chapter 5, table 5-8: shares of a budget of 30 days.
WORKBOOK = (
    BareBurn(action="page", window="1h", short="5m", factor=14.4),
    BareBurn(action="page", window="6h", short="30m", factor=6),
    BareBurn(action="ticket", window="1d", short="2h", factor=3),
    BareBurn(action="ticket", window="3d", short="6h", factor=1),
)
# Sloth's windows for an SLO of 28 days: 2 %, 5 %, 10 % and 10 % of the budget.
SLOTH = tuple(
    BareBurn(action=b.action, window=b.window, short=b.short, factor=b.factor * 28 / 30)
    for b in WORKBOOK
)
RULE_SETS: Mapping[str, RuleSet] = {"ours": PAIRS, "workbook": WORKBOOK, "sloth": SLOTH}


def alerts(
    rules: RuleSet, traffic: Traffic, budget: float, *, closed: bool = False
) -> Iterator[tuple[str, str, Flags]]:
    """Action, long window, and the minutes the alert fires, of every pair of a set."""
    for pair in rules:
        if isinstance(pair, Pair):
            found = burns(pair, Windows(traffic, closed), budget)
            yield pair.action, pair.window, firing(found, minutes(pair.wait), minutes(pair.keep))
        else:
            windows, least = Windows(traffic, closed, raw=True), pair.factor * budget
            long, short = windows.error(pair.window), windows.error(pair.short)
            yield pair.action, pair.window, (long > least) & (short > least)


def acting(
    rules: RuleSet, traffic: Traffic, budget: float, action: str, *, closed: bool = False
) -> Flags:
    """The minutes any alert of this action fires."""
    shown = np.zeros(traffic.bad.shape, dtype=np.bool_)
    for found, _, fires in alerts(
        tuple(p for p in rules if p.action == action), traffic, budget, closed=closed
    ):
        assert found == action
        shown |= fires
    return shown
