"""How often our burn alerts are wrong and how soon they are right, beside two known rule sets.

    .venv/bin/python benchmarks/alerting.py --months 400 --trials 300 --into docs/alerting.md

In: how much to simulate. Out: Markdown tables, behind a mark in a page or on standard output. For
each objective and pace of runs, agents whose runs come at random (Poisson) and fail independently
are played through the rules of `alerting_model.py`, every rule set on the same runs:

- healthy: 28 days at half of the budget. Pages within an hour of each other are one page.
- down: 3 healthy days, then every run fails. Delay until the first page.
- half: 3 healthy days, then half of the runs fail. Delay until the first page or ticket.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from alerting_model import RULE_SETS, Flags, RuleSet, Traffic, acting

OBJECTIVES = (0.8, 0.9, 0.95, 0.99, 0.999)
PER_HOUR = (1, 3, 10, 60, 500)
MONTH, WARM, TRIAL = 28 * 1440, 3 * 1440, 3 * 1440
CHUNK_MINUTES = 400_000
"""Agents are played some at a time: arrays that fit a processor's cache are ten times faster."""
FALSE_PAGES_MAX = 0.1
FOUND_MIN = 0.9
MARK = "<!-- Below: made by benchmarks/alerting.py -->\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is played: an objective, a pace, how many months and trials, from which seed."""

    objective: float
    per_hour: int
    months: int
    trials: int
    seed: int

    @property
    def budget(self) -> float:
        return 1 - self.objective

    @property
    def delay_bar(self) -> float:
        """Minutes of 6 runs and 10 more: a page need never be faster."""
        return 6 * 60 / self.per_hour + 10

    @property
    def half_bar(self) -> float:
        """Minutes half failing may stay unseen: a day, or 20 bad runs where that is longer."""
        return max(1440.0, 20 * 2 * 60 / self.per_hour)


@dataclass(slots=True, kw_only=True)
class Figures:
    """What one rule set did in one cell; delays in minutes, infinite where nothing fired."""

    pages: int = 0
    tickets: int = 0
    down: list[float] = field(default_factory=list)
    half_page: list[float] = field(default_factory=list)
    half: list[float] = field(default_factory=list)

    def median(self) -> float:
        return float(np.median(self.down))

    def found(self, within: float) -> float:
        return float(np.mean(np.array(self.half) <= within))


def upper_bound(events: int) -> float:
    """Exact upper 95 % bound of a Poisson mean, by bisection of P(X <= events) = 0.05."""
    low, high = 0.0, 3.0 + 3 * events + 10
    for _ in range(80):
        mean = (low + high) / 2
        chance = sum(
            math.exp(-mean + n * math.log(mean) - math.lgamma(n + 1)) for n in range(events + 1)
        )
        low, high = (mean, high) if chance > 0.05 else (low, mean)
    return high


def episodes(fires: Flags, apart: int = 60) -> int:
    """How often it began to fire, where it had not within `apart` minutes before."""
    now = np.arange(fires.shape[1])
    last = np.maximum.accumulate(np.where(fires, now, -apart - 1), axis=1)
    before = np.concatenate((np.full((len(fires), 1), -apart - 1), last[:, :-1]), axis=1)
    return int((fires & (now - before > apart)).sum())


def played(
    rng: np.random.Generator, shape: tuple[int, int], per_hour: float, bad: np.ndarray | float
) -> Traffic:
    """Random runs, of which a share fails; `bad` is one share or one a minute."""
    runs = rng.poisson(per_hour / 60, shape)
    return Traffic.of(runs, rng.binomial(runs, bad))


def _parts(count: int, length: int) -> Iterator[int]:
    at_once = max(1, CHUNK_MINUTES // length)
    while count > 0:
        yield min(at_once, count)
        count -= at_once


def _delays(fires: Flags, start: int) -> list[float]:
    """Minutes from the start to the first minute it fires; a false page before is no find."""
    after = fires[:, start + 1 :]
    return [float(row.argmax() + 1) if row.any() else math.inf for row in after]


def _first(pages: list[float], tickets: list[float]) -> list[float]:
    return [min(pair) for pair in zip(pages, tickets, strict=True)]


def play(cell: Cell) -> dict[str, Figures]:
    """Every rule set on the same runs."""
    rng = np.random.default_rng((cell.seed, round(cell.objective * 1000), cell.per_hour))
    figures = {name: Figures() for name in RULE_SETS}
    for agents in _parts(cell.months, MONTH):
        traffic = played(rng, (agents, MONTH), cell.per_hour, cell.budget / 2)
        for name, rules in RULE_SETS.items():
            figures[name].pages += episodes(acting(rules, traffic, cell.budget, "page"))
            figures[name].tickets += episodes(
                acting(rules, traffic, cell.budget, "ticket"), apart=1440
            )
    share = np.full(WARM + TRIAL, cell.budget / 2)
    for fails in (1.0, 0.5):
        share[WARM:] = fails
        for agents in _parts(cell.trials, WARM + TRIAL):
            traffic = played(rng, (agents, WARM + TRIAL), cell.per_hour, share)
            for name, rules in RULE_SETS.items():
                _detect(figures[name], rules, traffic, cell.budget, total=fails == 1.0)
    return figures


def _detect(
    figures: Figures, rules: RuleSet, traffic: Traffic, budget: float, *, total: bool
) -> None:
    pages = _delays(acting(rules, traffic, budget, "page"), WARM)
    if total:
        figures.down += pages
        return
    figures.half_page += pages
    figures.half += _first(pages, _delays(acting(rules, traffic, budget, "ticket"), WARM))


# ---- tables


def misses(cell: Cell, found: dict[str, Figures]) -> Iterator[str]:
    """What the cell does not reach, in words; and where the workbook is better."""
    ours, book = found["ours"], found["workbook"]
    bound = upper_bound(ours.pages) / cell.months
    if bound > FALSE_PAGES_MAX:
        yield f"false pages: at most {bound:.3f} an agent-month, above {FALSE_PAGES_MAX}"
    allowed = cell.delay_bar
    if math.isfinite(book.median()):
        allowed = max(allowed, 3 * book.median())
    if ours.median() > allowed:
        yield f"down: {_minutes(ours.median())} until the page, above {_minutes(allowed)}"
    if ours.found(cell.half_bar) < FOUND_MIN:
        yield f"half: {ours.found(cell.half_bar):.0%} found in time, below {FOUND_MIN:.0%}"


def better_elsewhere(found: dict[str, Figures]) -> Iterator[str]:
    """Where the workbook does better, whatever its false pages."""
    ours, book = found["ours"], found["workbook"]
    if book.median() < ours.median():
        yield f"down {_minutes(book.median())} against {_minutes(ours.median())}"
    if np.median(book.half) < np.median(ours.half):
        yield f"half {_minutes(np.median(book.half))} against {_minutes(np.median(ours.half))}"
    if book.pages < ours.pages:
        yield f"{book.pages} false pages against {ours.pages}"


def _minutes(value: float) -> str:
    if not math.isfinite(value):
        return "never"
    return f"{value:.0f} min" if value < 600 else f"{value / 60:.1f} h"


def _table(title: str, cells: Sequence[Cell], rows: Sequence[Sequence[str]]) -> str:
    names = list(RULE_SETS)
    head = f"| objective | runs/h | {' | '.join(names)} |"
    lines = [f"\n### {title}\n", head, "|---|---|" + "---|" * len(names)]
    for cell, row in zip(cells, rows, strict=True):
        lines.append(f"| {cell.objective:.1%} | {cell.per_hour} | {' | '.join(row)} |")
    return "\n".join(lines)


def report(cells: Sequence[Cell], found: Sequence[dict[str, Figures]]) -> str:
    """All tables."""
    false = [
        [f"{f.pages} (<= {upper_bound(f.pages) / c.months:.3f})" for f in row.values()]
        for c, row in zip(cells, found, strict=True)
    ]
    tickets = [
        [f"{f.tickets / c.months:.2f}" for f in row.values()]
        for c, row in zip(cells, found, strict=True)
    ]
    down = [[_minutes(f.median()) for f in row.values()] for row in found]
    half = [
        [
            f"{f.found(c.half_bar):.0%}, {_minutes(np.median(f.half))}"
            f" (page {_minutes(np.median(f.half_page))})"
            for f in row.values()
        ]
        for c, row in zip(cells, found, strict=True)
    ]
    named = list(zip(cells, found, strict=True))
    missed = [(c, text) for c, row in named for text in misses(c, row)]
    better = [(c, text) for c, row in named for text in better_elsewhere(row)]
    months, trials = cells[0].months, cells[0].trials
    return "\n".join(
        (
            _table(f"False pages in {months} healthy agent-months", cells, false),
            "\nIn parentheses: upper 95 % bound a month.",
            _table("False tickets a healthy agent-month, at most one a day", cells, tickets),
            _table(f"Down: median delay of the page, {trials} trials", cells, down),
            _table(f"Half failing: found in time, median delay, {trials} trials", cells, half),
            "\nIn time: within a day, or 20 bad runs where that is longer.",
            "\n### Missed\n",
            *(f"- {c.objective:.1%} at {c.per_hour} runs/h: {text}" for c, text in missed),
            *(["None."] if not missed else []),
            "\n### Where the workbook is better\n",
            *(f"- {c.objective:.1%} at {c.per_hour} runs/h: {text}" for c, text in better),
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--months", type=int, default=400, help="healthy agent-months a cell")
    parser.add_argument("--trials", type=int, default=300, help="outages of each kind a cell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--into", type=Path, help="page whose text behind the mark is replaced")
    parser.add_argument("--objective", type=float, action="append")
    parser.add_argument("--per-hour", type=int, action="append")
    options = parser.parse_args()
    cells = [
        Cell(
            objective=objective,
            per_hour=per_hour,
            months=options.months,
            trials=options.trials,
            seed=options.seed,
        )
        for objective in options.objective or OBJECTIVES
        for per_hour in options.per_hour or PER_HOUR
    ]
    with ProcessPoolExecutor(options.processes) as pool:
        found = list(pool.map(play, cells))
    text = report(cells, found) + "\n"
    if options.into:
        before, mark, _ = options.into.read_text().partition(MARK)
        options.into.write_text(before + mark + text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
