"""Scale out: the same spans through one, two and three processors behind `load_balancing`.

In: spans a round, rounds. Out: per number of processors what a span costs them together and the
Collector before them, and whether the totals are the same. Every span is verified at the sink.

    .venv/bin/python benchmarks/scale_out.py --otelcol .tools/bin/otelcol --rounds 3
"""

import argparse
import json
import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from agentslo.bench.children import LOOPBACK, Child, free_port
from agentslo.bench.machine import machine
from agentslo.bench.payloads import Shape
from agentslo.bench.rounds import Bench
from agentslo.bench.subjects import Running, agentslo
from agentslo.bench.verify import Level

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "examples" / "scale-out" / "collector.yaml"
SETTLE_S = 60


@dataclass
class Fleet:
    """Some processors and the Collector that spreads traces over them."""

    processors: list[Running]
    collector: Child
    target: str

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


def start(bench: Bench, folder: Path, stack: ExitStack, replicas: int, otelcol: Path) -> Fleet:
    """All processes, ready."""
    subject = agentslo("received", zero_hold_s=0)
    processors = []
    for _ in range(replicas):
        running = subject.start(bench.sink, Path(tempfile.mkdtemp(dir=folder)))
        stack.enter_context(running.child)
        processors.append(running)
    own = Path(tempfile.mkdtemp(dir=folder))
    grpc, http, health = (free_port() for _ in range(3))
    environment = {
        "PROCESSORS": json.dumps([one.target for one in processors]),
        "OTLP_GRPC_LISTEN": f"{LOOPBACK}:{grpc}",
        "OTLP_HTTP_LISTEN": f"{LOOPBACK}:{http}",
        "HEALTH_LISTEN": f"{LOOPBACK}:{health}",
        "QUEUE_DIRECTORY": str(own / "queue"),
    }
    quiet = "--set=service.telemetry.metrics.level=none"
    command = [str(otelcol), "--config", str(CONFIG), quiet]
    child = Child(command, own / "log", environment)
    stack.enter_context(child)
    child.listens(grpc)
    return Fleet(processors, child, f"{LOOPBACK}:{grpc}")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--otelcol", type=Path, default=ROOT / ".tools" / "bin" / "otelcol")
    parser.add_argument("--spans", type=int, default=61_440)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    print(json.dumps(machine()))
    shape = Shape()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = stack.enter_context(Bench(folder))
        fleets = {
            n: start(bench, folder, stack, n, options.otelcol.absolute()) for n in options.replicas
        }
        costs: dict[int, list[tuple[list[float], float]]] = {n: [] for n in fleets}
        for number in range(options.rounds + 1):
            for n, fleet in fleets.items():
                children = [*(one.child for one in fleet.processors), fleet.collector]
                driven = bench.drive(
                    fleet.target, shape, options.spans, children=children, level=Level.MESSAGE
                )
                if driven.found["wrong"]:
                    raise SystemExit(f"verification failed: {driven.found['wrong']}")
                used = [used_s / driven.spans * 1e6 for used_s in driven.used_s]
                if number:
                    costs[n].append((used[:-1], used[-1]))
        deadline = time.monotonic() + SETTLE_S
        totals = {n: fleet.outcomes() for n, fleet in fleets.items()}
        while len({sum(t.values()) for t in totals.values()}) > 1 and time.monotonic() < deadline:
            time.sleep(1)
            totals = {n: fleet.outcomes() for n, fleet in fleets.items()}
    for n, rounds in costs.items():
        together = [sum(each) for each, _ in rounds]
        shares = [max(each) / sum(each) for each, _ in rounds]
        before_us = [collector for _, collector in rounds]
        print(
            f"{n} processors: {statistics.median(together):.2f} us a span "
            f"[{min(together):.2f}-{max(together):.2f}], busiest {statistics.median(shares):.2f} "
            f"of it, Collector {statistics.median(before_us):.2f}, runs {dict(totals[n])}"
        )
    print("totals are the same" if len(set(map(str, totals.values()))) == 1 else "TOTALS DIFFER")


if __name__ == "__main__":
    main()
