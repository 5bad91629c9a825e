"""How unlike all earlier requests a request is, from its words alone.

Idea: a request about something new shares few of its rare words, or pieces of them, with any
request of the baseline. Formula: 1 - mean over the 5 nearest baseline requests of (2 * weight of
the words shared with it / weight of all words of both), weight = ln((n + 1) / (df + 1/2))^2.
In: packed hashes of requests (`dialects.request`). Out: 0 (said before) to 1 (nothing of it known).
State: the hashes of at most MAX_REFERENCES baseline requests; never written to disk. Calibrated by
leaving out: each baseline request is scored against all others, with the weights they alone would
give, so it is one more draw of what later requests are and none is set aside. It sees foreign
topics, not a new mix of known ones. Measured: docs/drift.md.
"""

import math
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_REFERENCES = 1_000
NEAREST = 5
MAX_POSTINGS = 100
"""A word found in more requests than this tells nothing of any of them, and would cost most."""

QUANTILES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
"""Where the bins of a score end: fine where foreign requests fall."""
BINS = ("p0-50", "p50-70", "p70-80", "p80-90", "p90-95", "p95-97.5", "p97.5-99", "p99-100")


HIGH = BINS.index("p90-95")
"""The first bin of what is novel."""


class References:
    """Requests of the baseline, a fair sample of at most MAX_REFERENCES of all that came."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.seen = 0
        self._random = random.Random(0)  # the same baseline gives the same sample

    def add(self, request: bytes) -> None:
        """Take one request of the baseline."""
        self.seen += 1
        if len(self.requests) < MAX_REFERENCES:
            self.requests.append(request)
            return
        place = self._random.randrange(self.seen)
        if place < MAX_REFERENCES:
            self.requests[place] = request


class NoveltyIndex:
    """Scores requests against the references it was made from."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        sets = [np.frombuffer(r, dtype=np.uint32) for r in requests]
        owners = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
        words = np.concatenate(sets) if sets else np.empty(0, dtype=np.uint32)
        order = np.argsort(words, kind="stable")
        self._owners = owners[order].astype(np.int32)
        self._words, self._starts, self._df = np.unique(
            words[order], return_index=True, return_counts=True
        )
        self._size = len(sets)
        self._weights = np.log((self._size + 1) / (self._df + 0.5)) ** 2
        self._without = np.log(self._size / (self._df - 0.5)) ** 2 if self._size else self._weights
        """The weights if one of the requests that hold the word were not there."""
        self._unknown = math.log((self._size + 1) / 0.5) ** 2
        self._totals = self._sums(np.arange(len(self._words)), self._weights)
        self.left_out = np.array([self._score(s, own) for own, s in enumerate(sets)])
        """The score of each reference against all others."""
        self.edges = np.quantile(self.left_out, QUANTILES) if sets else np.empty(0)
        self.calibration = np.bincount(
            np.searchsorted(self.edges, self.left_out), minlength=len(BINS)
        ).astype(float)
        """How many references fall into each bin."""

    def score(self, request: bytes) -> float:
        """The novelty of a request, 0 to 1."""
        return self._score(np.frombuffer(request, dtype=np.uint32), -1)

    def bin(self, score: float) -> int:
        """The bin of a score, an index of BINS."""
        return int(np.searchsorted(self.edges, score))

    def _score(self, words: NDArray[np.uint32], own: int) -> float:
        """The score, with reference `own` left out (-1: none)."""
        if not len(words) or self._size <= NEAREST:
            return 0.0
        found = np.minimum(np.searchsorted(self._words, words), len(self._words) - 1)
        known = found[self._words[found] == words]
        weights = self._weights if own < 0 else self._without
        total = float(weights[known].sum()) + self._unknown * (len(words) - len(known))
        telling = known[self._df[known] <= MAX_POSTINGS]
        both = self._totals + total
        if own >= 0:
            both += self._sums(known, self._without - self._weights)
        near = 2 * self._sums(telling, weights) / both
        if own >= 0:
            near[own] = 0.0
        best = np.partition(near, -NEAREST)[-NEAREST:]
        return max(0.0, 1 - float(best.mean()))

    def _sums(self, known: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The weight of the words at `known` that each reference holds."""
        lengths = self._df[known]
        ends = np.cumsum(lengths)
        if not len(ends):
            return np.zeros(self._size)
        shift = np.repeat(self._starts[known] - (ends - lengths), lengths)
        owners = self._owners[np.arange(int(ends[-1])) + shift]
        shared = np.repeat(weights[known], lengths)
        found: NDArray[np.float64] = np.bincount(owners, shared, self._size).astype(np.float64)
        return found
