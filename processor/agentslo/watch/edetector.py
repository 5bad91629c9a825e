"""Detectors that look at every run: Shiryaev-Roberts mixtures of bets against the baseline.

Idea: bet that runs fall into bins more often than they did in the baseline. A bet pays e(bin); the
mean of e under the baseline is at most 1, so a long wait for wealth A is a promise, not a hope.
Formula: M <- (M + 1) e(bin) for every bet, alarm when their mean reaches A; then the mean number of
runs to a false alarm is at least A (Shin, Ramdas, Rinaldo, "E-detectors", 2023; methods.md 3.4).
In: the bin of a run, or the counts of a slice (one step, M <- (M + 1) prod e(bin)^count). Out: log
of the evidence. State: one float a bet. The baseline is an estimate: each bet is divided by an
upper confidence bound of its mean there, without which a bad draw of the baseline would break the
promise.
"""

import math

import numpy as np
from numpy.typing import NDArray

Bets = NDArray[np.float64]
"""Natural logarithm of what each bet pays for each bin: (bets, bins)."""

ODDS = (1.5, 2.0, 3.0, 6.0, 20.0)
"""Rises of the odds a rate detector bets on."""
MIXES = (0.07, 0.15, 0.3, 0.7)
"""Shares of foreign runs a novelty detector bets on."""
MAX_GAIN = 600.0
"""Log of the most a slice may pay, short of what a float holds."""
MEAN_BOUND_Z = 1.0
"""Standard errors added to the mean pay of a novelty bet (measured in docs/drift.md)."""


def rate_bets(upper: float) -> Bets:
    """Bets that a rate is above `upper`; bins are (did not happen, happened)."""
    p0 = min(max(upper, 1e-6), 1 - 1e-6)
    rows = []
    for odds in ODDS:
        raised = odds * p0 / (1 - p0)
        p1 = raised / (1 + raised)
        rows.append((math.log((1 - p1) / (1 - p0)), math.log(p1 / p0)))
    return np.array(rows)


def tail_bets(baseline: NDArray[np.float64]) -> Bets:
    """Bets that runs fall into the upper of ordered bins; `baseline` holds their counts.

    A foreign run's place p from the top, 0 to 1, is bet to have density (ln p)^2 / 2: measured on
    requests about topics kept out of the baseline, it grows as fast as the best bet within 5 %.
    """
    n = baseline.sum()
    share = baseline / n
    above = np.concatenate([np.cumsum(share[::-1])[::-1], [0.0]])
    log = np.log(np.clip(above, 1e-300, 1.0))
    below = above * (log * log - 2 * log + 2) / 2
    lean = np.divide(below[:-1] - below[1:], share, out=np.ones(len(share)), where=share > 0)
    rows = []
    for mix in MIXES:
        pay = 1 - mix + mix * lean
        mean = float(share @ pay)
        spread = math.sqrt(max(0.0, float(share @ (pay - mean) ** 2)) / n)
        rows.append(np.log(pay / (mean + MEAN_BOUND_Z * spread)))
    return np.array(rows)


Columns = tuple[tuple[float, ...], ...]
"""What each bet pays, by bin: plain floats, since a detector steps at every run."""


def columns(bets: Bets) -> Columns:
    """The pay of bets by bin."""
    return tuple(tuple(pays) for pays in np.exp(bets).T.tolist())


class EDetector:
    """One detector. `threshold`: log of A, the proven mean number of runs to a false alarm."""

    def __init__(self, threshold: float, bets: Bets) -> None:
        self.threshold, self._bets = threshold, bets
        self._columns = columns(bets)
        self._alarm_sum = math.exp(threshold) * len(bets)
        self.reset()

    def reset(self) -> None:
        """Start again, after an alarm was raised."""
        self._wealth = [0.0] * len(self._bets)

    def step(self, bin_index: int, of_hour: Columns | None = None) -> None:
        """Take one run. `of_hour`: this hour's pay, where it differs."""
        pays = (of_hour or self._columns)[bin_index]
        self._wealth = [(m + 1) * pay for m, pay in zip(self._wealth, pays, strict=True)]

    def step_counts(self, counts: NDArray[np.float64]) -> None:
        """Take the counts of a whole slice as one step."""
        gains = np.exp(np.minimum(self._bets @ counts, MAX_GAIN)).tolist()
        self._wealth = [(m + 1) * gain for m, gain in zip(self._wealth, gains, strict=True)]

    @property
    def evidence(self) -> float:
        """Log of the mean wealth of all bets."""
        total = sum(self._wealth)
        return math.log(total / len(self._wealth)) if total > 0 else -math.inf

    @property
    def alarmed(self) -> bool:
        """Whether the evidence has reached the threshold."""
        return sum(self._wealth) >= self._alarm_sum
