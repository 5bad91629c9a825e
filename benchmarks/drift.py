"""False alarms and delays of every default of drift detection, on simulated counts.

    .venv/bin/python benchmarks/drift.py [STREAMS]

Prints the tables of docs/drift.md. STREAMS (200) is the number of streams a figure of the online
detectors rests on; windows rest on 20 times as many, the proven bounds on 5 times as many.
"""

import math
import sys
from collections.abc import Callable

import numpy as np

from agentslo.config.options import DriftOptions
from agentslo.respond.canary import ALPHA, Slice, compare
from agentslo.watch.counts import psi, shift_z, upper_rate
from agentslo.watch.edetector import EDetector, rate_bets, tail_bets

OPTIONS = DriftOptions()
RNG = np.random.default_rng(1)
SHARES = (1 / np.arange(1, 13)) / (1 / np.arange(1, 13)).sum()
CALIBRATED = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.025, 0.015, 0.01])
FOREIGN = CALIBRATED * np.array([0.05, 0.39, 0.96, 1.78, 3.55, 6.43, 10.1, 11.3])
"""Where requests about topics kept out of the baseline fell, five splits of labelled requests."""
PROMISED = 500
"""The mean number of runs between false alarms that the proof asks for."""


def windows(draws: int) -> None:
    """G and PSI on 12 bins: quiet windows, and ten points moved to a rare bin."""
    moved = 0.9 * SHARES
    moved[-1] += 0.1
    print("window of  z>3.09   z>4  PSI>0.2 quiet per 1000 | found, %")
    rules: tuple[Callable[[np.ndarray, np.ndarray], bool], ...] = (
        lambda w, b: shift_z(w, b) > OPTIONS.z_watch,
        lambda w, b: shift_z(w, b) > OPTIONS.z_drift,
        lambda w, b: psi(w, b) > 0.2,
    )
    for runs in (50, 100, 150, 200, 500):
        rates = []
        for shares, count in ((SHARES, draws), (moved, draws // 10)):
            pairs = [
                (
                    RNG.multinomial(runs, shares).astype(float),
                    RNG.multinomial(2_000, SHARES).astype(float),
                )
                for _ in range(count)
            ]
            rates.append([sum(rule(w, b) for w, b in pairs) / count for rule in rules])
        quiet = "".join(f"{1000 * rate:8.1f}" for rate in rates[0])
        found = "".join(f"{100 * rate:6.0f}" for rate in rates[1])
        print(f"{runs:9d}{quiet}              | {found}")


def first_alarm(detector: EDetector, bins: np.ndarray) -> int | None:
    """How many runs the detector took to its alarm."""
    for count, place in enumerate(bins.tolist(), start=1):
        detector.step(place)
        if detector.alarmed:
            return count
    return None


def online(
    name: str,
    streams: int,
    make: Callable[[], EDetector],
    quiet: np.ndarray,
    struck: dict[str, np.ndarray],
) -> None:
    """One detector: false alarms on 3,000 quiet runs a stream, delay under changes."""
    alarms = runs = 0
    for _ in range(streams):
        taken = first_alarm(make(), RNG.choice(len(quiet), 3_000, p=quiet))
        alarms += taken is not None
        runs += taken or 3_000
    told = f"{name:28s} {alarms} false alarms in {runs} runs;"
    for what, shares in struck.items():
        delays = [
            first_alarm(make(), RNG.choice(len(quiet), 2_000, p=shares))
            for _ in range(streams // 4)
        ]
        found = [d for d in delays if d is not None]
        share = len(found) / len(delays)
        middle = f"{np.median(found):.0f}" if found else "-"
        told += f" {what} {middle} ({share:.0%})"
    print(told)


def rates(streams: int) -> None:
    """Rates of 5 % and 20 %, the baseline estimated from 900 and 2,000 runs."""
    threshold = math.log(OPTIONS.false_alarm_runs * 10)
    for rate in (0.05, 0.2):
        for learnt in (900, 2_000):

            def make(rate: float = rate, learnt: int = learnt) -> EDetector:
                hits = int(RNG.binomial(learnt, rate))
                return EDetector(threshold, rate_bets(upper_rate(hits, learnt)))

            times = {f"x{k}": np.array([1 - k * rate, k * rate]) for k in (1.5, 2, 3)}
            online(
                f"rate {rate:.0%}, {learnt} runs", streams, make, np.array([1 - rate, rate]), times
            )


def drawn(learnt: int) -> tuple[EDetector, np.ndarray]:
    """A novelty detector, and how likely each of its bins truly is: quantiles of a sample of
    `learnt` requests lie a little off.
    """
    cuts = np.sort(RNG.random(learnt))[(np.cumsum(CALIBRATED)[:-1] * learnt).astype(int)]
    detector = EDetector(math.log(OPTIONS.false_alarm_runs), tail_bets(CALIBRATED * learnt))
    return detector, np.diff(np.concatenate([[0.0], cuts, [1.0]]))


def novelty(streams: int) -> None:
    """Novelty, calibrated on 900 and 2,000 runs; shares of foreign requests."""
    lean = FOREIGN / FOREIGN.sum() / CALIBRATED
    for learnt in (900, 2_000):
        alarms = runs = 0
        for _ in range(streams):
            detector, shares = drawn(learnt)
            taken = first_alarm(detector, RNG.choice(8, 3_000, p=shares))
            alarms += taken is not None
            runs += taken or 3_000
        told = f"novelty, {learnt} runs".ljust(28) + f" {alarms} false alarms in {runs} runs;"
        for part in (0.1, 0.3, 0.7):
            delays = []
            for _ in range(streams // 4):
                detector, shares = drawn(learnt)
                mixed = (1 - part) * shares + part * shares * lean
                bins = RNG.choice(8, 2_000, p=mixed / mixed.sum())
                delays.append(first_alarm(detector, bins))
            found = [d for d in delays if d is not None]
            middle = f"{np.median(found):.0f}" if found else "-"
            told += f" {part:.0%} foreign {middle} ({len(found) / len(delays):.0%})"
        print(told)


def promises(repetitions: int) -> None:
    """The two proven bounds: runs to a false alarm at a known rate, and the share of identical
    releases that are ever called worse, looked at after each of 60 slices.
    """
    waits = []
    for _ in range(repetitions):
        detector, waited = EDetector(math.log(PROMISED), rate_bets(0.05)), 0
        taken = None
        while taken is None and waited < 40 * PROMISED:
            taken = first_alarm(detector, RNG.choice(2, PROMISED, p=[0.95, 0.05]))
            waited += taken or PROMISED
        waits.append(waited)
    mean, error = np.mean(waits), np.std(waits) / math.sqrt(repetitions)
    print(f"runs to a false alarm: {mean:.0f}, standard error {error:.0f}; promised {PROMISED}")
    worse = 0
    for _ in range(repetitions):
        bad = RNG.random((60, 20)) < 0.1
        slices = [Slice(stable=tuple(row[:10]), canary=tuple(row[10:])) for row in bad.tolist()]
        worse += compare(slices).verdict == "worse"
    print(
        f"identical releases called worse: {worse} of {repetitions}, promised {ALPHA:.0%} at most"
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    promises(5 * count)
    windows(20 * count)
    rates(count)
    novelty(count)
