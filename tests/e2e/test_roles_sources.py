"""What replicas counted: the same from a Prometheus, from one process and from a replay."""

import json
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from fleet_parts import Fleet, fleet
from service_parts import command, get
from test_roles import run_of, take

from agentslo.config.service_file import ServiceConfig
from agentslo.otlp.answer import Signal
from agentslo.otlp.files import Message
from agentslo.service.stream import Stream
from agentslo.watch.baseline import Baseline
from agentslo.watch.observe import Observed
from agentslo.watch.prometheus import Prometheus
from agentslo.watch.sources import Incomplete, Tallies, from_observations, from_replicas
from scenarios import tree
from support import fleet as in_memory
from support.ports import LOOPBACK, free_port
from support.process import Running, answers
from support.wait import until

RUNS = 10
ZERO_HOLD = {"metrics": {"zero_hold_s": 4}}


class Scraping:
    """A Prometheus that scrapes a fleet every second; it may be stopped and started again."""

    def __init__(self, program: Path, folder: Path, found: Fleet) -> None:
        address, self.folder = f"{LOOPBACK}:{free_port()}", folder
        folder.mkdir()
        self.url = f"http://{address}"
        targets = [m.listen["metrics"] for m in (found.evaluator, *found.processors)]
        job = {"job_name": "agentslo", "static_configs": [{"targets": targets}]}
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._command = [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ]
        self._process: Running | None = None
        self.targets = len(targets)

    def start(self) -> None:
        """Run it, and wait until it has looked at everybody."""
        self._process = Running(self._command, log=self.folder / "prometheus.log")
        self._process.await_ready(answers(f"{self.url}/-/ready"))
        self.await_up(self.targets)

    def await_up(self, targets: int) -> None:
        """Wait until so many are scraped."""
        until(lambda: self.value("sum(up)") == targets, timeout_s=60, what=f"{targets} targets up")

    def value(self, query: str) -> float:
        """The one value of a query; 0 without any."""
        asked = urllib.parse.urlencode({"query": query})
        rows = json.loads(get(f"{self.url}/api/v1/query?{asked}"))["data"]["result"]
        return float(rows[0]["value"][1]) if rows else 0.0

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.stop()


@pytest.fixture
def scraped(prometheus: Path, tmp_path: Path) -> Iterator[tuple[Fleet, Scraping]]:
    with fleet(tmp_path, 2, **ZERO_HOLD) as found:
        scraping = Scraping(prometheus, tmp_path / "prometheus", found)
        scraping.start()
        try:
            yield found, scraping
        finally:
            scraping.stop()


def counts(tallies: Tallies) -> Mapping[object, object]:
    """The counts as they can be compared; their times are those of the slice."""
    return {agent: (tally.runs, tally.counts) for agent, tally in tallies.items()}


def replayed() -> Tallies:
    """The same runs offline."""
    messages = [
        Message(path="f", signal=Signal.TRACES, body=run_of(n), time_ns=tree.at_ns(6))
        for n in range(RUNS)
    ]
    told = Stream(ServiceConfig()).play(messages)
    return from_observations(h for h in told if isinstance(h, Observed))


def in_one_process() -> Tallies:
    """The same runs in this process."""
    one, observed = in_memory.Fleet(0), []
    for number in range(RUNS):
        one.send(0, run_of(number), 6)
    for happening in one.processes[0].pipeline.due(tree.at_ns(60)):
        observed += [happening] if isinstance(happening, Observed) else []
    return from_observations(observed)


def test_counts_of_a_slice_are_the_same_from_prometheus_one_process_and_replay(
    scraped: tuple[Fleet, Scraping], tmp_path: Path
) -> None:
    found, scraping = scraped
    start_s, asked = time.time(), Prometheus(scraping.url)
    for number in range(RUNS):
        take(found.processors[number % 2], number)
    family = 'sum(agent_slo_drift_bin_total{feature="retry"})'
    until(lambda: scraping.value(family) == RUNS, timeout_s=60, what="all runs to be scraped")
    counted_s = time.time()
    tallies = from_replicas(asked, start_s, counted_s)
    assert counts(tallies) == counts(replayed()) == counts(in_one_process())
    (tally,) = tallies.values()
    assert tally.runs == RUNS
    # Nothing happened since: nothing is counted twice.
    assert not from_replicas(asked, counted_s, time.time())

    # Prometheus is away, and comes again: it has what it had, and goes on.
    scraping.stop()
    with pytest.raises(Exception, match="does not answer"):
        from_replicas(asked, start_s, time.time())
    take(found.processors[0], RUNS)
    scraping.start()
    until(lambda: scraping.value(family) == RUNS + 1, timeout_s=60, what="the next run")
    (tally,) = from_replicas(asked, start_s, time.time()).values()
    assert tally.runs == RUNS + 1

    # A replica that cannot be scraped makes no smaller count.
    found.processors[1].stop(kill=True)
    scraping.await_up(2)
    with pytest.raises(Incomplete, match="not scraped"):
        from_replicas(asked, start_s, time.time())
    before = tmp_path / "before.json"
    baseline = Baseline(agent="shop/support", environment="unset", releases=(), tally=tally)
    content = {"digest": baseline.digest, "baseline": json.loads(baseline.to_json())}
    before.write_text(json.dumps(content))
    compared = command("baseline", "compare", before, "--prometheus", scraping.url)
    assert compared.returncode == 3, compared.stdout
    assert "not scraped" in compared.stderr

    # It is back, and its counters with it: a restart is no fall and no new run.
    found.processors[1].start()
    scraping.await_up(3)
    (tally,) = from_replicas(asked, start_s, time.time()).values()
    assert tally.runs == RUNS + 1
