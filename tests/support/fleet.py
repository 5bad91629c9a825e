"""Processors and their evaluator without any I/O, and the same input in one process.

In: requests for a replica, judgements, the time in seconds. Out: what all counters together say.
Records wait in `post` until they are delivered, in any order and more than once, as a test likes.
"""

import re
from collections import Counter
from collections.abc import Iterable

from agentslo.config.service_file import ServiceConfig
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from agentslo.model import Evaluation
from agentslo.runs.evidence import About
from agentslo.service.assembly import pipeline
from agentslo.service.evaluator import Evaluator
from agentslo.service.events import Happening
from agentslo.service.recorder import Recorder
from agentslo.service.records_out import Records, frames
from agentslo.service.roles import Role
from scenarios import tree

SAMPLE = re.compile(r"^(\w+){(.*)} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


class Process:
    """One pipeline with its counters."""

    def __init__(self, config: ServiceConfig, role: Role) -> None:
        self.pipeline = pipeline(config, role=role)
        self.recorder = Recorder(Metrics())

    def record(self, happenings: Iterable[Happening], now_ns: int) -> None:
        """Count."""
        for happening in happenings:
            self.recorder.record(happening, now_ns)

    def samples(self) -> Iterable[tuple[str, dict[str, str], float]]:
        """Every sample with labels: name, labels, value."""
        self.recorder.metrics.release_all()
        text = b"".join(render(self.recorder.metrics, 0, Format.TEXT)).decode()
        for name, labels, value in SAMPLE.findall(text):
            yield name, dict(LABEL.findall(labels)), float(value)


class Fleet:
    """`replicas` processors and an evaluator; 0: one process that does all."""

    def __init__(self, replicas: int, config: ServiceConfig | None = None) -> None:
        self._config = config or ServiceConfig()
        alone = Role.ALL if replicas == 0 else Role.PROCESSOR
        self.processes = [Process(self._config, alone) for _ in range(max(1, replicas))]
        self.records = [
            Records(p.pipeline, f"r{n}") for n, p in enumerate(self.processes) if replicas
        ]
        self.central = Process(self._config, Role.EVALUATOR) if replicas else None
        self.evaluator = Evaluator(self.central.pipeline) if self.central else None
        self.post: list[bytes] = []

    def _note(self, number: int, happenings: list[Happening], now_ns: int) -> None:
        self.processes[number].record(happenings, now_ns)
        for records in self.records[number : number + 1]:
            self.post += [told for h in happenings if (told := records.of(h))]

    def send(self, number: int, body: bytes, at_s: float) -> None:
        """A request reaches a replica."""
        now_ns, number = tree.at_ns(at_s), number % len(self.processes)
        self._note(number, self.processes[number].pipeline.traces(body, now_ns).happenings, now_ns)

    def due(self, at_s: float) -> None:
        """Time passes everywhere."""
        now_ns = tree.at_ns(at_s)
        for number, process in enumerate(self.processes):
            self._note(number, process.pipeline.due(now_ns), now_ns)
        if self.central is not None:
            self.central.record(self.central.pipeline.due(now_ns), now_ns)

    def say(self, number: int, about: About, said: Evaluation, at_s: float) -> None:
        """Somebody judges a run, at any replica."""
        now_ns, number = tree.at_ns(at_s), number % len(self.processes)
        heard = self.processes[number].pipeline.heard
        self._note(number, heard.judgement(about, said, now_ns), now_ns)

    def deliver(self, at_s: float, records: list[bytes] | None = None) -> None:
        """The evaluator takes records: these, or all that wait."""
        if self.central is None or self.evaluator is None:
            return
        if records is None:
            records, self.post = self.post, []
        now_ns = tree.at_ns(at_s)
        for kind, body in frames(b"".join(records)):
            self.central.record(self.evaluator.take(kind, body, now_ns), now_ns)

    def total(self, family: str, *by: str, without: str = "") -> Counter[tuple[str, ...]]:
        """The sums of a family over all processes, by some labels; `without`: a source left out."""
        found: Counter[tuple[str, ...]] = Counter()
        for process in (*self.processes, *((self.central,) if self.central else ())):
            for name, labels, value in process.samples():
                if name == family and value and labels.get("source", "") != (without or "-"):
                    found[tuple(labels[label] for label in by)] += int(value)
        return found

    def outcomes(self) -> Counter[str]:
        """Runs by outcome, corrections applied, excluded ones left out."""
        net = Counter({k[0]: n for k, n in self.total("agent_slo_runs_total", "outcome").items()})
        moved = self.total("agent_slo_outcome_corrections_total", "from", "to")
        for (was, now), count in moved.items():
            net[was] -= count
            net[now] += count
        del net["excluded"]
        assert min(net.values(), default=0) >= 0, net
        return +net

    def results(self) -> Counter[tuple[str, ...]]:
        """Results by objective, corrections applied, excluded ones left out."""
        net: Counter[tuple[str, ...]] = self.total("agent_slo_events_total", "slo", "result")
        moved = self.total("agent_slo_corrections_total", "slo", "from", "to")
        for (slo, was, now), count in moved.items():
            net[slo, was] -= count
            net[slo, now] += count
        return Counter({k: n for k, n in net.items() if n and k[1] != "excluded"})
