"""Counters and histograms as bytes, so that they go on after a restart.

In: series that changed. Out: a key and a body for each (no body: it is gone), and the way back,
zero holds and created times included. No state. Families of the process itself are not kept: they
start at 0 (design.md 6). Both are JSON, which keeps every bit of a float; described in
docs/journal.md.
"""

import json
from collections.abc import Iterator
from typing import Any

from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.cells import Counter, Gauge, Histogram
from agentslo.measure.family import Family
from agentslo.measure.labels import Labels
from agentslo.measure.series import Metrics

AGENTS = "agent_slo_runs_total"
"""The family whose series tell which agents there are: its first labels are agent, environment."""


class SeriesError(ValueError):
    """Bytes that are no kept series of this version."""


def changes(metrics: Metrics) -> Iterator[tuple[bytes, bytes | None]]:
    """Key and body of every series that changed since the last time."""
    changed, metrics.changed = metrics.changed, {}
    for cell in changed:
        if not cell.family.own:
            yield _key(cell.family, cell.row), _body(metrics, cell.family, cell.row)


def everything(metrics: Metrics) -> Iterator[tuple[bytes, bytes | None]]:
    """Key and body of every series there is; what changed before is included."""
    for rows in (metrics.counters, metrics.histograms):
        metrics.changed.update(
            (cell, None) for of_family in rows.values() for cell in of_family.values()
        )
    return changes(metrics)


def restore(metrics: Metrics, key: bytes, body: bytes, now_ns: int) -> tuple[str, Labels]:
    """Go on with a kept series; gives its family and labels. Raises `SeriesError`."""
    try:
        name, *labels = json.loads(key)
        family, told = CATALOGUE[name], json.loads(body)
        cell = metrics.restored(family, tuple(labels), told["created_ns"])
        if cell.row != tuple(labels):
            raise SeriesError("there is no room for it any more")
        _fill(cell, told)
    except (KeyError, TypeError, ValueError) as error:
        raise SeriesError(f"no series: {error}") from error
    # A release that went unseen while nothing ran keeps its place for now.
    cell.seen_ns = max(cell.seen_ns, min(now_ns, told["seen_ns"]))
    return name, tuple(labels)


def _key(family: Family, row: Labels) -> bytes:
    return json.dumps([family.name, *row], separators=(",", ":")).encode()


def _body(metrics: Metrics, family: Family, row: Labels) -> bytes | None:
    cell = metrics.cell(family, row)
    if cell is None or isinstance(cell, Gauge):
        return None
    told: dict[str, Any]
    if isinstance(cell, Counter):
        told = {"value": cell.value, "pending": cell.pending}
    else:
        told = {"counts": cell.counts, "sum": cell.sum, "bounds": cell.bounds}
        told |= {"pending_counts": cell.pending_counts, "pending_sum": cell.pending_sum}
    times = {"held": cell.held, "created_ns": cell.created_ns, "seen_ns": cell.seen_ns}
    return json.dumps(told | times, separators=(",", ":")).encode()


def _fill(cell: Counter | Histogram, told: dict[str, Any]) -> None:
    if isinstance(cell, Counter):
        cell.value, cell.pending = float(told["value"]), float(told["pending"])
    else:
        if list(cell.bounds) != told["bounds"]:
            raise SeriesError("its buckets have changed")
        cell.counts, cell.sum = list(told["counts"]), float(told["sum"])
        cell.pending_counts = list(told["pending_counts"])
        cell.pending_sum = float(told["pending_sum"])
    if cell.held and not told["held"]:
        cell.release()
    cell.held = cell.held and told["held"]
