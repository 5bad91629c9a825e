"""Whether requests are made of other words than the baseline's: another mix of known topics.

Idea: learn which words recent blocks of requests hold more often than the baseline, then see
whether the next block leans that way too; a block never judges itself. Formula: a word weighs
ln(share lately / share in the baseline), shares shrunk towards the baseline's; a request's lean is
the sum over its words, at most LEAN either way; z = the sum over blocks of (mean lean of the block
- mean lean of the baseline), over its standard error. A baseline request is leant without its own
words in the baseline's shares. The errors of the baseline are common to all blocks and are added as
such, which errs on the side of silence. In: packed hashes of requests. Out: z. State: hashes of at
most MAX_BLOCK requests of the open block, counts by word of the last BLOCKS. Never on disk.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCKS = 7
"""Blocks learnt from, and added up."""
MAX_BLOCK = 300
MIN_BLOCK = 100
"""Requests of a block that say something."""
SHRINK = 200.0
"""Requests the baseline's share counts for in the recent one."""
LEAN = 4.0
Hashes = NDArray[np.uint32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Words:
    """How many requests hold each word; `words` sorted."""

    words: Hashes
    counts: Floats
    requests: int

    def of(self, words: Hashes) -> Floats:
        """The counts of some words."""
        if not len(self.words):
            return np.zeros(len(words))
        place = np.minimum(np.searchsorted(self.words, words), len(self.words) - 1)
        return np.where(self.words[place] == words, self.counts[place], 0.0)


@dataclass(frozen=True, slots=True)
class _Gap:
    """What one block showed: how much further it leans than the baseline, and both errors."""

    lean: float
    own_error: float
    baseline_error: float
    requests: int
    start_ns: int


@dataclass(frozen=True, slots=True)
class Shift:
    """The deviate, the requests it rests on, and when the first of their blocks began."""

    z: float
    requests: int
    start_ns: int


class Wording:
    """Compares blocks of requests with the baseline's `references`."""

    def __init__(self, references: Sequence[bytes], least_ns: int = 0) -> None:
        """`least_ns`: how long a block is at least; a whole day evens out the hours."""
        self._least_ns = least_ns
        self._flat, self._owners = _flat(references)
        self._known = _counted([(self._flat, None)], len(references))
        self._learnt: deque[_Words] = deque(maxlen=BLOCKS)
        self._gaps: deque[_Gap] = deque(maxlen=BLOCKS)
        self._open: list[bytes] = []
        self._seen, self._start_ns = 0, 0
        self._random = random.Random(0)  # the same requests give the same sample

    def add(self, request: bytes, time_ns: int) -> None:
        """Take a request of the open block; of many a fair sample is kept."""
        self._seen += 1
        self._start_ns = self._start_ns or time_ns
        if len(self._open) < MAX_BLOCK:
            self._open.append(request)
        elif (place := self._random.randrange(self._seen)) < MAX_BLOCK:
            self._open[place] = request

    def close(self, now_ns: int) -> None:
        """End the open block, unless it is too small or too short yet."""
        if len(self._open) < MIN_BLOCK or now_ns - self._start_ns < self._least_ns:
            return
        block, owners = _flat(self._open)
        if self._learnt:
            self._gaps.append(self._gap(block, owners))
        self._learnt.append(_counted([(block, None)], len(self._open)))
        self._open, self._seen, self._start_ns = [], 0, 0

    def found(self) -> Shift | None:
        """The largest deviate over the last 1 to BLOCKS blocks; None before two blocks."""
        best: Shift | None = None
        lean = own = baseline = 0.0
        requests = 0
        for gap in reversed(self._gaps):
            lean += gap.lean
            requests += gap.requests
            own += gap.own_error**2
            baseline += gap.baseline_error
            z = lean / max(1e-9, float(np.hypot(np.sqrt(own), baseline)))
            if best is None or z > best.z:
                best = Shift(z, requests, gap.start_ns)
        return best

    def _gap(self, block: Hashes, owners: NDArray[np.intp]) -> _Gap:
        lately = _counted(
            [(one.words, one.counts) for one in self._learnt],
            sum(one.requests for one in self._learnt),
        )
        known, size = self._known, self._known.requests
        left_out = _weights(known.counts - 1, size - 1, lately.of(known.words), lately.requests)
        weights = left_out[np.searchsorted(known.words, self._flat)]
        usual = _leans(weights, self._owners, size)
        weights = _weights(known.of(block), size, lately.of(block), lately.requests)
        new = _leans(weights, owners, len(self._open))
        spread = float(usual.std())
        return _Gap(
            lean=float(new.mean() - usual.mean()),
            own_error=spread / float(np.sqrt(len(new))),
            baseline_error=spread / float(np.sqrt(size)),
            requests=len(new),
            start_ns=self._start_ns,
        )


def _flat(requests: Sequence[bytes]) -> tuple[Hashes, NDArray[np.intp]]:
    """All words of some requests, and whose each is."""
    sets = [np.frombuffer(request, dtype=np.uint32) for request in requests]
    owners = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
    return np.concatenate(sets), owners


def _counted(parts: Sequence[tuple[Hashes, Floats | None]], requests: int) -> _Words:
    """Words counted together; without counts each is one."""
    words = np.concatenate([words for words, _ in parts])
    each = np.concatenate([np.ones(len(w)) if c is None else c for w, c in parts])
    found, place = np.unique(words, return_inverse=True)
    return _Words(found, np.bincount(place, each, len(found)).astype(np.float64), requests)


def _weights(known: Floats, size: int, lately: Floats, requests: int) -> Floats:
    usual = (known + 0.5) / (size + 1)
    now = (lately + SHRINK * usual) / (requests + SHRINK)
    found: Floats = np.log(now / usual)
    return found


def _leans(weights: Floats, owners: NDArray[np.intp], size: int) -> Floats:
    found: Floats = np.clip(np.bincount(owners, weights, size), -LEAN, LEAN)
    return found
