"""How often comparing a canary is right and wrong, over simulated releases.

In: shares of failures, runs a slice. Out: shares of trials by verdict, looked at after each of 60
slices. `PYTHONPATH=tests python -m support.canary_rates` prints the table of docs/retraining.md.
"""

import random
import sys
from collections import Counter

from agentslo.respond.canary import ALPHA, Slice, compare
from agentslo.respond.release_runs import INDICATORS, WAYS
from agentslo.respond.strata import Judged, stratified

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


SEGMENTS = ("order", "return", "question")
BAD = {"failed": 0.10, "hallucination": 0.02, "harm": 0.001}
LOOK_EVERY = 5


def false_rollbacks(trials: int, seed: int) -> float:
    """Share of trials in which identical releases are called worse at any of 12 looks, by any
    indicator; 20 runs a slice, a tenth of them of the canary, three task types.
    """
    rng, found = random.Random(seed), 0
    for _ in range(trials):
        found += _called_worse(rng)
    return found / trials


def _called_worse(rng: random.Random) -> bool:
    runs: dict[str, list[Judged]] = {name: [] for name in INDICATORS}
    for place in range(SLICES):
        for number in range(20):
            segment, is_canary = rng.choice(SEGMENTS), number % 10 == 0
            for name, judged in runs.items():
                judged.append(
                    Judged(
                        time_ns=place * 300 * 10**9,
                        segment=segment,
                        is_canary=is_canary,
                        is_bad=rng.random() < BAD[name],
                    )
                )
        if place % LOOK_EVERY == LOOK_EVERY - 1:
            looked = (stratified(judged, ALPHA / WAYS) for judged in runs.values())
            if any(one.verdict < 0 for one in looked):
                return True
    return False


if __name__ == "__main__":
    share = false_rollbacks(300, seed=1)
    sys.stdout.write(f"identical releases called worse by `retrain compare`: {share:.1%}\n")
    for case in CASES:
        of = rates(*case, trials=400, seed=1)
        sys.stdout.write(f"{case}: worse {of['worse']:.1%}, not {of['not_worse']:.1%}\n")
