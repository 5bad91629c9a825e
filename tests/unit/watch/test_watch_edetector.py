"""Online detectors keep the false-alarm rate they promise, and find what they bet on."""

import math

import numpy as np
import pytest

from agentslo.watch.counts import upper_rate
from agentslo.watch.edetector import EDetector, rate_bets, tail_bets

THOUSAND = math.log(1_000)


def _runs_to_alarm(detector: EDetector, bins: np.ndarray) -> int | None:
    for count, found in enumerate(bins, start=1):
        detector.step(int(found))
        if detector.alarmed:
            return count
    return None


def test_false_alarms_are_rarer_than_the_bound_at_a_known_rate() -> None:
    rng = np.random.default_rng(1)
    runs = 400
    alarms = 0
    for _ in range(150):
        detector = EDetector(THOUSAND, rate_bets(0.05))
        alarms += _runs_to_alarm(detector, rng.random(runs) < 0.05) is not None

    # A mean of 1,000 runs between alarms: at most 1 - exp(-0.4) of streams of 400, and e-detectors
    # are far below their bound.
    assert alarms / 150 < 1 - math.exp(-runs / 1_000)


def test_each_bet_pays_at_most_1_on_the_average_of_a_known_rate() -> None:
    for rate in (0.001, 0.05, 0.4, 0.9):
        pay = np.exp(rate_bets(rate)) @ np.array([1 - rate, rate])

        assert (pay <= 1 + 1e-9).all()


def test_a_rate_below_the_bound_pays_less() -> None:
    bets = np.exp(rate_bets(upper_rate(45, 900)))

    assert (bets @ np.array([0.95, 0.05]) < 1).all()


def test_each_tail_bet_pays_less_than_1_on_its_own_baseline() -> None:
    baseline = np.array([450.0, 180, 90, 90, 45, 22, 14, 9])
    pay = np.exp(tail_bets(baseline)) @ (baseline / baseline.sum())

    assert (pay < 1).all()
    assert (pay > 0.8).all()


@pytest.mark.parametrize(("share", "within"), [(0.7, 60), (0.3, 200)])
def test_foreign_requests_are_found(share: float, within: int) -> None:
    rng = np.random.default_rng(3)
    baseline = np.array([450.0, 180, 90, 90, 45, 22, 14, 9])
    foreign = np.array([0.06, 0.09, 0.11, 0.17, 0.16, 0.14, 0.12, 0.15])
    mixed = (1 - share) * baseline / baseline.sum() + share * foreign
    delays = []
    for _ in range(25):
        detector = EDetector(math.log(20_000), tail_bets(baseline))
        delays.append(_runs_to_alarm(detector, rng.choice(8, 1_000, p=mixed / mixed.sum())))

    assert all(d is not None for d in delays)
    assert np.median([d for d in delays if d]) <= within


def test_a_slice_of_one_run_is_the_same_step_as_the_run() -> None:
    by_run, by_slice = (EDetector(THOUSAND, rate_bets(0.05)) for _ in range(2))
    for found in (0, 1, 1, 0, 1):
        by_run.step(found)
        by_slice.step_counts(np.array([1.0 - found, found]))

    assert by_run.evidence == pytest.approx(by_slice.evidence)


def test_slices_of_several_runs_find_a_rise_too() -> None:
    detector = EDetector(THOUSAND, rate_bets(0.05))
    slices = 0
    while not detector.alarmed and slices < 50:
        detector.step_counts(np.array([16.0, 4.0]))
        slices += 1

    assert slices < 12


def test_a_detector_starts_anew_after_an_alarm() -> None:
    detector = EDetector(THOUSAND, rate_bets(0.05))
    while not detector.alarmed:
        detector.step(1)
    detector.reset()

    assert detector.evidence == -math.inf
    assert not detector.alarmed
