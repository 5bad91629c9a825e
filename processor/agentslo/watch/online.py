"""The detectors of one agent that look at every run: novelty of requests, and rates.

In: observations. Out: names of features whose evidence reached the threshold. State: one e-detector
a feature and direction. The false alarms an agent may have are shared: requests have a budget of
their own, all rates together have another (Bonferroni over rates).
"""

import math
from collections.abc import Iterator

from agentslo.config.options import DriftOptions
from agentslo.watch.baseline import Baseline
from agentslo.watch.edetector import Columns, EDetector, columns, rate_bets, tail_bets
from agentslo.watch.features import NO, YES, Shape, feature
from agentslo.watch.learning import hour_of
from agentslo.watch.novelty import BINS, NoveltyIndex
from agentslo.watch.observe import Observed

MIN_RATE_RUNS = 100
"""A rate the baseline saw less of has no bound worth betting against."""
MIN_FALL_HITS = 30
"""What happened less often may stay away for long by chance."""


class RateDetector:
    """One rate in one direction: a rise, or with `fall` a rise of its not happening."""

    def __init__(self, name: str, baseline: Baseline, threshold: float, *, fall: bool) -> None:
        self.name, self._hit = name, NO if fall else YES
        bounds = baseline.upper_rates(name, fall=fall)
        shared = {bound: columns(rate_bets(bound)) for bound in set(bounds)}
        self._hours: tuple[Columns, ...] = tuple(shared[bound] for bound in bounds)
        self.detector = EDetector(threshold, rate_bets(bounds[0]))

    def step(self, label: str, hour: int) -> None:
        """Take one run."""
        self.detector.step(int(label == self._hit), self._hours[hour])


class Online:
    """All online detectors of an agent whose baseline is frozen."""

    def __init__(
        self, options: DriftOptions, baseline: Baseline, index: NoveltyIndex | None
    ) -> None:
        runs = max(options.false_alarm_runs, options.false_alarm_days * baseline.runs_per_day)
        self._index = index
        self._novelty = EDetector(math.log(runs), tail_bets(index.calibration)) if index else None
        wanted = list(_rates(baseline))
        threshold = math.log(runs * max(1, len(wanted)))
        self._rates: dict[str, list[RateDetector]] = {}
        for name, fall in wanted:
            one = RateDetector(name, baseline, threshold, fall=fall)
            self._rates.setdefault(name, []).append(one)

    def step(self, observed: Observed) -> dict[str, float]:
        """Take one run; gives the features that are alarmed with their log evidence, and starts
        their detectors anew.
        """
        alarmed = {}
        label = observed.bins.get("novelty")
        if self._novelty is not None and label is not None:
            self._novelty.step(BINS.index(label))
            if self._novelty.alarmed:
                alarmed["novelty"] = self._novelty.evidence
                self._novelty.reset()
        hour = hour_of(observed.time_ns)
        for name, detectors in self._rates.items():
            label = observed.bins.get(name)
            for one in detectors if label is not None else ():
                one.step(label or "", hour)
                if one.detector.alarmed:
                    alarmed[name] = one.detector.evidence
                    one.detector.reset()
        return alarmed


def _rates(baseline: Baseline) -> Iterator[tuple[str, bool]]:
    """Rates with a detector, and whether it is one of falls. A fall can be seen only of what
    happens often enough.
    """
    for name in baseline.tally.names():
        known = feature(name)
        bins = baseline.tally.of(name)
        if known.shape is not Shape.RATE or bins.total() < MIN_RATE_RUNS:
            continue
        yield name, False
        if known.fall and bins[YES] >= MIN_FALL_HITS:
            yield name, True
