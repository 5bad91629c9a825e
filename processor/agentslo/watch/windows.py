"""A window against the baseline: every feature's deviate, and where and since when it moved.

In: two tallies. Out: deviates, top bins, segments, the first slice of a change. Pure.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from agentslo.watch.baseline import NOVELTY, bins_of, vector
from agentslo.watch.counts import Counts, bin_z, shift_z, trend_z
from agentslo.watch.features import NO, OTHER, YES, Shape, feature
from agentslo.watch.plugins import NONE, Detectors
from agentslo.watch.slices import ALL, Tally

SEGMENT_Z = 3.09
QUIET_Z = 2.0
MIN_SEGMENT_RUNS = 10
MIN_BASELINE_RUNS = 30
MIN_STRUCK_RUNS = 5
FOREIGN = "novelty:high"
"""The segment of runs whose request is among the most novel tenth, by the baseline."""
TOP_BINS = 3
MAX_SEGMENTS_NAMED = 3
GLOBAL = "global"
_ORDERED = (Shape.LADDER, Shape.NOVELTY)


def vectors(
    name: str, window: Tally, baseline: Tally, segment: str = ALL
) -> tuple[tuple[str, ...], Counts, Counts]:
    """The bins of a feature, and the counts of both tallies over them."""
    bins = bins_of(name, baseline, segment)
    return bins, vector(window.of(name, segment), bins), vector(baseline.of(name, segment), bins)


def deviate(name: str, window: Counts, baseline: Counts) -> float:
    """How unlike the baseline: any change of shares, or of the place where the bins are ordered."""
    z = shift_z(window, baseline)
    if feature(name).shape not in _ORDERED:
        return z
    trend = trend_z(window, baseline, _places(baseline))
    up_only = feature(name).shape is Shape.NOVELTY
    return max(z, trend if up_only else abs(trend))


def _places(baseline: Counts) -> Counts:
    """A bin's place: the mean rank of its runs in the baseline (Wilcoxon scores)."""
    below = np.concatenate([[0.0], np.cumsum(baseline)[:-1]])
    return below + baseline / 2


def deviates(
    window: Tally, baseline: Tally, min_runs: int, others: Detectors = NONE
) -> dict[str, tuple[float, int]]:
    """The deviate and the runs of every feature both tallies hold enough of. `others`: detectors
    beside our own.
    """
    found = {}
    for name in baseline.names():
        _, w, b = vectors(name, window, baseline)
        if w.sum() >= min_runs and b.sum() >= min_runs:
            z = others.deviate(feature(name), w, b, deviate(name, w, b))
            found[name] = z, int(w.sum())
    return found


def carriers(name: str, window: Tally, baseline: Tally) -> str:
    """The segments that carry a change, named; `global` where all runs do.

    A kind of segment tells where, if some of its segments moved and the others, taken together, did
    not. Of several kinds the one whose segments moved most speaks.
    """
    kinds: dict[str, list[str]] = {}
    for segment in window.segments(name):
        kinds.setdefault(segment.partition(":")[0], []).append(segment)
    best: tuple[float, list[str]] = (0.0, [])
    for segments in kinds.values():
        z = {s: deviate(name, *_pair(name, [s], window, baseline)) for s in segments}
        moved = sorted((s for s in segments if z[s] > SEGMENT_Z), key=lambda s: -z[s])
        rest = [s for s in segments if s not in moved]
        if moved and rest and z[moved[0]] > best[0]:
            w, b = _pair(name, rest, window, baseline)
            if w.sum() >= MIN_SEGMENT_RUNS and deviate(name, w, b) < QUIET_Z:
                best = z[moved[0]], moved
    return ", ".join(best[1][:MAX_SEGMENTS_NAMED]) or GLOBAL


def _pair(
    name: str, segments: Sequence[str], window: Tally, baseline: Tally
) -> tuple[Counts, Counts]:
    """The counts of some segments together. What the baseline does not know of, such as a new
    release, is compared with all its runs.
    """
    bins = bins_of(name, baseline)
    w = sum((vector(window.of(name, s), bins) for s in segments), start=np.zeros(len(bins)))
    b = sum((vector(baseline.of(name, s), bins) for s in segments), start=np.zeros(len(bins)))
    if w.sum() < MIN_SEGMENT_RUNS:
        w = np.zeros(len(bins))
    return w, b if b.sum() >= MIN_BASELINE_RUNS else vector(baseline.of(name), bins)


def top_bins(name: str, window: Tally, baseline: Tally) -> tuple[tuple[str, float, float], ...]:
    """The bins whose share changed most, with expected and observed share; the first one rose."""
    bins, w, b = vectors(name, window, baseline)
    z = bin_z(w, b)
    order = [int(np.argmax(z))] if len(z) else []
    order += [int(i) for i in np.argsort(-np.abs(z)) if int(i) not in order]
    expected, observed = b / max(1.0, b.sum()), w / max(1.0, w.sum())
    return tuple(
        (bins[i], round(float(expected[i]), 4), round(float(observed[i]), 4))
        for i in order[:TOP_BINS]
    )


def since_ns(name: str, slices: Sequence[Tally], baseline: Tally) -> int:
    """Start of the slice from which on the window is most unlike the baseline."""
    best, found = -np.inf, slices[-1].start_ns if slices else 0
    late = Tally()
    for one in reversed(slices):
        late.merge(one.without_segments())
        _, w, b = vectors(name, late, baseline)
        z = deviate(name, w, b)
        if z > best:
            best, found = z, one.start_ns
    return found


def worse_z(name: str, risen: str, window: Tally, baseline: Tally) -> float:
    """How much more often runs end badly than before, in standard errors: all of them, or those
    that fell into the bin of an input that rose, whichever is worse.
    """
    told = [_worse(window.of("failure"), baseline.of("failure"))]
    struck = Counter[str]()
    known = Counter[str]()
    for segment in _struck(name, risen, window, baseline):
        struck += window.of("failure", segment)
        known += baseline.of("failure", segment)
    if struck.total() >= MIN_STRUCK_RUNS:
        enough = known.total() >= MIN_BASELINE_RUNS
        told.append(_worse(struck, known if enough else baseline.of("failure")))
    return max(told)


def _struck(name: str, risen: str, window: Tally, baseline: Tally) -> list[str]:
    """The segments that hold the runs of a risen bin."""
    if name == NOVELTY:
        return [FOREIGN]
    if risen != OTHER:
        return [f"{name}:{risen}"]
    new = (s for s in window.segments("failure") if s.startswith(f"{name}:"))
    return [s for s in new if not baseline.of("failure", s)]


def _worse(window: Counter[str], baseline: Counter[str]) -> float:
    bins = (NO, YES)
    return float(bin_z(vector(window, bins), vector(baseline, bins))[1])
