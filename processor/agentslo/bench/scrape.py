"""What a scrape costs: our exposition, or the same counters in prometheus_client.

    python -m agentslo.bench.scrape agentslo|prometheus_client SERIES

In: how many series. Out, as JSON: CPU milliseconds a scrape, median of `SCRAPES`, and the bytes.
Every counter has moved since the scrape before. A process of its own, so that neither pays for the
other's garbage.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client import Counter as ClientCounter
from prometheus_client.exposition import generate_latest

from agentslo.config.options import CapOptions, MetricsOptions
from agentslo.measure.exposition import Format, render
from agentslo.measure.names import TOOL_CALLS
from agentslo.measure.series import Metrics

SCRAPES = 7
TOOLS = 50
NOW_NS = 1_750_000_000_000_000_000
Labels = tuple[str, ...]


def labels(series: int) -> list[Labels]:
    """Values of the labels of `agent_slo_tool_calls_total`: fifty tools an agent."""
    return [
        (f"support/agent-{number // TOOLS}", "production", f"tool-{number % TOOLS}", "ok", "")
        for number in range(series)
    ]


def ours(series: int) -> tuple[Callable[[], None], Callable[[], bytes]]:
    """How to move all counters, and a scrape of our registry."""
    caps = CapOptions(agents=series, series=10 * series)
    metrics = Metrics(MetricsOptions(zero_hold_s=0, caps=caps))
    rows = labels(series)

    def move() -> None:
        for row in rows:
            metrics.inc(TOOL_CALLS, row, NOW_NS)

    return move, lambda: b"".join(render(metrics, NOW_NS, Format.TEXT))


def client(series: int) -> tuple[Callable[[], None], Callable[[], bytes]]:
    """The same of prometheus_client."""
    registry = CollectorRegistry()
    names = TOOL_CALLS.label_names
    counter = ClientCounter(TOOL_CALLS.name, TOOL_CALLS.help, names, registry=registry)
    children = [counter.labels(*row) for row in labels(series)]

    def move() -> None:
        for child in children:
            child.inc()

    return move, lambda: generate_latest(registry)


def main() -> None:
    """Measures one of the two."""
    kind, series = sys.argv[1], int(sys.argv[2])
    move, scrape = (ours if kind == "agentslo" else client)(series)
    took_ms, text = [], b""
    for _ in range(SCRAPES):
        move()
        began_s = time.thread_time()
        text = scrape()
        took_ms.append((time.thread_time() - began_s) * 1e3)
    found = sum(not line.startswith(b"#") for line in text.splitlines())
    told = {"cpu_ms": statistics.median(took_ms), "bytes": len(text), "samples": found}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
