"""Window tests on counts per bin: whether a window is drawn as the baseline was.

In: two vectors of counts over the same bins, one observation a run. Out: plain numbers. Pure.
Every figure here is a function of counts alone, so replicas, restarts and Prometheus give the same
answer. Measured error rates: docs/drift.md, made by benchmarks/drift.py. Sources: methods.md 3.1
and 3.8; Wilson and Hilferty, "The Distribution of Chi-Square" (1931); Cochran-Armitage trend test.
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

MAX_BINS = 16
"""Above this sparse bins inflate the G statistic."""
_NORMAL = NormalDist()
_SMALLEST_P = 1e-300


def g_statistic(window: Counts, baseline: Counts) -> tuple[float, int]:
    """The G statistic of two samples and its degrees of freedom.

    G = 2 sum O ln(O / E) over both samples, E from the pooled shares; bins empty in both are left
    out. 0 with 0 degrees where either sample is empty.

    >>> g_statistic(np.array([10.0, 30.0]), np.array([200.0, 200.0]))[1]
    1
    """
    used = (window + baseline) > 0
    w, b = window[used], baseline[used]
    n, m = w.sum(), b.sum()
    if n == 0 or m == 0 or len(w) < 2:
        return 0.0, 0
    pooled = (w + b) / (n + m)
    g = _xlogx(w, pooled * n) + _xlogx(b, pooled * m)
    return max(0.0, 2 * g), len(w) - 1


def _xlogx(observed: Counts, expected: Counts) -> float:
    seen = observed > 0
    return float((observed[seen] * np.log(observed[seen] / expected[seen])).sum())


def wilson_hilferty(chi_square: float, df: int) -> float:
    """A chi-square value as a normal deviate: ((G/df)^(1/3) - (1 - 2/9df)) / sqrt(2/9df).

    Its level at z > 3.09 is .00084 to .00098 for 1 to 39 degrees of freedom. 0 where df is 0.
    """
    if df <= 0:
        return 0.0
    spread = 2 / (9 * df)
    return float((np.cbrt(chi_square / df) - (1 - spread)) / math.sqrt(spread))


def shift_z(window: Counts, baseline: Counts) -> float:
    """How unlike the baseline a window is, as a normal deviate (any change of shares)."""
    return wilson_hilferty(*g_statistic(window, baseline))


def trend_z(window: Counts, baseline: Counts, scores: Counts) -> float:
    """How far the mean of ordered bins has moved, in standard errors; positive upwards.

    `scores` (k,) gives each bin its place. The variance is the pooled one. 0 where it is 0.
    """
    n, m = window.sum(), baseline.sum()
    if n == 0 or m == 0:
        return 0.0
    pooled = (window + baseline) / (n + m)
    mean = float(pooled @ scores)
    variance = float(pooled @ (scores - mean) ** 2)
    if variance <= 0:
        return 0.0
    gap = float(window @ scores / n - baseline @ scores / m)
    return float(gap / math.sqrt(variance * (1 / n + 1 / m)))


def bin_z(window: Counts, baseline: Counts) -> Counts:
    """The signed deviate of every bin's share, (k,): positive where the window holds more of it."""
    n, m = window.sum(), baseline.sum()
    if n == 0 or m == 0:
        return np.zeros(len(window))
    pooled = (window + baseline) / (n + m)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    gap = window / n - baseline / m
    found: Counts = np.divide(gap, spread, out=np.zeros(len(window)), where=spread > 0)
    return found


def psi(window: Counts, baseline: Counts) -> float:
    """The population stability index, half a run added to every bin. Shown, never alerted on:
    at 50 runs and 12 bins it passes 0.2 in 40 % of quiet windows.
    """
    q, p = _shares(window), _shares(baseline)
    return float(((q - p) * np.log(q / p)).sum())


def js_distance(window: Counts, baseline: Counts) -> float:
    """The Jensen-Shannon distance, 0 to 1. Shown, never alerted on."""
    q, p = _shares(window), _shares(baseline)
    middle = (q + p) / 2
    divergence = (_xlogx(q, middle) + _xlogx(p, middle)) / 2
    return math.sqrt(max(0.0, divergence) / math.log(2))


def _shares(counts: Counts) -> Counts:
    found: Counts = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return found


def z_of_evidence(log_e: float) -> float:
    """The normal deviate whose upper tail is 1/e: evidence of a detector on the scale of z."""
    p = math.exp(-min(max(0.0, log_e), 600.0))
    return -_NORMAL.inv_cdf(min(max(p, _SMALLEST_P), 0.5))


def bonferroni_z(z: float, tests: int) -> float:
    """The threshold that keeps the false-alarm rate of one test at z for `tests` of them.

    >>> round(bonferroni_z(4.0, 10), 2)
    4.52
    """
    return -_NORMAL.inv_cdf(_NORMAL.cdf(-z) / max(1, tests))


def upper_rate(hits: float, trials: float, level: float = 0.95) -> float:
    """The Clopper-Pearson upper bound of a rate: the p at which so few hits have chance 1 - level.

    1.0 without trials.
    """
    if trials <= 0 or hits >= trials:
        return 1.0
    low, high = hits / trials, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _binomial_tail(hits, trials, middle) > 1 - level:
            low = middle
        else:
            high = middle
    return high


def _binomial_tail(hits: float, trials: float, p: float) -> float:
    """P(X <= hits), summed in logarithms."""
    k = np.arange(int(hits) + 1)
    choose = math.lgamma(trials + 1) - np.array(
        [math.lgamma(i + 1) + math.lgamma(trials - i + 1) for i in k]
    )
    return float(np.exp(choose + k * math.log(p) + (trials - k) * math.log1p(-p)).sum())
