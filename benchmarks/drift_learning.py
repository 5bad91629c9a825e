"""How often an unfinished baseline raises `watch` on quiet traffic.

    .venv/bin/python benchmarks/drift_learning.py [STREAMS]

Windows of 150 runs against the 300 to 750 runs learnt before them.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agentslo.config.options import DriftOptions
from agentslo.watch.monitor import Monitor
from agentslo.watch.state import DriftState
from support.drifting import Traffic, feed

RUNS, WINDOW = 900, 150
OPTIONS = DriftOptions(baseline_runs=100_000, slice_runs=WINDOW)


def measure(streams: int) -> None:
    """Prints how often `watch` was entered, and in how many windows."""
    windows = streams * (RUNS - OPTIONS.watch_runs) // WINDOW
    entered = 0
    for seed in range(streams):
        said = feed(Monitor("desk", "production", OPTIONS), Traffic().runs(RUNS, seed))
        entered += sum(d.state is DriftState.WATCH for d in said)
    print(f"watch entered {entered} times in {windows} quiet windows")


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
