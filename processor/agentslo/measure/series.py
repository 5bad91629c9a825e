"""The registry: every series of the process, by family and label values.

Comes in: increments, observations and gauge values with the time they happened. Goes out: rows for
`exposition`. State: one cell a series, bounded by `labels.Admission`; the remembered places of
values that are folded, bounded in number. Sources: design.md 6 (zero hold, caps, live releases);
plain dictionaries cost a tenth of prometheus_client's children (performance.md 4).
"""

from bisect import bisect_left
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from math import inf
from typing import Final

from agentslo.config.options import MetricsOptions
from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.cells import Counter, Gauge, Histogram
from agentslo.measure.family import Family, Kind
from agentslo.measure.labels import OTHER, Admission, Labels, Placement
from agentslo.measure.names import OVERFLOW, SERIES

RELEASE_UNSEEN_S: Final = 7 * 86_400
_NEVER_NS: Final = 2**63
_MAX_REMEMBERED: Final = 10_000
_MAX_REMEMBERED_CHARS: Final = 400

Cell = Counter | Gauge | Histogram
Counted = dict[Labels, Counter] | dict[Labels, Histogram]
Rows = Counted | dict[Labels, Gauge]
Release = tuple[str, str]
"""An agent and one of its releases."""


class Metrics:
    """All series of one process. One loop owns it; no method may be called from another thread.

    `counters`, `gauges`, `histograms` map a family and its row of clean label values to a cell:
    readable by anyone, changed only here.
    """

    def __init__(self, options: MetricsOptions | None = None) -> None:
        options = options or MetricsOptions()
        families = CATALOGUE.values()
        self.counters: dict[Family, dict[Labels, Counter]] = {
            family: {} for family in families if family.kind is Kind.COUNTER
        }
        self.gauges: dict[Family, dict[Labels, Gauge]] = {
            family: {} for family in families if family.kind is Kind.GAUGE
        }
        self.histograms: dict[Family, dict[Labels, Histogram]] = {
            family: {} for family in families if family.kind is Kind.HISTOGRAM
        }
        self._exemplars = options.exemplars
        self._hold_ns = int(options.zero_hold_s * 1e9)
        self._held: list[Counter | Histogram] = []
        self._hold_ends_ns = _NEVER_NS
        self._admission = Admission(options.caps)
        self._remembered: dict[tuple[Family, Labels], Placement] = {}
        self._sorted: dict[Family, tuple[list[Labels], list[Cell]]] = {}
        self._release_ends_ns = 0
        self.changed: dict[Counter | Histogram, None] = {}
        """Counters and histograms that moved or went since this was last cleared."""

    def inc(self, family: Family, labels: Labels, now_ns: int, amount: float = 1.0) -> None:
        """Add to a counter."""
        if not 0.0 <= amount < inf:
            raise ValueError(f"{family.name} cannot grow by {amount}")
        cell = self.counters[family].get(labels)
        if cell is None:
            cell = self._counter(family, labels, now_ns)
        cell.seen_ns = now_ns
        self.changed[cell] = None
        if cell.held:
            cell.pending += amount
        else:
            cell.value += amount

    def touch(self, family: Family, labels: Labels, now_ns: int) -> None:
        """Create a counter or histogram series at 0, so that its first event is seen as one."""
        if family.kind is Kind.COUNTER:
            self.inc(family, labels, now_ns, 0.0)
        elif labels not in self.histograms[family]:
            self._histogram(family, labels, now_ns)

    def observe(
        self,
        family: Family,
        labels: Labels,
        value: float,
        now_ns: int,
        exemplar: tuple[str, str] | None = None,
    ) -> None:
        """Count one value; `exemplar` names the trace and span (hex) it was measured on."""
        if not 0.0 <= value < inf:
            raise ValueError(f"{family.name} cannot observe {value}")
        cell = self.histograms[family].get(labels)
        if cell is None:
            cell = self._histogram(family, labels, now_ns)
        cell.observe(value, now_ns, exemplar if self._exemplars else None)
        self.changed[cell] = None

    def set(self, family: Family, labels: Labels, value: float) -> None:
        """Set a gauge."""
        cell = self.gauges[family].get(labels)
        if cell is None:
            cell = self._gauge(family, labels)
        cell.value = value

    def replace(self, family: Family, rows: Mapping[Labels, float]) -> None:
        """Make these the only rows of a gauge family.

        Rows that fold into one keep the greatest value: among objectives that is the strictest.
        """
        old, fresh = self.gauges[family], dict[Labels, Gauge]()
        self.gauges[family] = fresh
        for gone in old:
            self._admission.removed(family, gone)
        # Rows that stay come first: a new one must not take the room of an old one.
        for labels in sorted(rows, key=lambda labels: labels not in old):
            row = labels if labels in old else self._place(family, labels, 0)
            if row is None:
                continue
            cell = fresh.get(row)
            if cell is None:
                cell = fresh[row] = old.get(row) or Gauge(family, row)
                cell.value = rows[labels]
                self._admission.added(family, row)
            cell.value = max(cell.value, rows[labels])
        self._sorted.pop(family, None)

    def release_due(self, now_ns: int) -> None:
        """End the zero holds that have lasted long enough; also before every render."""
        if now_ns < self._hold_ends_ns:
            return
        held, self._held, self._hold_ends_ns = self._held, [], _NEVER_NS
        for cell in held:
            ends_ns = cell.created_ns + self._hold_ns
            if ends_ns <= now_ns:
                cell.release()
                self.changed[cell] = None
            else:
                self._held.append(cell)
                self._hold_ends_ns = min(self._hold_ends_ns, ends_ns)

    def release_all(self) -> None:
        """End every zero hold, now and from here on: the process is about to stop."""
        for cell in self._held:
            cell.release()
        self._held, self._hold_ends_ns, self._hold_ns = [], _NEVER_NS, 0

    def retire_releases(self, now_ns: int) -> None:
        """Drop the series of releases unseen for 7 days and give their places to others.

        Only counters and histograms show that a release lives; its gauges go with it.
        """
        if now_ns < self._release_ends_ns:
            return
        ttl_ns = RELEASE_UNSEEN_S * 10**9
        seen = self._releases_seen()
        gone = {key for key, seen_ns in seen.items() if seen_ns + ttl_ns <= now_ns}
        alive_ns = (seen_ns for key, seen_ns in seen.items() if key not in gone)
        self._release_ends_ns = min(alive_ns, default=now_ns) + ttl_ns
        if gone:
            self._drop_releases(gone)

    def cell(self, family: Family, row: Labels) -> Cell | None:
        """The series of a row of clean label values."""
        return self._rows(family).get(row)

    def restored(self, family: Family, labels: Labels, created_ns: int) -> Counter | Histogram:
        """The series of these labels, made anew where it is not there: to be filled with what it
        had before a restart.
        """
        if family.kind is Kind.COUNTER:
            return self.counters[family].get(labels) or self._counter(family, labels, created_ns)
        found = self.histograms[family].get(labels)
        return found or self._histogram(family, labels, created_ns)

    def refresh(self, now_ns: int) -> None:
        """What time alone changes: ended holds, retired releases, our own size."""
        self.release_due(now_ns)
        self.retire_releases(now_ns)
        self.set(SERIES, (), float(self._admission.series))

    def sorted_cells(self, family: Family) -> list[Cell]:
        """The cells of a family in the order of their labels, as they are now."""
        known = self._sorted.get(family)
        if known is None:
            cells = self._rows(family)
            rows = sorted(cells)
            known = self._sorted[family] = (rows, [cells[row] for row in rows])
        return known[1].copy()

    def _rows(self, family: Family) -> Rows:
        if family.kind is Kind.COUNTER:
            return self.counters[family]
        return self.gauges[family] if family.kind is Kind.GAUGE else self.histograms[family]

    def _counter(self, family: Family, labels: Labels, now_ns: int) -> Counter:
        rows = self.counters[family]
        row = self._place(family, labels, now_ns)
        if row is None:
            return Counter(family, _nowhere(family), now_ns)
        cell = rows.get(row)
        if cell is None:
            cell = rows[row] = Counter(family, row, now_ns)
            self._born(family, row, cell)
        return cell

    def _histogram(self, family: Family, labels: Labels, now_ns: int) -> Histogram:
        rows = self.histograms[family]
        row = self._place(family, labels, now_ns)
        if row is None:
            return Histogram(family, _nowhere(family), now_ns)
        cell = rows.get(row)
        if cell is None:
            cell = rows[row] = Histogram(family, row, now_ns)
            self._born(family, row, cell)
        return cell

    def _gauge(self, family: Family, labels: Labels) -> Gauge:
        rows = self.gauges[family]
        row = self._place(family, labels, 0)
        if row is None:
            return Gauge(family, _nowhere(family))
        cell = rows.get(row)
        if cell is None:
            cell = rows[row] = Gauge(family, row)
            self._add(family, row, cell)
        return cell

    def _born(self, family: Family, row: Labels, cell: Counter | Histogram) -> None:
        self._add(family, row, cell)
        if family.zero_held and self._hold_ns > 0:
            cell.held = True
            self._held.append(cell)
            self._hold_ends_ns = min(self._hold_ends_ns, cell.created_ns + self._hold_ns)

    def _add(self, family: Family, row: Labels, cell: Cell) -> None:
        self._admission.added(family, row)
        # Inserted where it belongs: sorting a large family at every scrape would stall the loop.
        if family in self._sorted:
            rows, cells = self._sorted[family]
            place = bisect_left(rows, row)
            rows.insert(place, row)
            cells.insert(place, cell)

    def _place(self, family: Family, labels: Labels, now_ns: int) -> Labels | None:
        """The row these labels belong to, None where there is no room; folds are counted."""
        key = (family, labels)
        placement = self._remembered.get(key)
        if placement is None:
            placement = self._admission.place(family, labels, self._rows(family))
            if placement.row != labels and sum(map(len, labels)) <= _MAX_REMEMBERED_CHARS:
                if len(self._remembered) >= _MAX_REMEMBERED:
                    self._remembered.clear()
                self._remembered[key] = placement
        for cap in placement.folded:
            self.inc(OVERFLOW, (cap,), now_ns)
        return placement.row

    def _releases_seen(self) -> dict[Release, int]:
        """When each release was last counted."""
        seen: dict[Release, int] = {}
        counted: list[tuple[Family, Counted]] = [*self.counters.items(), *self.histograms.items()]
        for family, rows in counted:
            agent, release = family.index("agent"), family.index("release")
            if release < 0:
                continue
            for row, cell in rows.items():
                key = (row[agent], row[release])
                if row[release] != OTHER:
                    seen[key] = max(seen.get(key, 0), cell.seen_ns)
        return seen

    def _drop_releases(self, gone: AbstractSet[Release]) -> None:
        for family in CATALOGUE.values():
            agent, release = family.index("agent"), family.index("release")
            if release < 0:
                continue
            rows = self._rows(family)
            for row in [row for row in rows if (row[agent], row[release]) in gone]:
                cell = rows.pop(row)
                if not isinstance(cell, Gauge):
                    self.changed[cell] = None
                self._admission.removed(family, row)
            self._sorted.pop(family, None)
        for agent_name, release_name in gone:
            self._admission.forget_release(agent_name, release_name)
        self._remembered.clear()


def _nowhere(family: Family) -> Labels:
    """The labels of a cell that is not kept."""
    return (OTHER,) * len(family.labels)
