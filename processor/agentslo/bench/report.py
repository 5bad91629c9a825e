"""What was found, as rows and as JSON.

In: cells with their rows. Out: medians with their spread, and ratios; text for people. A ratio is
given only where the ranges of both rows are apart; else the row says that they overlap. Pure.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agentslo.bench.cells import Cell
from agentslo.bench.rounds import Row, Sample

OVERLAP = "ranges overlap"


@dataclass(frozen=True, slots=True)
class Spread:
    """A median between the least and the greatest."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.least:.2f}-{self.greatest:.2f}]"


def spread(values: Iterable[float]) -> Spread | None:
    """Of at least one value; None of none."""
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found)) if found else None


def ratio(one: Spread | None, other: Spread | None) -> float | str:
    """How many times the other's median; words where that cannot be said."""
    if one is None or other is None:
        return "no value"
    if one.least <= other.greatest and other.least <= one.greatest:
        return OVERLAP
    return one.median / other.median


def cpu_us(row: Row) -> Spread | None:
    """CPU microseconds a span."""
    return spread(sample.cpu_us for sample in row.samples)


def quantile_ms(row: Row, what: str, which: str) -> Spread | None:
    """A quantile over the rounds: of `ack_ms` or `late_ms`, `p50` or `p99`."""
    found = [getattr(sample, what).get(which) for sample in row.samples]
    return spread(value for value in found if value is not None)


def as_json(cell: Cell, rows: Sequence[Row]) -> dict[str, Any]:
    """Everything of a cell, raw rounds too."""
    return {
        "cell": cell.name,
        "shape": asdict(cell.shape),
        "gzip": cell.gzip,
        "requests_per_s": cell.rate,
        "spans_a_round": cell.spans,
        "rows": [_row(row, rows) for row in rows],
    }


def _row(row: Row, rows: Sequence[Row]) -> dict[str, Any]:
    own = cpu_us(row)
    ratios = {other.name: ratio(own, cpu_us(other)) for other in rows if other is not row}
    rounds = [asdict(sample) for sample in row.samples]
    shown: dict[str, Any] = {"name": row.name, "trouble": row.trouble, "rounds": rounds}
    if own is not None:
        shown |= {"cpu_us_per_span": asdict(own), "cpu_ratio_to": ratios}
    return shown


def as_text(cell: Cell, rows: Sequence[Row]) -> str:
    """A table of a cell, and how our rows compare with the others."""
    shown = [row for row in rows if row.samples]
    lines = [cell.name, "", *_table(("", *_HEAD), [_cells(row) for row in shown]), ""]
    for row in shown:
        if row.ours:
            others = [other for other in shown if other is not row]
            told = (f"{_times(ratio(cpu_us(row), cpu_us(o)))} {o.name}" for o in others)
            lines.append(f"{row.name} costs {', '.join(told)}" if others else "")
    lines += [f"{row.name}: {said}" for row in rows for said in _remarks(row)]
    return "\n".join(lines) + "\n"


_HEAD = (
    "CPU us a span",
    "ack p50 ms",
    "ack p99 ms",
    "at sink p50 ms",
    "at sink p99 ms",
    "peak MiB",
    "longest turn CPU ms",
    "bytes out/in",
    "requests out/in",
)


def _remarks(row: Row) -> Iterator[str]:
    if row.trouble:
        yield row.trouble
    wrong = sum((Counter(sample.wrong) for sample in row.samples), Counter[str]())
    if wrong:
        yield f"not as it was sent, over all rounds: {dict(wrong)} spans"
    errors = sum((Counter(sample.errors) for sample in row.samples), Counter[str]())
    if errors:
        yield f"refused and sent again: {dict(errors)} requests"


def _cells(row: Row) -> list[str]:
    last = row.samples[-1]
    return [
        row.name,
        str(cpu_us(row)),
        *(_short(quantile_ms(row, "ack_ms", which)) for which in ("p50", "p99")),
        *(_short(quantile_ms(row, "late_ms", which)) for which in ("p50", "p99")),
        f"{last.memory_mib:.0f}",
        f"{last.turn_ms:.1f}" if last.turn_ms is not None else "",
        f"{_median(row.samples, 'forwarded_bytes_ratio'):.2f}",
        f"{last.forwarded_requests / last.sent_requests:.2f}",
    ]


def _median(samples: Sequence[Sample], what: str) -> float:
    median: float = statistics.median(getattr(sample, what) for sample in samples)
    return median


def _short(value: Spread | None) -> str:
    return f"{value.median:.1f}" if value else ""


def _times(value: float | str) -> str:
    return f"({value})" if isinstance(value, str) else f"{value:.2f} x"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Markdown, its columns aligned."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) + " |"

    return [line(head), line(["-" * width for width in widths]), *map(line, rows)]
