"""One series each: a counter, a gauge, a histogram.

A cell holds what is exposed, what a zero hold keeps back, and the bytes its lines begin with, so
that a scrape only appends numbers. Sources: Prometheus text format 0.0.4, OpenMetrics 1.0.
"""

from bisect import bisect_left
from typing import NamedTuple

from agentslo.measure.family import Family


class Exemplar(NamedTuple):
    """A run or tool call that fell into a bucket. Ids are hex; `time_ns` is when it was seen."""

    trace_id: str
    span_id: str
    value: float
    time_ns: int


class Counter:
    """A count. `pending` is what came while the series is held at 0."""

    __slots__ = ("created_ns", "family", "held", "pending", "prefix", "row", "seen_ns", "value")

    def __init__(self, family: Family, row: tuple[str, ...], now_ns: int) -> None:
        self.family, self.row = family, row
        self.value = 0.0
        self.pending = 0.0
        self.held = False
        self.created_ns = now_ns
        self.seen_ns = now_ns
        self.prefix = line_prefix(family, row)

    def release(self) -> None:
        """End the hold: what was kept back now counts."""
        self.value += self.pending
        self.pending = 0.0
        self.held = False


class Gauge:
    """A value."""

    __slots__ = ("prefix", "value")

    def __init__(self, family: Family, row: tuple[str, ...]) -> None:
        self.value = 0.0
        self.prefix = line_prefix(family, row)


class Histogram:
    """Counts per bucket (the last one is infinite, none is cumulative) and their sum."""

    __slots__ = (
        *(
            "bounds",
            "bucket_prefixes",
            "count_prefix",
            "counts",
            "created_ns",
            "exemplars",
            "family",
        ),
        *("held", "pending_counts", "pending_sum", "row", "seen_ns", "sum", "sum_prefix"),
    )

    def __init__(self, family: Family, row: tuple[str, ...], now_ns: int) -> None:
        self.family, self.row = family, row
        bounds = family.buckets
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars: list[Exemplar | None] = [None] * (len(bounds) + 1)
        self.held = False
        self.pending_counts = [0] * (len(bounds) + 1)
        self.pending_sum = 0.0
        self.created_ns = now_ns
        self.seen_ns = now_ns
        les = (*(repr(bound) for bound in bounds), "+Inf")
        self.bucket_prefixes = [line_prefix(family, row, "_bucket", le) for le in les]
        self.count_prefix = line_prefix(family, row, "_count")
        self.sum_prefix = line_prefix(family, row, "_sum")

    def observe(self, value: float, now_ns: int, exemplar: tuple[str, str] | None) -> None:
        """Count one value; a value equal to a bound belongs below it."""
        place = bisect_left(self.bounds, value)
        self.seen_ns = now_ns
        if self.held:
            self.pending_counts[place] += 1
            self.pending_sum += value
        else:
            self.counts[place] += 1
            self.sum += value
        if exemplar is not None:
            self.exemplars[place] = Exemplar(*exemplar, value, now_ns)

    def release(self) -> None:
        """End the hold: what was kept back now counts."""
        pairs = zip(self.counts, self.pending_counts, strict=True)
        self.counts = [count + pending for count, pending in pairs]
        self.sum += self.pending_sum
        self.pending_counts = [0] * len(self.counts)
        self.pending_sum = 0.0
        self.held = False


def line_prefix(family: Family, row: tuple[str, ...], suffix: str = "", le: str = "") -> bytes:
    """A sample line up to its value. Row values are clean, so nothing needs escaping."""
    pairs = [f'{name}="{value}"' for name, value in zip(family.label_names, row, strict=True)]
    if le:
        pairs.append(f'le="{le}"')
    labels = "{" + ",".join(pairs) + "}" if pairs else ""
    return f"{family.name}{suffix}{labels} ".encode("ascii")
