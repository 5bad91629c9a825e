"""A service under load that is killed and started again, and what the oracle says of it.

In: how often, a seed, a folder. Out: a `Result` with figures. The service is a process of its own,
ended by SIGKILL at random moments: while it starts, while it takes spans, while runs close.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from faults.oracle import (
    BackEnd,
    Places,
    Scraper,
    Upstream,
    back_end,
    outcomes_expected,
    outcomes_judged,
)
from support.process import Running
from support.wait import until

RUNS = {"quiet_s": 3, "quiet_single_s": 3, "idle_s": 60, "hold_max_s": 8}
QUICK = {"retry_initial_s": 0.1, "retry_max_s": 0.5, "timeout_s": 5}
STARTING_SHARE = 0.1


@dataclass(kw_only=True)
class Result:
    """What a life showed."""

    seed: int
    kills: int = 0
    runs: int = 0
    spans_acknowledged: int = 0
    spans_lost: int = 0
    runs_counted: int = 0
    outcomes_wrong: dict[str, int] = field(default_factory=dict)
    corrected: int = 0
    roots_held: int = 0
    """At the kill that met the most."""
    falls: list[str] = field(default_factory=list)
    scrapes: int = 0
    duplicates: int = 0
    refused_by_back_end: int = 0
    unequal_copies: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def assert_sound(self) -> None:
        """Nothing lost, nothing counted twice, nothing fell."""
        told = json.dumps(asdict(self), indent=1)
        assert self.spans_acknowledged > 0, told
        assert self.spans_lost == 0, told
        assert self.runs_counted == self.runs, told
        assert not self.outcomes_wrong, told
        assert not self.falls, told
        assert self.unequal_copies == 0, told


class Life:
    """One service after the other on one folder and the same ports."""

    def __init__(
        self, command: Path, folder: Path, downstream: BackEnd, more: Mapping[str, object]
    ) -> None:
        self.places, self._command, self._folder = Places.free(), command, folder
        self._downstream = downstream
        self.config = folder / "agentslo.yaml"
        self.configure(more)
        self.process: Running | None = None
        self._starts = 0

    def configure(self, more: Mapping[str, object]) -> None:
        """Write the configuration of the next start."""
        config = {
            "listen": {n: {"address": a} for n, a in asdict(self.places).items()},
            "destinations": [{"name": "sink", "endpoint": self._downstream.address, **QUICK}],
            "runs": RUNS,
            "metrics": {"zero_hold_s": 2},
            "storage": {"directory": str(self._folder / "data")},
            **more,
        }
        self.config.write_text(yaml.safe_dump(config))

    def start(self, *, wait: bool = True) -> Running:
        """Start the service, and wait until it takes spans."""
        self._starts += 1
        log = self._folder / f"service-{self._starts % 20}.log"
        log.unlink(missing_ok=True)
        self.process = Running(
            [self._command, "run", "--config", self.config], log=log, cwd=self._folder
        )
        if wait:
            self.process.await_ready(lambda: " is up" in self.process.text())
        return self.process


def live(
    command: Path,
    folder: Path,
    kills: int,
    seed: int,
    rate: float,
    *,
    outages: bool = False,
    **more: object,
) -> Result:
    """Kills under load, then calm, then the reckoning. `outages`: the back end comes and goes."""
    chance, result, began = random.Random(seed), Result(seed=seed), time.monotonic()
    with back_end() as downstream:
        life = Life(command, folder, downstream, more)
        upstream = Upstream(life.places.grpc, rate, life.places.page)
        scraper = Scraper(f"http://{life.places.metrics}")
        service = life.start()
        upstream.start()
        scraper.start()
        while result.kills < kills:
            starting = chance.random() < STARTING_SHARE
            if outages and chance.random() < 0.7:
                (downstream.away.clear if downstream.away.is_set() else downstream.away.set)()
            time.sleep(chance.uniform(0.0, 4.0))
            result.roots_held = max(result.roots_held, scraper.held)
            service.kill()
            result.kills += 1
            service = life.start(wait=not starting or result.kills == kills)
        if outages:
            # Answers go on while the back end is away: what was sent is on disk.
            downstream.away.set()
            upstream.finish(120)
            downstream.away.clear()
        else:
            upstream.finish(120)
        expected = expectation(upstream)
        _await_counted(scraper, expected, upstream, downstream)
        _reckon(result, upstream, downstream, scraper, expected)
        service.stop()
        scraper.finish()
    result.seconds = round(time.monotonic() - began, 1)
    return result


def expectation(upstream: Upstream) -> Counter[str]:
    """How many runs must stand under each outcome, corrections included."""
    expected: Counter[str] = Counter()
    outcomes, judged = outcomes_expected(), outcomes_judged()
    for kind, count in upstream.finished.items():
        complained = upstream.complained[kind]
        expected[outcomes[kind]] += count - complained
        expected[judged[kind]] += complained
    return +expected


def standing(scraper: Scraper) -> Counter[str]:
    """How many runs stand under each outcome: counted, and corrected since."""
    found = scraper.total("agent_slo_runs_total", "outcome")
    corrections = "agent_slo_outcome_corrections_total"
    found.update(scraper.total(corrections, "to"))
    found.subtract(scraper.total(corrections, "from"))
    return +found


def _await_counted(
    scraper: Scraper, expected: Counter[str], upstream: Upstream, downstream: BackEnd
) -> None:
    def counted() -> bool:
        return (
            standing(scraper) == expected
            and upstream.acknowledged.keys() <= downstream.copies.keys()
        )

    try:
        until(counted, timeout_s=60, what="all runs to be counted")
    except AssertionError:
        return  # the reckoning says what is missing
    # What is counted twice would come now.
    settled = time.monotonic() + 3
    until(lambda: time.monotonic() > settled, timeout_s=10, what="the end")


def _reckon(
    result: Result,
    upstream: Upstream,
    downstream: BackEnd,
    scraper: Scraper,
    expected: Counter[str],
) -> None:
    counted = standing(scraper)
    result.corrected = scraper.total("agent_slo_outcome_corrections_total").total()
    ours = {span: downstream.copies.get(span, []) for span in upstream.acknowledged}
    result.runs = expected.total()
    result.runs_counted = scraper.total("agent_slo_runs_total").total()
    result.spans_acknowledged = len(ours)
    result.spans_lost = sum(not copies for copies in ours.values())
    result.outcomes_wrong = {
        outcome: counted[outcome] - expected[outcome]
        for outcome in counted | expected
        if counted[outcome] != expected[outcome]
    }
    result.falls, result.scrapes = scraper.falls[:10], scraper.scrapes
    result.refused_by_back_end = downstream.refused
    result.duplicates = sum(len(copies) - 1 for copies in ours.values() if copies)
    result.unequal_copies = sum(len(set(copies)) > 1 for copies in ours.values())
    result.refusals = dict(upstream.refusals)
