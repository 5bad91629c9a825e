"""What an agent does when all is well: counts of its first runs, frozen, with a digest.

In: the tally of the runs it was learnt on. Out: `Baseline`, and vectors of counts over common bins.
No state but itself; never moved silently. Later releases inherit it. The words of requests are no
part of it and are never written: novelty is learnt anew by each process. Sources: methods.md 3.6.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from agentslo.watch.counts import MAX_BINS, Counts, upper_rate
from agentslo.watch.features import NO, OTHER, YES, Shape, feature, ladder_labels
from agentslo.watch.novelty import BINS
from agentslo.watch.slices import ALL, Tally

VERSION = 1
NOVELTY = "novelty"
"""The feature that is learnt anew by each process and written nowhere."""
WORDING = "wording"
"""Learnt anew too, and compared by blocks of requests (`wording`), not by bins."""
HOURS = 24
SMOOTHED_HOURS = 5
DAY_NS = 86_400 * 10**9


class BaselineError(Exception):
    """A baseline file that cannot be used, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The counts of `tally`; `hours`: per rate, (happened, looked at) by hour of the day in UTC."""

    agent: str
    environment: str
    releases: tuple[str, ...]
    tally: Tally
    hours: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    @property
    def days(self) -> float:
        """How long it was learnt."""
        return (self.tally.end_ns - self.tally.start_ns) / DAY_NS

    @property
    def runs_per_day(self) -> float:
        """Traffic while it was learnt."""
        return self.tally.runs / max(self.days, 1 / HOURS)

    @property
    def digest(self) -> str:
        """Twelve hex digits that change with any count."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def upper_rates(self, name: str, *, fall: bool) -> tuple[float, ...]:
        """The 95 % upper bound of a rate (of it not happening, for `fall`) by hour of the day.

        Smoothed over five hours where a whole week is known; else one bound for all hours.
        """
        bins = self.tally.of(name)
        hits, trials = bins[NO if fall else YES], bins[NO] + bins[YES]
        by_hour = self.hours.get(name, ())
        if self.days < 7 or len(by_hour) != HOURS:
            return (upper_rate(hits, trials),) * HOURS
        bounds = []
        for hour in range(HOURS):
            near = [by_hour[(hour + d) % HOURS] for d in range(-2, SMOOTHED_HOURS - 2)]
            seen = sum(n for _, n in near)
            happened = sum(k for k, _ in near)
            bounds.append(upper_rate(seen - happened if fall else happened, seen))
        return tuple(bounds)

    def to_json(self) -> str:
        """The baseline as one JSON object, keys sorted."""
        tally = self.tally
        counts = {
            f"{name}|{segment}": dict(sorted(bins.items()))
            for (name, segment), bins in tally.counts.items()
            if name != NOVELTY
        }
        content = {
            "version": VERSION,
            "agent": self.agent,
            "environment": self.environment,
            "releases": list(self.releases),
            "runs": tally.runs,
            "start_ns": tally.start_ns,
            "end_ns": tally.end_ns,
            "counts": counts,
            "hours": {name: [list(pair) for pair in by] for name, by in self.hours.items()},
        }
        return json.dumps(content, sort_keys=True)


def from_json(text: str) -> Baseline:
    """The baseline of a file. Raises `BaselineError`."""
    try:
        found = json.loads(text)
        if found["version"] != VERSION:
            raise BaselineError(f"version {found['version']} is not {VERSION}")
        cells = {tuple(key.split("|", 1)): Counter(bins) for key, bins in found["counts"].items()}
        return Baseline(
            agent=str(found["agent"]),
            environment=str(found["environment"]),
            releases=tuple(found["releases"]),
            tally=Tally(
                {(name, segment): bins for (name, segment), bins in cells.items()},
                int(found["runs"]),
                int(found["start_ns"]),
                int(found["end_ns"]),
            ),
            hours={
                name: tuple((int(k), int(n)) for k, n in by) for name, by in found["hours"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BaselineError(f"not a baseline: {error!r}") from None


def bins_of(name: str, baseline: Tally, segment: str = ALL) -> tuple[str, ...]:
    """The bins a feature is tested in: a ladder's steps in order, else the most frequent."""
    known = feature(name)
    if known.shape is Shape.LADDER:
        return ladder_labels(known.bounds)
    if known.shape is Shape.RATE:
        return NO, YES
    if known.shape is Shape.NOVELTY:
        return BINS
    counted = baseline.of(name, segment)
    top = sorted(counted, key=lambda label: (-counted[label], label))
    return (*[label for label in top if label != OTHER][: MAX_BINS - 1], OTHER)


def vector(counts: Mapping[str, int], bins: tuple[str, ...]) -> Counts:
    """Counts over the bins; what is in none of them is in OTHER, where that is one."""
    found = np.array([float(counts.get(label, 0)) for label in bins])
    if OTHER in bins:
        found[bins.index(OTHER)] = sum(counts.values()) - (found.sum() - found[bins.index(OTHER)])
    return found
