"""Distinct names without end: series, memory and scrape time stay where their bounds are.

    .venv/bin/python benchmarks/cardinality.py [VALUES, 10000000 unless given]

Counts VALUES runs, each with an agent, a tool, a release and an error of its own, and prints what
is there after each tenth.
"""

import sys
import time
from pathlib import Path

from agentslo.config.options import MetricsOptions
from agentslo.measure import names as m
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics


def rss_mib() -> float:
    """Resident memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    """Counts, and prints a row each tenth."""
    values = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    metrics = Metrics(MetricsOptions())
    print("| distinct values | series lines | RSS MiB | scrape s |\n|---|---|---|---|")
    for number in range(1, values + 1):
        name = f"{number:x}"
        metrics.inc(m.RUNS, (f"agent-{name}", "prod", f"r{name}", f"t{name}", "completed"), number)
        metrics.inc(
            m.TOOL_CALLS, (f"agent-{number % 50}", "prod", f"tool-{name}", "error", name), number
        )
        if number % (values // 10) == 0:
            begin = time.perf_counter()
            lines = sum(part.count(b"\n") for part in render(metrics, number, Format.TEXT, []))
            took = time.perf_counter() - begin
            print(f"| {2 * number:,} | {lines:,} | {rss_mib():.0f} | {took:.2f} |", flush=True)


if __name__ == "__main__":
    main()
