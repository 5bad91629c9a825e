"""Statistics of counts against numbers worked out elsewhere, and their false-alarm rates."""

import numpy as np
import pytest

from agentslo.watch.counts import (
    bin_z,
    bonferroni_z,
    g_statistic,
    js_distance,
    psi,
    shift_z,
    trend_z,
    upper_rate,
    wilson_hilferty,
    z_of_evidence,
)

# scipy 1.17: chi2_contingency(..., lambda_="log-likelihood", correction=False), 12 bins.
WINDOW = np.array([30, 22, 18, 12, 9, 7, 6, 5, 4, 3, 2, 32], dtype=float)
BASELINE = np.array([600, 300, 200, 150, 120, 100, 90, 80, 70, 60, 50, 180], dtype=float)


def test_g_is_twice_the_log_likelihood_ratio_of_two_multinomials() -> None:
    def log_likelihood(counts: np.ndarray, shares: np.ndarray) -> float:
        return float((counts * np.log(shares)).sum())

    both = (WINDOW + BASELINE) / (WINDOW + BASELINE).sum()
    apart = log_likelihood(WINDOW, WINDOW / WINDOW.sum())
    apart += log_likelihood(BASELINE, BASELINE / BASELINE.sum())
    together = log_likelihood(WINDOW, both) + log_likelihood(BASELINE, both)

    g, df = g_statistic(WINDOW, BASELINE)

    assert df == 11
    assert g == pytest.approx(2 * (apart - together))


@pytest.mark.parametrize(
    ("df", "chi_square"),
    # Upper 0.001 points of chi-square, from tables; z of 0.001 is 3.090.
    [(1, 10.828), (5, 20.515), (11, 31.264), (15, 37.697)],
)
def test_wilson_hilferty_gives_the_normal_deviate_of_the_same_tail(
    df: int, chi_square: float
) -> None:
    assert wilson_hilferty(chi_square, df) == pytest.approx(3.09, abs=0.06)


@pytest.mark.parametrize("runs", [50, 100, 200, 500])
def test_quiet_windows_pass_z_of_3_about_once_in_a_thousand(runs: int) -> None:
    rng = np.random.default_rng(7)
    shares = 1 / np.arange(1, 13)
    shares /= shares.sum()
    draws = 4_000
    passed = 0
    for _ in range(draws):
        window = rng.multinomial(runs, shares).astype(float)
        baseline = rng.multinomial(2_000, shares).astype(float)
        passed += shift_z(window, baseline) > 3.09

    assert passed <= 14  # 0.0014 measured; 14 of 4,000 has chance 1e-4 at that rate


def test_a_window_without_runs_says_nothing() -> None:
    empty = np.zeros(12)

    assert shift_z(empty, BASELINE) == 0.0
    assert trend_z(empty, BASELINE, np.arange(12.0)) == 0.0
    assert not bin_z(empty, BASELINE).any()
    assert shift_z(np.array([50.0]), np.array([900.0])) == 0.0


def test_the_bin_that_grew_has_the_largest_signed_deviate() -> None:
    assert int(np.argmax(bin_z(WINDOW, BASELINE))) == 11
    assert bin_z(WINDOW, BASELINE)[11] > 3 > bin_z(BASELINE, WINDOW)[11]


def test_a_trend_has_the_sign_of_the_move() -> None:
    low, high = np.array([50.0, 30, 20]), np.array([20.0, 30, 50])

    assert trend_z(high, low, np.arange(3.0)) > 3
    assert trend_z(low, high, np.arange(3.0)) < -3


def test_psi_and_js_are_small_for_equal_shares_and_one_is_the_largest_distance() -> None:
    assert psi(BASELINE / 10, BASELINE) < 0.01
    assert js_distance(BASELINE / 10, BASELINE) < 0.05
    assert js_distance(np.array([1e6, 0]), np.array([0, 1e6])) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("hits", "trials", "bound"),
    # Clopper-Pearson, one-sided 95 %: beta.ppf(0.95, hits + 1, trials - hits).
    [(0, 100, 0.02951), (5, 100, 0.10225), (50, 1000, 0.06286), (0, 900, 0.003323)],
)
def test_an_upper_rate_is_the_clopper_pearson_bound(hits: int, trials: int, bound: float) -> None:
    assert upper_rate(hits, trials) == pytest.approx(bound, rel=2e-3)


def test_an_upper_rate_without_runs_excludes_nothing() -> None:
    assert upper_rate(0, 0) == 1.0
    assert upper_rate(7, 7) == 1.0


def test_evidence_of_32_000_to_1_is_a_deviate_of_4() -> None:
    assert z_of_evidence(float(np.log(31_574))) == pytest.approx(4.0, abs=0.001)
    assert z_of_evidence(-5.0) == 0.0
    assert z_of_evidence(1e9) > 30


def test_more_tests_need_a_larger_deviate() -> None:
    assert bonferroni_z(4.0, 1) == pytest.approx(4.0)
    assert bonferroni_z(4.0, 40) > bonferroni_z(4.0, 10) > 4.0
