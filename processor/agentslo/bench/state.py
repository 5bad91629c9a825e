"""What open runs and series cost: memory of a run, a scrape.

In: numbers of runs or series. Out: what was measured, as values. State: the processes it starts.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from agentslo.bench.report import Spread, ratio, spread
from agentslo.bench.rounds import RUNS_A_REQUEST, Bench
from agentslo.bench.subjects import agentslo
from agentslo.bench.usage import memory_mib

STEPS = 20
WARM_RUNS = 1_000
TIMEOUT_S = 600


def memory(bench: Bench, folder: Path, runs: int) -> dict[str, object]:
    """Resident bytes a run of twenty agent spans while it is open, its root not ended."""
    subject = agentslo("received", open_runs=runs)
    runs -= runs % RUNS_A_REQUEST
    running = subject.start(bench.sink, Path(tempfile.mkdtemp(dir=folder)))
    with running.child as child:
        bench.open_runs(running, WARM_RUNS, STEPS)
        before_mib = memory_mib(child.pid, "VmRSS")
        bench.open_runs(running, runs, STEPS)
        grown_bytes = (memory_mib(child.pid, "VmRSS") - before_mib) * 1024**2 / runs
    return {
        "runs": runs,
        "steps_a_run": STEPS,
        "bytes_a_run": round(grown_bytes),
        "runs_in_1_gib": int(1024**3 / grown_bytes),
    }


def scrape(series: int, rounds: int) -> dict[str, object]:
    """CPU milliseconds a scrape of our exposition and of prometheus_client, in turn."""
    kinds = ("agentslo", "prometheus_client")
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            found[kind].append(_scraped(kind, series))
    spreads: dict[str, Spread | None] = {kind: spread(values) for kind, values in found.items()}
    return {
        "series": series,
        "cpu_ms": {kind: str(value) for kind, value in spreads.items()},
        "ratio": ratio(*(spreads[kind] for kind in kinds)),
    }


def _scraped(kind: str, series: int) -> float:
    command = [sys.executable, "-m", "agentslo.bench.scrape", kind, str(series)]
    done = subprocess.run(  # noqa: S603 - our own module
        command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
    )
    cpu_ms: float = json.loads(done.stdout)["cpu_ms"]
    return cpu_ms
