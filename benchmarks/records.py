"""What a record of a closed run costs: bytes on the wire, processor time in an evaluator.

    .venv/bin/python benchmarks/records.py [runs]

Without journal, HTTP and ledger, whose writes other threads do: reading the record, judging the run
again, remembering it, drift.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from scenarios import tree
from support.fleet import Fleet

ROUNDS = 3


def measured(steps: int, runs: int) -> tuple[float, float]:
    """Bytes a record, and milliseconds of processor time, of runs of so many steps."""
    fleet = Fleet(1)
    tool = {"tool": "lookup", "at": [1, 2], "args": "{}", "result": "{}"}
    chat = {"chat": "m", "at": [2, 3], "finish": "stop", "tokens": [10, 20]}
    below = [tool if n % 2 else chat for n in range(steps - 1)]
    for number in range(runs):
        root = {"agent": "support", "trace": f"t{number}", "id": f"r{number}", "at": [0, 5]}
        fleet.send(0, tree.request(tree.spans([root | {"below": below}])), 6)
    fleet.due(60)
    size = sum(len(record) for record in fleet.post) / runs
    began_s = time.process_time()
    fleet.deliver(61)
    return size, (time.process_time() - began_s) / runs * 1e3


def main() -> None:
    """Prints a line a size of run."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    for steps in (3, 10, 20):
        found = [measured(steps, runs) for _ in range(ROUNDS)]
        costs = sorted(cost for _, cost in found)
        print(f"{steps} steps: {found[0][0]:.0f} bytes, {costs[0]:.2f} to {costs[-1]:.2f} ms a run")


if __name__ == "__main__":
    main()
