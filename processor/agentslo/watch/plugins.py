"""Detectors that other packages bring, found by the entry point group `agentslo.detectors`.

In: entry points. Out: detectors, each guarded, and what was wrong with the others, as sentences to
log. State: what is installed, and how often each raised. A detector is one more test of a feature's
window against the baseline: its deviate counts where it is the larger one. It sees counts alone, so
every replica and a replay get the same answer. `agentslo.testing.check_detector` is the contract.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from agentslo.watch.counts import Counts
from agentslo.watch.features import Feature

logger = logging.getLogger(__name__)

GROUP = "agentslo.detectors"


@runtime_checkable
class Detector(Protocol):
    """One test of a window."""

    name: str

    def takes(self, feature: Feature) -> bool:
        """Whether it tests this feature."""

    def deviate(self, window: Counts, baseline: Counts) -> float:
        """How unlike the baseline the window is, as a normal deviate: above 4.0 in at most one of
        1,000 quiet windows. Both are runs by bin, over the same bins, and may be empty.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Detectors:
    """What was found. `failures` counts, per detector, windows on which its code raised."""

    detectors: tuple[Detector, ...] = ()
    problems: tuple[str, ...] = ()
    failures: Counter[str] = field(default_factory=Counter)

    def deviate(self, feature: Feature, window: Counts, baseline: Counts, own: float) -> float:
        """The largest deviate of a feature: `own`, or that of a detector that takes it."""
        for detector in self.detectors:
            try:
                if detector.takes(feature):
                    found = float(detector.deviate(window, baseline))
                    own = max(own, found) if math.isfinite(found) else own
            except Exception as error:  # noqa: BLE001 - somebody else's code
                if not self.failures[detector.name]:
                    logger.warning(
                        "detector %r raised %r on %s", detector.name, error, feature.name
                    )
                self.failures[detector.name] += 1
        return own


NONE = Detectors()


@cache
def installed() -> Detectors:
    """All detectors of the installed packages; looked up once a process."""
    return load(entry_points(group=GROUP))


def load(points: Iterable[EntryPoint]) -> Detectors:
    """The detectors behind `points`, by entry point name."""
    detectors: list[Detector] = []
    problems: list[str] = []
    for point in sorted(points, key=lambda p: (p.name, p.value)):
        try:
            value = point.load()
        except Exception as error:  # noqa: BLE001 - whatever its import raises, we start without it
            problems.append(f"detector {point.name!r} is left out: loading it raised {error!r}")
            continue
        values: Sequence[object] = value if isinstance(value, tuple | list) else (value,)
        for one in values:
            if isinstance(one, Detector):
                detectors.append(one)
            else:
                problems.append(
                    f"detector {point.name!r} is left out: {type(one).__name__} has no name, takes "
                    "or deviate"
                )
    return Detectors(detectors=tuple(detectors), problems=tuple(problems))
