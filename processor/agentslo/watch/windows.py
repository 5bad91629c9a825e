"""A window against the baseline: every feature's deviate, and where and since when it moved.

In: two tallies. Out: deviates, top bins, segments, the first slice of a change. Pure.
"""

from collections.abc import Sequence

import numpy as np

from agentslo.watch.baseline import bins_of, vector
from agentslo.watch.counts import Counts, bin_z, shift_z, trend_z
from agentslo.watch.features import Shape, feature
from agentslo.watch.slices import ALL, Tally

SEGMENT_Z = 3.09
MIN_SEGMENT_RUNS = 30
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


def deviates(window: Tally, baseline: Tally, min_runs: int) -> dict[str, tuple[float, int]]:
    """The deviate and the runs of every feature both tallies hold enough of."""
    found = {}
    for name in baseline.names():
        _, w, b = vectors(name, window, baseline)
        if w.sum() >= min_runs and b.sum() >= min_runs:
            found[name] = deviate(name, w, b), int(w.sum())
    return found


def segment_deviates(name: str, window: Tally, baseline: Tally) -> dict[str, float]:
    """The deviate of every segment that has runs enough in the window.

    A segment the baseline does not know, such as a new release, is compared with all runs.
    """
    found = {}
    for segment in window.segments(name):
        _, w, b = vectors(name, window, baseline, segment)
        if b.sum() < MIN_SEGMENT_RUNS:
            bins = bins_of(name, baseline)
            w, b = vector(window.of(name, segment), bins), vector(baseline.of(name), bins)
        if w.sum() >= MIN_SEGMENT_RUNS:
            found[segment] = deviate(name, w, b)
    return found


def carriers(by_segment: dict[str, float]) -> str:
    """The segments that carry a change, named; `global` where all of a kind do, or none does.

    Of kinds that tell it apart, the one whose quiet segments are quietest speaks.
    """
    kinds: dict[str, list[tuple[str, float]]] = {}
    for segment, z in by_segment.items():
        kinds.setdefault(segment.partition(":")[0], []).append((segment, z))
    best: tuple[float, list[str]] = (0.0, [])
    for found in kinds.values():
        moved = sorted((s for s, z in found if z > SEGMENT_Z), key=lambda s: -by_segment[s])
        quiet = [z for _, z in found if z <= SEGMENT_Z]
        if moved and quiet:
            gap = by_segment[moved[0]] - max(quiet)
            best = max(best, (gap, moved), key=lambda pair: pair[0])
    return ", ".join(best[1][:MAX_SEGMENTS_NAMED]) or GLOBAL


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


def worse(window: Tally, baseline: Tally) -> bool:
    """Whether runs end badly more often than before, at one standard error."""
    _, w, b = vectors("failure", window, baseline)
    return bool(w.sum() and b.sum() and bin_z(w, b)[1] > 1.0)
