"""The detector keeps agentslo's contract, and sees what it is meant to."""

import numpy as np
from acme_detectors import DETECTOR

from agentslo.testing import check_detector


def test_it_keeps_the_contract() -> None:
    check_detector(DETECTOR)


def test_one_bin_that_takes_over_is_seen() -> None:
    baseline = np.array([900.0, 600.0, 400.0, 100.0])

    assert DETECTOR.deviate(np.array([40.0, 40.0, 30.0, 40.0]), baseline) > 4.0
    assert DETECTOR.deviate(baseline / 10, baseline) < 1.0
