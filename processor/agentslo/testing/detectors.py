"""The contract of a drift detector, as a function that any package can call in its tests.

In: a detector. Out: nothing, or an `AssertionError` that lists every broken rule. No state.
"""

import math
from collections.abc import Iterator

import numpy as np

from agentslo.watch.counts import Counts
from agentslo.watch.features import FEATURES
from agentslo.watch.plugins import Detector

QUIET_WINDOWS = 2_000
MOST_FALSE = 8
"""Quiet windows above 4.0 at most: 1 in 1,000 promised, 8 of 2,000 by chance 1 in 1,000 times."""
ALARM = 4.0


def check_detector(detector: Detector, *, bins: int = 8) -> None:
    """Raises `AssertionError` with every rule the detector breaks, on features of `bins` bins."""
    broken = [*_shape(detector), *_manners(detector, bins)]
    if not broken:
        broken = [*_silence(detector, bins), *_sight(detector, bins)]
    if broken:
        listed = "\n".join(f"  - {rule}" for rule in broken)
        raise AssertionError(f"detector {detector.name!r}:\n{listed}")


def _shape(detector: Detector) -> Iterator[str]:
    if not detector.name or detector.name != detector.name.strip().lower():
        yield "name must be lower-case text"
    try:
        taken = [one.name for one in FEATURES.values() if detector.takes(one)]
    except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
        yield f"takes raises {error!r}"
        return
    if not taken:
        yield "takes no feature"


def _manners(detector: Detector, bins: int) -> Iterator[str]:
    """It gives a finite number whatever the counts, changes none, and always says the same."""
    one = np.eye(bins)[0] * 7.0
    empty, even = np.zeros(bins), np.full(bins, 40.0)
    for window, baseline in (
        (empty, empty),
        (empty, even),
        (even, empty),
        (one, even),
        (even, one),
    ):
        before = window.copy(), baseline.copy()
        try:
            first, second = (float(detector.deviate(window, baseline)) for _ in range(2))
        except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
            yield f"raises {error!r} on {window} against {baseline}"
            continue
        if not math.isfinite(first):
            yield f"gives {first} on {window} against {baseline}"
        if first != second:
            yield f"changes from call to call on {window} against {baseline}"
        if not all(np.array_equal(a, b) for a, b in zip(before, (window, baseline), strict=True)):
            yield "changes the counts it is given"


def _silence(detector: Detector, bins: int) -> Iterator[str]:
    rng = np.random.default_rng(1)
    shares = 1 / np.arange(1, bins + 1)
    alarms = sum(
        detector.deviate(_drawn(rng, 150, shares), _drawn(rng, 2_000, shares)) > ALARM
        for _ in range(QUIET_WINDOWS)
    )
    if alarms > MOST_FALSE:
        yield f"is above {ALARM} in {alarms} of {QUIET_WINDOWS} quiet windows, 2 are expected"


def _sight(detector: Detector, bins: int) -> Iterator[str]:
    """Some change that is plain to see it must see: most runs in one bin, whichever that is."""
    rng = np.random.default_rng(2)
    baseline = _drawn(rng, 2_000, 1 / np.arange(1, bins + 1))
    moved = [_drawn(rng, 300, np.where(np.arange(bins) == b, 10.0, 0.5)) for b in range(bins)]
    if not any(detector.deviate(window, baseline) > ALARM for window in moved):
        yield "sees no change, not even most runs in one bin"


def _drawn(rng: np.random.Generator, runs: int, shares: Counts) -> Counts:
    found: Counts = rng.multinomial(runs, shares / shares.sum()).astype(np.float64)
    return found
