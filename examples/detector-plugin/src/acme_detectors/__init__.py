"""Finds one bin that takes over: the largest rise of a share, corrected for the number of bins."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from agentslo.watch.features import Feature, Shape

NORMAL = NormalDist()


class TakeOver:
    """Largest binomial deviate of all bins, Bonferroni over bins."""

    name = "takeover"

    def takes(self, feature: Feature) -> bool:
        """Categories alone: steps of a ladder move together."""
        return feature.shape is Shape.CATEGORIES

    def deviate(self, window: NDArray[np.float64], baseline: NDArray[np.float64]) -> float:
        """The deviate whose tail is that of the largest rise, times the bins."""
        n, m = window.sum(), baseline.sum()
        if n == 0 or m == 0:
            return 0.0
        # The arcsine evens out the spread of rare bins, which a plain deviate takes for alarms.
        gap = np.arcsin(np.sqrt(window / n)) - np.arcsin(np.sqrt(baseline / m))
        z = float(np.max(2 * gap / math.sqrt(1 / n + 1 / m)))
        tail = max(1e-300, NORMAL.cdf(-z) * len(window))
        return -NORMAL.inv_cdf(tail) if tail < 1 else 0.0


DETECTOR = TakeOver()
