"""An agent's baseline while it is learnt.

In: observations. Out: a frozen `Baseline` and, from the people's words, a `NoveltyIndex`. State:
the counts so far, hour-of-day counts of rates, and a sample of hashed requests.
"""

from collections import Counter
from datetime import UTC, datetime

from agentslo.config.options import DAY_S, DriftOptions
from agentslo.watch.baseline import HOURS, NOVELTY, Baseline
from agentslo.watch.features import YES, Shape, feature
from agentslo.watch.novelty import BINS, NoveltyIndex, References
from agentslo.watch.observe import Observed
from agentslo.watch.slices import ALL, Tally

MIN_REQUESTS = 200
"""Fewer requests say too little of what is usual."""
NS = 10**9


def hour_of(time_ns: int) -> int:
    """The hour of the day, UTC."""
    return datetime.fromtimestamp(time_ns // NS, UTC).hour


def calibrate(tally: Tally, index: NoveltyIndex) -> None:
    """Give a baseline's tally the bins that its own requests fall into."""
    counts = zip(BINS, index.calibration, strict=True)
    tally.counts[NOVELTY, ALL] = Counter({label: int(count) for label, count in counts})


class Learning:
    """A baseline that is not complete."""

    def __init__(self, options: DriftOptions) -> None:
        self._options = options
        self.tally = Tally()
        self.references = References()
        self._hours: dict[str, list[list[int]]] = {}
        self._no_rates: set[str] = set()
        self._releases: dict[str, None] = {}

    def add(self, observed: Observed) -> None:
        """Learn one run."""
        self.tally.add(observed)
        self._releases[observed.release] = None
        if observed.request:
            self.references.add(observed.request)
        hour, hours = hour_of(observed.time_ns), self._hours
        for name, label in observed.bins.items():
            by_hour = hours.get(name)
            if by_hour is None:
                if name in self._no_rates or feature(name).shape is not Shape.RATE:
                    self._no_rates.add(name)
                    continue
                by_hour = hours[name] = [[0, 0] for _ in range(HOURS)]
            pair = by_hour[hour]
            pair[0] += label == YES
            pair[1] += 1

    @property
    def complete(self) -> bool:
        """Whether it has the runs and the days."""
        days = (self.tally.end_ns - self.tally.start_ns) / NS / DAY_S
        return (
            self.tally.runs >= self._options.baseline_runs and days >= self._options.baseline_days
        )

    def freeze(self, agent: str, environment: str, index: NoveltyIndex | None) -> Baseline:
        """The baseline as it stands; the bins of `index` become those of novelty."""
        if index is not None:
            calibrate(self.tally, index)
        return Baseline(
            agent=agent,
            environment=environment,
            releases=tuple(self._releases)[-MAX_RELEASES:],
            tally=self.tally,
            hours={n: tuple((k, t) for k, t in by) for n, by in self._hours.items()},
        )


MAX_RELEASES = 20
