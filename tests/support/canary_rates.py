"""How often comparing a canary is right and wrong, over simulated releases.

In: shares of failures, runs a slice. Out: shares of trials by verdict, looked at after each of 60
slices. `PYTHONPATH=tests python -m support.canary_rates` prints the table of docs/retraining.md.
"""

import random
import sys
from collections import Counter

from agentslo.respond.canary import Slice, compare

SLICES = 60
CASES = (
    *((0.10, 0.10, 10, 10), (0.02, 0.02, 10, 10), (0.10, 0.10, 18, 2)),
    *((0.10, 0.15, 10, 10), (0.10, 0.20, 10, 10), (0.10, 0.30, 10, 10)),
)


def rates(
    stable: float, canary: float, stable_runs: int, canary_runs: int, trials: int, seed: int
) -> dict[str, float]:
    """Share of trials that end with each verdict; the first bar passed on the way counts."""
    rng, found = random.Random(seed), Counter[str]()
    for _ in range(trials):
        slices = [
            Slice(
                stable=tuple(rng.random() < stable for _ in range(stable_runs)),
                canary=tuple(rng.random() < canary for _ in range(canary_runs)),
            )
            for _ in range(SLICES)
        ]
        found[compare(slices).verdict] += 1
    return {name: found[name] / trials for name in ("worse", "not_worse", "undecided")}


if __name__ == "__main__":
    for case in CASES:
        share = rates(*case, trials=400, seed=1)
        sys.stdout.write(f"{case}: worse {share['worse']:.1%}, not {share['not_worse']:.1%}\n")
