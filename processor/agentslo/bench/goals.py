"""The goals CI holds: CPU per span against the relay of the same run, never a time.

In: the cells of a run. Out: per goal whether it is held. No state. Each goal is what was measured
(11.2 and 3.7, 2026-11-29) and some 60 % on top: it catches what makes a span dearer, not a noisy
minute. Lower it when a span has become cheaper.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

GOALS = {512: 18.0, 50: 6.0}
"""Spans a request: the most that agentslo may cost (mix 0.3, ack `received`), in relays."""
ROUNDS, SPANS = 3, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A goal and what was measured."""

    batch: int
    goal: float
    found: float | None

    @property
    def code(self) -> int:
        """Exit code: 0 held, 2 not held, 3 no value."""
        if self.found is None:
            return 3
        return 0 if self.found <= self.goal else 2

    def words(self) -> str:
        """For people."""
        verdict = {0: "held", 2: "NOT held", 3: "no value"}[self.code]
        shown = "-" if self.found is None else f"{self.found:.2f}"
        return f"{self.batch} spans a request: {shown} of the relay, at most {self.goal}: {verdict}"

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {"batch": self.batch, "goal": self.goal, "found": self.found, "code": self.code}


def narrow(arguments: argparse.Namespace) -> None:
    """Measure what the goals are about, and nothing else."""
    arguments.what, arguments.peer, arguments.ack = ["cost"], ["relay"], ["received"]
    arguments.batch, arguments.mix, arguments.gzip = list(GOALS), [0.3], "off"
    arguments.rounds, arguments.spans = ROUNDS, SPANS


def judge(cells: Iterable[dict[str, Any]]) -> list[Judged]:
    """Each goal, by the medians of the run; a void row gives no value."""
    found: dict[int, float] = {}
    for cell in cells:
        medians = {
            row["name"].split()[0]: row["cpu_us_per_span"]["median"]
            for row in cell["rows"]
            if "cpu_us_per_span" in row
        }
        if medians.keys() >= {"agentslo", "relay"}:
            found[cell["shape"]["batch"]] = medians["agentslo"] / medians["relay"]
    return [Judged(batch=b, goal=goal, found=found.get(b)) for b, goal in GOALS.items()]
