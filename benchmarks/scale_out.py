"""Scale out: the same spans through one, two and three processors behind `load_balancing`.

In: spans a round, rounds. Out: per number of processors what a span costs them together, their
evaluator and the Collector before them, and whether the totals are the same. The Collector's file
is examples/collector/gateway.yaml but for where the processors are. Every span is verified.

    .venv/bin/python benchmarks/scale_out.py --otelcol .tools/bin/otelcol --rounds 3
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

from agentslo.bench.children import LOOPBACK, Child, free_port
from agentslo.bench.machine import machine
from agentslo.bench.payloads import Shape
from agentslo.bench.rounds import Bench
from agentslo.bench.subjects import Running, agentslo
from agentslo.bench.verify import Level

ROOT = Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "examples" / "collector" / "gateway.yaml"
SETTLE_S = 60


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    otelcol: str
    spans: int
    rounds: int
    replicas: list[int]
    ack: str
    batch: int


@dataclass(frozen=True)
class Cost:
    """CPU microseconds a span: of each processor, the evaluator, the Collector."""

    processors: list[float]
    evaluator: float
    collector: float


@dataclass
class Fleet:
    """Some processors, their evaluator, and the Collector that spreads traces over them."""

    processors: list[Running]
    evaluator: Child
    collector: Child
    target: str

    @property
    def children(self) -> list[Child]:
        """Every process: the processors, the evaluator, the Collector."""
        return [*(one.child for one in self.processors), self.evaluator, self.collector]

    def outcomes(self) -> Counter[str]:
        """Runs by outcome, added up over the processors as Prometheus would."""
        found: Counter[str] = Counter()
        for one in self.processors:
            with urllib.request.urlopen(f"{one.metrics}/metrics", timeout=30) as reply:
                for family in text_string_to_metric_families(reply.read().decode()):
                    if family.name == "agent_slo_runs":
                        for sample in family.samples:
                            found[sample.labels["outcome"]] += int(sample.value)
        return found


def start(bench: Bench, folder: Path, stack: ExitStack, replicas: int, options: Options) -> Fleet:
    """All processes, ready."""
    evaluator, page = started_evaluator(Path(tempfile.mkdtemp(dir=folder)))
    stack.enter_context(evaluator)
    subject = agentslo(options.ack, evaluator=page)
    processors = []
    for _ in range(replicas):
        running = subject.start(bench.sink, Path(tempfile.mkdtemp(dir=folder)))
        stack.enter_context(running.child)
        processors.append(running)
    own = Path(tempfile.mkdtemp(dir=folder))
    collector, port = started_collector(own, [one.target for one in processors], options)
    stack.enter_context(collector)
    return Fleet(processors, evaluator, collector, f"{LOOPBACK}:{port}")


def started_evaluator(folder: Path) -> tuple[Child, str]:
    """An evaluator with the address of its page."""
    free = {"address": f"{LOOPBACK}:0"}
    listen = dict.fromkeys(("metrics", "page"), free)
    config = {"listen": listen, "storage": {"directory": str(folder / "data")}}
    (folder / "agentslo.yaml").write_text(json.dumps(config))
    command = [sys.executable, "-m", "agentslo.cli.main", "run", "--role", "evaluator"]
    child = Child([*command, "--config", str(folder / "agentslo.yaml")], folder / "log")
    return child, child.said(r"page +(http://\S+?)/?\n")


def started_collector(folder: Path, targets: list[str], options: Options) -> tuple[Child, int]:
    """The Collector with its port."""
    config = yaml.safe_load(GATEWAY.read_text())
    spread = config["exporters"]["load_balancing/agentslo"]
    spread["resolver"] = {"static": {"hostnames": targets}}
    if options.batch:
        sizes = {"sizer": "items", "min_size": options.batch, "max_size": 4 * options.batch}
        spread["sending_queue"] = {
            **spread.get("sending_queue", {}),
            "batch": {**sizes, "flush_timeout": "200ms"},
        }
    config["service"]["telemetry"] = {"metrics": {"level": "none"}}
    config["receivers"]["otlp"]["protocols"]["grpc"]["max_recv_msg_size_mib"] = 64
    file = folder / "collector.yaml"
    file.write_text(yaml.safe_dump(config))
    grpc, http, health = (free_port() for _ in range(3))
    environment = {
        "OTLP_GRPC_LISTEN": f"{LOOPBACK}:{grpc}",
        "OTLP_HTTP_LISTEN": f"{LOOPBACK}:{http}",
        "HEALTH_LISTEN": f"{LOOPBACK}:{health}",
        "QUEUE_DIRECTORY": str(folder / "queue"),
    }
    binary = str(Path(options.otelcol).absolute())
    child = Child([binary, "--config", str(file)], folder / "log", environment)
    child.listens(grpc)
    return child, grpc


def measured(bench: Bench, fleets: dict[int, Fleet], options: Options) -> dict[int, list[Cost]]:
    """CPU by process, per number of processors and round; they take turns."""
    costs: dict[int, list[Cost]] = {n: [] for n in fleets}
    for number in range(options.rounds + 1):
        for n, fleet in fleets.items():
            driven = bench.drive(
                fleet.target, Shape(), options.spans, children=fleet.children, level=Level.MESSAGE
            )
            if driven.found["wrong"]:
                raise SystemExit(f"verification failed: {driven.found['wrong']}")
            if number:
                used_us = [used_s / driven.spans * 1e6 for used_s in driven.used_s]
                costs[n].append(Cost(used_us[:-2], used_us[-2], used_us[-1]))
            print(f"round {number}, {n} processors", file=sys.stderr)
    return costs


def counted(fleets: dict[int, Fleet]) -> dict[int, Counter[str]]:
    """Runs by outcome of each fleet, once all have closed."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        totals = {n: fleet.outcomes() for n, fleet in fleets.items()}
        same = len({tuple(sorted(total.items())) for total in totals.values()}) == 1
        if same or time.monotonic() > deadline:
            return totals
        time.sleep(1)


def show(costs: dict[int, list[Cost]], totals: dict[int, Counter[str]]) -> None:
    """One line a number of processors."""
    for n, rounds in costs.items():
        together = [sum(cost.processors) for cost in rounds]
        busiest = statistics.median(max(c.processors) / sum(c.processors) for c in rounds)
        print(
            f"{n} processors: {statistics.median(together):.2f} us a span "
            f"[{min(together):.2f}-{max(together):.2f}], busiest {busiest:.2f} of it; evaluator "
            f"{statistics.median(c.evaluator for c in rounds):.2f}; Collector "
            f"{statistics.median(c.collector for c in rounds):.2f}; "
            f"{sum(totals[n].values())} runs {dict(sorted(totals[n].items()))}"
        )
    same = len({tuple(sorted(total.items())) for total in totals.values()}) == 1
    print("totals are the same" if same else "TOTALS DIFFER")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--otelcol", default=str(ROOT / ".tools" / "bin" / "otelcol"))
    parser.add_argument("--spans", type=int, default=61_440)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ack", default="received")
    parser.add_argument("--batch", type=int, default=0, help="spans the Collector puts together")
    options = Options(**vars(parser.parse_args()))
    print(json.dumps(machine()))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = stack.enter_context(Bench(folder))
        fleets = {n: start(bench, folder, stack, n, options) for n in options.replicas}
        costs = measured(bench, fleets, options)
        show(costs, counted(fleets))


if __name__ == "__main__":
    main()
