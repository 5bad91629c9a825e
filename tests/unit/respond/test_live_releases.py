"""Releases that serve side by side are found in the ledger, and the newer one is judged."""

import random
from pathlib import Path

import pytest

from agentslo.respond.live_releases import LIVE_S, LiveReleases
from agentslo.store.ledger import LEDGER_FILE, LedgerRun
from support.ledgers import a_run, ledger_of

NS = 10**9
NOW_NS = 1_790_000_000 * NS
HOUR_NS = 3_600 * NS
PAIR = ("shop", "production", "r1", "r2")


def _served(
    bad: dict[str, float], hours: int, before_ns: int = 0, seed: int = 1, an_hour: int = 40
) -> list[LedgerRun]:
    """Runs of releases, the last one `before_ns` and an hour ago."""
    rng, runs = random.Random(seed), []
    for number in range(hours * an_hour):
        at_ns = NOW_NS - before_ns - number * HOUR_NS // an_hour - HOUR_NS
        for release, share in bad.items():
            result = "bad" if rng.random() < share else "good"
            runs.append(a_run(f"{release}{number}{seed}", at_ns, result, release=release))
    return runs


@pytest.mark.parametrize(("canary", "hours", "verdict"), [(0.5, 6, -1), (0.1, 1, 0), (0.05, 48, 1)])
def test_the_newer_release_is_judged(
    tmp_path: Path, canary: float, hours: int, verdict: int
) -> None:
    old = _served({"r1": 0.1}, 30, 26 * HOUR_NS, seed=2)
    with ledger_of(tmp_path, [*old, *_served({"r1": 0.1, "r2": canary}, hours)]):
        live = LiveReleases(tmp_path / LEDGER_FILE)
        live.look(NOW_NS)
        live.close()

    assert live.verdicts == {PAIR: verdict}


def test_a_release_that_serves_alone_has_no_verdict(tmp_path: Path) -> None:
    gone = _served({"r1": 0.1}, 30, LIVE_S * NS + HOUR_NS)
    with ledger_of(tmp_path, [*gone, *_served({"r2": 0.1}, 6)]):
        live = LiveReleases(tmp_path / LEDGER_FILE)
        live.look(NOW_NS)
        live.close()

    assert live.verdicts == {}


def test_the_pair_keeps_its_sides_and_is_forgotten_when_one_is_gone(tmp_path: Path) -> None:
    old = _served({"r1": 0.1}, 30, 8 * 24 * HOUR_NS, seed=2)
    both = _served({"r1": 0.1, "r2": 0.1}, 8 * 24, an_hour=4)
    with ledger_of(tmp_path, [*old, *both]):
        live = LiveReleases(tmp_path / LEDGER_FILE)
        live.look(NOW_NS)
        live.look(NOW_NS + HOUR_NS)
        assert set(live.verdicts) == {PAIR}
        live.look(NOW_NS + LIVE_S * NS + HOUR_NS)
        live.close()

    assert live.verdicts == {}


def test_without_a_ledger_nothing_is_compared(tmp_path: Path) -> None:
    live = LiveReleases(tmp_path / LEDGER_FILE)
    live.look(NOW_NS)

    assert live.verdicts == {}
