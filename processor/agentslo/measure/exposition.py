"""`/metrics` as text: Prometheus 0.0.4 or OpenMetrics 1.0, whichever the scraper asks for.

Comes in: the registry, the time, the format. Goes out: chunks of a few hundred lines, so that the
loop can do other work between them; each series is whole within its chunk. No state. Sources:
Prometheus exposition formats, OpenMetrics 1.0 (exemplars there and on histogram buckets only).
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from math import isfinite, isnan
from typing import Final

from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.cells import Counter, Exemplar, Gauge, Histogram
from agentslo.measure.family import Family, Kind
from agentslo.measure.series import Cell, Metrics

LINES_PER_CHUNK: Final = 1_000

_EXEMPLAR_IDS = re.compile(r"[0-9a-f]{32} [0-9a-f]{16}")
_OPENMETRICS_VERSIONS: Final = ("", "0.0.1", "1.0.0")


class Format(Enum):
    """An exposition format; its value is the content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def negotiate(accept: str) -> Format:
    """The format for an Accept header: OpenMetrics where it is wanted at least as much as text."""
    weights = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for media_range in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in media_range.split(";"))
        options = dict(part.partition("=")[::2] for part in parameters)
        if media_type not in weights or (
            media_type != "text/plain"
            and options.get("version", "").strip('"') not in _OPENMETRICS_VERSIONS
        ):
            continue
        weights[media_type] = max(weights[media_type], _weight(options.get("q", "1")))
    openmetrics, text = weights.values()
    return Format.OPENMETRICS if openmetrics > 0 and openmetrics >= text else Format.TEXT


def render(
    metrics: Metrics, now_ns: int, form: Format, appended: Iterable[bytes] = ()
) -> Iterator[bytes]:
    """The whole exposition in chunks; `appended` is other families in the same format."""
    metrics.refresh(now_ns)
    for name in sorted(CATALOGUE):
        family = CATALOGUE[name]
        cells = metrics.sorted_cells(family)
        if cells:
            yield _header(family, form)
        step = max(1, LINES_PER_CHUNK // family.series_per_row)
        for start in range(0, len(cells), step):
            yield _lines(cells[start : start + step], form)
    yield from appended
    if form is Format.OPENMETRICS:
        yield b"# EOF\n"


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _header(family: Family, form: Format) -> bytes:
    name = family.name
    if form is Format.TEXT:
        return f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n".encode()
    if family.kind is Kind.COUNTER:
        name = name.removesuffix("_total")
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    return f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n{unit}".encode()


def _lines(cells: list[Cell], form: Format) -> bytes:
    parts: list[bytes] = []
    for cell in cells:
        if isinstance(cell, Counter):
            parts.append(b"%b%a\n" % (cell.prefix, cell.value))
        elif isinstance(cell, Gauge):
            parts.append(b"%b%b\n" % (cell.prefix, _number(cell.value)))
        else:
            parts.extend(_histogram_lines(cell, form))
    return b"".join(parts)


def _histogram_lines(cell: Histogram, form: Format) -> Iterator[bytes]:
    exemplars = form is Format.OPENMETRICS and not cell.held
    total = 0
    for place, prefix in enumerate(cell.bucket_prefixes):
        total += cell.counts[place]
        exemplar = cell.exemplars[place] if exemplars else None
        yield b"%b%d%b\n" % (prefix, total, _exemplar(exemplar) if exemplar else b"")
    yield b"%b%d\n" % (cell.count_prefix, total)
    yield b"%b%a\n" % (cell.sum_prefix, cell.sum)


def _exemplar(exemplar: Exemplar) -> bytes:
    if not _EXEMPLAR_IDS.fullmatch(f"{exemplar.trace_id} {exemplar.span_id}"):
        return b""
    labels = f'{{trace_id="{exemplar.trace_id}",span_id="{exemplar.span_id}"}}'
    return f" # {labels} {exemplar.value!r} {exemplar.time_ns / 1e9:.3f}".encode()


def _number(value: float) -> bytes:
    """A gauge value; counters and sums are always finite."""
    if isfinite(value):
        return repr(value).encode()
    if isnan(value):
        return b"NaN"
    return b"+Inf" if value > 0 else b"-Inf"
