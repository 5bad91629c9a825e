"""Counts per slice of time: the only input of the window tests.

In: observations. Out: `Tally`: counts by feature, segment and bin, that add over slices, replicas
and restarts. State: which features and segments an agent was seen to have; the slices of one window
with their running sum. Bounded: MAX_FEATURES features an agent, MAX_VALUES values a kind of
segment, MAX_LABELS bins a feature; further labels and segments are `_other`.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from agentslo.watch.features import OTHER
from agentslo.watch.observe import Observed

MAX_FEATURES = 80
MAX_VALUES = 10
MAX_LABELS = 60
MAX_LATE = 32
"""Runs that are counted together."""
ALL = ""
"""The segment of all runs."""

Cell = tuple[str, str]
"""A feature and a segment (`kind:value`, or ALL)."""


class Tally:
    """Counts of runs. Times are unix ns of the first and last run.

    Runs are counted several at a time: most of the work is then one walk in C.
    """

    def __init__(
        self,
        counts: dict[Cell, Counter[str]] | None = None,
        runs: int = 0,
        start_ns: int = 0,
        end_ns: int = 0,
    ) -> None:
        self._counts = {} if counts is None else counts
        self.runs, self.start_ns, self.end_ns = runs, start_ns, end_ns
        self._late: dict[str, list[Mapping[str, str]]] = {}
        """By segment, the bins of runs that are not in the counts yet."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        mine, theirs = ((t.counts, t.runs, t.start_ns, t.end_ns) for t in (self, other))
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def counts(self) -> dict[Cell, Counter[str]]:
        """The counts by feature and segment."""
        if self._late:
            self._catch_up()
        return self._counts

    def _catch_up(self) -> None:
        late, self._late = self._late, {}
        for segment, bins in late.items():
            # In the order in which labels came first: the first of them have room.
            pairs = Counter(chain.from_iterable([b.items() for b in bins]))
            for (name, label), runs in pairs.items():
                self._count(name, label, segment, runs)

    def add(self, observed: Observed) -> None:
        """Count one run."""
        late, most = self._late, 0
        for segment in (ALL, *observed.segments):
            bins = late.get(segment)
            if bins is None:
                bins = late[segment] = []
            bins.append(observed.bins)
            most = max(most, len(bins))
        self.runs += 1
        self._span(observed.time_ns, observed.time_ns)
        if most >= MAX_LATE:
            self._catch_up()

    def count(self, name: str, label: str, segments: tuple[str, ...] = ()) -> None:
        """Count one observation of a feature."""
        if self._late:
            self._catch_up()
        for segment in (ALL, *segments):
            self._count(name, label, segment, 1)

    def _count(self, name: str, label: str, segment: str, runs: int) -> None:
        bins = self._counts.get((name, segment))
        if bins is None:
            bins = self._counts[name, segment] = Counter()
        bins[label if label in bins or len(bins) < MAX_LABELS else OTHER] += runs

    def merge(self, other: "Tally", sign: int = 1) -> None:
        """Add another tally's counts, or take them away again (`sign` -1)."""
        for cell, bins in other.counts.items():
            mine = self.counts.setdefault(cell, Counter())
            for label, count in bins.items():
                mine[label] += sign * count
            if sign < 0:
                self.counts[cell] = mine = +mine
                if not mine:
                    del self.counts[cell]
        self.runs += sign * other.runs
        if sign > 0 and other.runs:
            self._span(other.start_ns, other.end_ns)

    def names(self) -> list[str]:
        """The features counted."""
        return [name for name, segment in self.counts if segment == ALL]

    def segments(self, name: str) -> list[str]:
        """The segments a feature is counted in."""
        return [segment for n, segment in self.counts if n == name and segment != ALL]

    def of(self, name: str, segment: str = ALL) -> Counter[str]:
        """The bins of a feature."""
        return self.counts.get((name, segment)) or Counter()

    def without_segments(self) -> "Tally":
        """The same with the counts over all runs alone."""
        kept = {cell: bins for cell, bins in self.counts.items() if cell[1] == ALL}
        return Tally(kept, self.runs, self.start_ns, self.end_ns)

    def _span(self, start_ns: int, end_ns: int) -> None:
        self.start_ns = min(self.start_ns or start_ns, start_ns)
        self.end_ns = max(self.end_ns, end_ns)


class Bounds:
    """Which features and segments of an agent are told apart. Of releases, the newest."""

    def __init__(self) -> None:
        self._features: set[str] = set()
        self._segments: dict[str, dict[str, None]] = {}
        self._known: set[str] = set()
        """The same segments, as observations name them."""

    def admit(self, observed: Observed) -> Observed:
        """The observation with what is beyond the bounds left out or folded."""
        bins, segments = observed.bins, observed.segments
        if not bins.keys() <= self._features:
            bins = {n: label for n, label in bins.items() if self._knows(n)}
        if not self._known.issuperset(segments):
            segments = tuple(self._segment(*s.partition(":")) for s in segments)
        if bins is observed.bins and segments is observed.segments:
            return observed
        return replace(observed, bins=bins, segments=segments)

    def _knows(self, name: str) -> bool:
        if name not in self._features and len(self._features) < MAX_FEATURES:
            self._features.add(name)
        return name in self._features

    def _segment(self, kind: str, colon: str, value: str) -> str:
        known = self._segments.setdefault(kind, {})
        if value not in known:
            if len(known) >= MAX_VALUES:
                if kind != "release":
                    return f"{kind}:{OTHER}"
                oldest = next(iter(known))
                del known[oldest]
                self._known.discard(f"{kind}{colon}{oldest}")
            known[value] = None
            self._known.add(f"{kind}{colon}{value}")
        return f"{kind}{colon}{value}"


class Window:
    """The newest closed slices: at most `span_ns` of time, or `max_slices`; and their sum."""

    def __init__(self, *, span_ns: int, max_slices: int) -> None:
        self._span_ns, self._max = span_ns, max_slices
        self._slices: deque[Tally] = deque()
        self.total = Tally()

    def __iter__(self) -> Iterator[Tally]:
        return iter(self._slices)

    def push(self, closed: Tally) -> list[Tally]:
        """Take a closed slice; gives those that left."""
        self._slices.append(closed)
        self.total.merge(closed)
        left = []
        while len(self._slices) > self._max or self._is_over(closed.end_ns):
            left.append(self._slices.popleft())
            self.total.merge(left[-1], -1)
        if left:
            self.total.start_ns = self._slices[0].start_ns
        return left

    def _is_over(self, now_ns: int) -> bool:
        return len(self._slices) > 1 and self._slices[0].start_ns < now_ns - self._span_ns

    def emptied(self) -> "Window":
        """A window of the same size with nothing in it."""
        return Window(span_ns=self._span_ns, max_slices=self._max)
