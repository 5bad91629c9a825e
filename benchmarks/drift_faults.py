"""Faults injected into made-up traffic: what is named first, where, and by which lever.

    .venv/bin/python benchmarks/drift_faults.py [DRAWS]

For every fault DRAWS (20) draws of size, start and seed; baseline 900 runs, slices of 150. Prints a
row a fault, a confusion matrix of levers, pairs of faults told apart, and quiet windows.
"""

import copy
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agentslo.config.options import DriftOptions
from agentslo.watch.monitor import Monitor
from agentslo.watch.state import Drifted, DriftState
from support.drifting import Traffic, alarms, feed, hear
from support.faults import FAULTS, PAIRS, Fault, by_name, struck

OPTIONS = DriftOptions(baseline_runs=900, baseline_days=0, slice_runs=150, false_alarm_days=0)
HORIZON = 600
BASELINES = 5


def learnt(seed: int) -> tuple[Monitor, Traffic]:
    """A monitor with its baseline, and the traffic it learnt from."""
    monitor, traffic = Monitor("desk", "production", OPTIONS), Traffic()
    feed(monitor, traffic.runs(900, seed))
    return monitor, traffic


def inject(
    base: tuple[Monitor, Traffic], faults: tuple[Fault, ...], draw: int
) -> Iterator[Drifted]:
    """The alarms after a fault that starts somewhere in a slice."""
    monitor, traffic = copy.deepcopy(base)
    rng = np.random.default_rng((draw, 77))
    feed(monitor, traffic.runs(int(rng.integers(150, 450)), seed=draw + 5_000))
    size = float(rng.uniform(0.5, 1.0))
    said = hear(monitor, struck(traffic, faults, size, HORIZON, draw + 9_000))
    return (d for d in said if d.state is DriftState.DRIFT)


def everywhere(fault: Fault) -> set[str]:
    """A change that came with a release to all runs is everywhere, and in that release."""
    ill = Traffic()
    fault.change(ill, 1.0)
    return {f"release:{ill.release}"} if fault.share == 1 and not fault.only else set()


def measure(draws: int) -> dict[str, float]:
    """Runs everything, prints it, gives the shares."""
    bases = [learnt(seed) for seed in range(BASELINES)]
    right: Counter[str] = Counter()
    confusion: Counter[tuple[str, str]] = Counter()
    total = len(FAULTS) * draws
    print(
        f"{'fault':34s} {'found':>5s} {'what':>4s} {'where':>5s} {'lever':>5s}  first named, levers"
    )
    for number, fault in enumerate(FAULTS):
        row: Counter[str] = Counter()
        said: Counter[str] = Counter()
        for draw in range(draws):
            first = next(inject(bases[draw % BASELINES], (fault,), draw + 1_000 * number), None)
            if first is None or first.finding is None:
                confusion[fault.lever, "(nothing)"] += 1
                continue
            lever = first.finding.attribution.reversible_by
            row["found"] += 1
            row["what"] += first.feature in fault.what
            row["where"] += first.finding.segment in fault.where | everywhere(fault)
            row["lever"] += lever == fault.lever
            confusion[fault.lever, lever] += 1
            said[f"{first.feature} {lever} {first.finding.segment}"] += 1
        right.update(row)
        top = "; ".join(f"{text} {count}" for text, count in said.most_common(3))
        print(
            f"{fault.name:34s} {row['found']:5d} {row['what']:4d} {row['where']:5d}"
            f" {row['lever']:5d}  {top}"
        )
    print("\nlever injected -> told")
    for (was, told), count in sorted(confusion.items()):
        print(f"  {was:14s} {told:14s} {count}")
    shares = {name: right[name] / total for name in ("found", "what", "where", "lever")}
    shares["pairs"] = pairs(bases, draws)
    shares["quiet"] = quiet(bases)
    print(" ".join(f"{name} {share:.3f}" for name, share in shares.items()))
    return shares


def pairs(bases: list[tuple[Monitor, Traffic]], draws: int) -> float:
    """The share of two faults at once that are both named, each with its own lever."""
    apart = 0
    for number, names in enumerate(PAIRS):
        faults = tuple(by_name(name) for name in names)
        for draw in range(draws):
            found = inject(bases[draw % BASELINES], faults, draw + 50_000 + 1_000 * number)
            told = {(d.feature, d.finding.attribution.reversible_by) for d in found if d.finding}
            apart += all(any((w, f.lever) in told for w in f.what) for f in faults)
    return apart / (len(PAIRS) * draws)


def quiet(bases: list[tuple[Monitor, Traffic]], windows: int = 400) -> float:
    """The share of quiet windows in which anything is alarmed."""
    alarmed, each = 0, windows // len(bases)
    for seed, base in enumerate(bases):
        monitor, traffic = copy.deepcopy(base)
        for number in range(each):
            alarmed += bool(
                alarms(feed(monitor, traffic.runs(150, seed=70_000 + 100 * seed + number)))
            )
    return alarmed / windows


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
