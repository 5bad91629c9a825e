"""What is measured together: one load, sent in turn to several processes.

In: options of the command. Out: `Cell`s. No state. A cell's processes run side by side and are
loaded one after the other, A B C A B C, so that a machine that slows down slows all of them.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from agentslo.bench.payloads import Shape
from agentslo.bench.subjects import Subject, agentslo

SPANS = {1: 4_000, 50: 20_000, 512: 61_440, 8192: 81_920}
"""A round, by batch; others as 512."""
OPEN_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One load and who carries it."""

    name: str
    shape: Shape
    subjects: tuple[Subject, ...]
    spans: int
    """A round, at least."""
    gzip: bool = False
    rate: float = 0.0
    """Requests a second; 0: as fast as they are answered."""


def shapes(
    batches: Sequence[int], mixes: Sequence[float], words: Sequence[int], agents: Sequence[int]
) -> list[Shape]:
    """Every combination."""
    every = itertools.product(batches, mixes, words, agents)
    return [Shape(batch=b, mix=mix, words=w, agents=a) for b, mix, w, a in every]


def cost(
    shapes: Sequence[Shape], gzips: Sequence[bool], subjects: Sequence[Subject], spans: int = 0
) -> list[Cell]:
    """CPU per span, of every shape. `spans`: a round, where not by batch."""
    return [
        Cell(
            name=_name(shape) + (", gzip in" if gzip else ""),
            shape=shape,
            subjects=tuple(subjects),
            spans=spans or SPANS.get(shape.batch, SPANS[512]),
            gzip=gzip,
        )
        for shape in shapes
        for gzip in gzips
    ]


def _name(shape: Shape) -> str:
    usual = Shape()
    told = [f"{shape.batch} spans a request", f"mix {shape.mix:g}"]
    told += [f"{shape.words} words a message"] if shape.words != usual.words else []
    told += [f"{shape.agents} agents"] if shape.agents != usual.agents else []
    return ", ".join(told)


def open_runs(many: int) -> Cell:
    """CPU per span with few and with many open runs."""
    return Cell(
        name=f"512 spans a request, mix 0.3, with 100 and with {many:,} open runs",
        shape=Shape(),
        subjects=tuple(agentslo("received", open_runs=runs) for runs in (100, many)),
        spans=SPANS[512],
    )


def latency(subjects: Sequence[Subject]) -> list[Cell]:
    """Answers and arrivals at a modest, fixed rate."""
    return [
        Cell(
            name=f"{batch} spans at {rate:g} requests a second",
            shape=Shape(batch=batch),
            subjects=tuple(subjects),
            spans=int(batch * rate * OPEN_SECONDS),
            rate=rate,
        )
        for batch, rate in ((50, 40.0), (512, 20.0))
    ]
