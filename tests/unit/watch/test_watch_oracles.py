"""The statistics of drift against scipy, the online detector beside those of river."""

import math
import os

import numpy as np
import pytest

from agentslo.watch.counts import (
    g_statistic,
    js_distance,
    trend_z,
    upper_rate,
    wilson_hilferty,
    z_of_evidence,
)
from agentslo.watch.edetector import EDetector, rate_bets

if os.environ.get("AGENTSLO_REQUIRE_TOOLS") != "1":
    for package in ("river", "scipy"):
        pytest.importorskip(package, reason=f"{package} is not installed: a development dependency")

from river.drift import ADWIN, PageHinkley
from scipy import stats
from scipy.spatial.distance import jensenshannon

RNG = np.random.default_rng(20)
PAIRS = [
    (RNG.multinomial(n, RNG.dirichlet(np.ones(k))) + 1.0, RNG.multinomial(m, np.ones(k) / k) + 1.0)
    for n, m, k in (
        (50, 2_000, 3),
        (150, 900, 12),
        (500, 2_000, 16),
        (100, 100, 2),
        (1_000, 300, 7),
    )
]


@pytest.mark.parametrize(("window", "baseline"), PAIRS)
def test_g_is_scipy_s(window: np.ndarray, baseline: np.ndarray) -> None:
    found, df = g_statistic(window, baseline)
    known = stats.chi2_contingency([window, baseline], correction=False, lambda_="log-likelihood")

    assert (found, df) == (pytest.approx(known.statistic), known.dof)


@pytest.mark.parametrize("df", [1, 2, 5, 11, 15])
def test_wilson_hilferty_is_the_exact_deviate_nearly(df: int) -> None:
    for z in (1.0, 2.0, 3.09, 4.0):
        chi_square = stats.chi2.isf(stats.norm.sf(z), df)
        # One degree of freedom is the worst: it tells a little less than there is.
        assert wilson_hilferty(chi_square, df) == pytest.approx(z, abs=0.2)


@pytest.mark.parametrize(("window", "baseline"), PAIRS)
def test_a_trend_is_the_correlation_of_place_and_sample(
    window: np.ndarray, baseline: np.ndarray
) -> None:
    scores = np.arange(len(window), dtype=float)
    counts = np.concatenate([window, baseline]).astype(int)
    places = np.repeat(np.tile(scores, 2), counts)
    newer = np.repeat(np.repeat([1.0, 0.0], len(window)), counts)
    r = stats.pearsonr(places, newer).statistic

    assert trend_z(window, baseline, scores) == pytest.approx(r * math.sqrt(len(places)))


@pytest.mark.parametrize(("window", "baseline"), PAIRS)
def test_the_js_distance_is_scipy_s(window: np.ndarray, baseline: np.ndarray) -> None:
    known = jensenshannon(window + 0.5, baseline + 0.5, base=2)

    assert js_distance(window, baseline) == pytest.approx(known)


@pytest.mark.parametrize(("hits", "trials"), [(0, 40), (3, 100), (45, 900), (880, 900)])
def test_an_upper_rate_is_the_quantile_of_a_beta(hits: int, trials: int) -> None:
    known = stats.beta.ppf(0.95, hits + 1, trials - hits)

    assert upper_rate(hits, trials) == pytest.approx(known, abs=2e-4)


@pytest.mark.parametrize("log_e", [1.0, 5.0, 10.3, 40.0])
def test_evidence_is_the_deviate_of_its_inverse(log_e: float) -> None:
    assert z_of_evidence(log_e) == pytest.approx(stats.norm.isf(math.exp(-log_e)), abs=0.01)


def test_a_doubled_rate_is_found_where_adwin_and_page_hinkley_wait() -> None:
    found = dict.fromkeys(("ours", "adwin", "page"), 0)
    early = dict.fromkeys(found, 0)
    for seed in range(15):
        rng = np.random.default_rng(seed)
        runs = np.concatenate([rng.random(500) < 0.05, rng.random(500) < 0.10])
        ours, adwin, page = EDetector(math.log(1e4), rate_bets(0.05)), ADWIN(), PageHinkley()
        alarmed = dict.fromkeys(found, 0)
        for number, bad in enumerate(runs.tolist(), start=1):
            ours.step(int(bad))
            adwin.update(bad)
            page.update(bad)
            said = {
                "ours": ours.alarmed,
                "adwin": adwin.drift_detected,
                "page": page.drift_detected,
            }
            for name, is_alarm in said.items():
                alarmed[name] = alarmed[name] or number * is_alarm
        for name, at in alarmed.items():
            found[name] += at > 500
            early[name] += 0 < at <= 500

    assert early["ours"] <= 1
    assert found["ours"] >= 12
    assert max(found["adwin"], found["page"]) < found["ours"]
