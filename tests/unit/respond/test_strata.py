"""Releases compared by segment: rare false verdicts, found harm, averages that mislead."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from agentslo.cli.main import main
from agentslo.respond.canary import Comparison
from agentslo.respond.strata import (
    Judged,
    difference_interval,
    overall,
    stratified,
    wilson_interval,
)
from agentslo.store.ledger import LEDGER_FILE
from support.ledgers import a_run, ledger_of

NS = 10**9


def _runs(
    rates: dict[str, tuple[float, float]],
    share_of_canary: dict[str, float],
    count: int,
    seed: int,
) -> list[Judged]:
    """Runs of segments, 20 a slice; `rates`: bad share of stable and canary by segment."""
    rng = np.random.default_rng(seed)
    names = list(rates)
    found = []
    for number in range(count):
        segment = names[number % len(names)]
        is_canary = bool(rng.random() < share_of_canary[segment])
        is_bad = bool(rng.random() < rates[segment][is_canary])
        time_ns = number * 15 * NS
        found.append(Judged(time_ns=time_ns, segment=segment, is_canary=is_canary, is_bad=is_bad))
    return found


def test_identical_releases_are_seldom_called_worse() -> None:
    even = {"a": (0.1, 0.1), "b": (0.3, 0.3)}
    verdicts = [
        stratified(_runs(even, {"a": 0.5, "b": 0.5}, 600, seed)).verdict for seed in range(60)
    ]

    assert verdicts.count(-1) <= 4  # at most 0.02, whenever one looks


def test_a_canary_that_is_much_worse_is_found() -> None:
    found = stratified(_runs({"a": (0.1, 0.35)}, {"a": 0.5}, 600, 1))

    assert found.verdict == -1
    assert found.low > 0


def test_a_canary_that_is_alike_is_proven_so_with_enough_runs() -> None:
    found = stratified(_runs({"a": (0.05, 0.05)}, {"a": 0.5}, 2_500, 1))

    assert found.verdict == 1
    assert found.low < 0 < found.high


def test_easier_runs_do_not_hide_a_worse_canary() -> None:
    rates = {"easy": (0.05, 0.2), "hard": (0.5, 0.7)}
    found = stratified(_runs(rates, {"easy": 0.9, "hard": 0.1}, 1_600, 3))

    assert found.canary_bad / found.canary_runs < found.stable_bad / found.stable_runs
    assert found.average_misleads
    assert found.verdict == -1


def test_few_runs_are_not_enough_data() -> None:
    found = stratified(_runs({"a": (0.0, 1.0)}, {"a": 0.5}, 30, 1))

    assert not found.enough
    assert found.verdict == 0
    assert stratified([]).verdict == 0


def test_any_worse_dimension_decides_and_all_must_be_proven() -> None:
    assert [overall(v) for v in ([], [1, 1], [1, 0], [1, -1], [0])] == [0, 1, 0, -1, 0]


def test_intervals_are_those_of_the_textbook() -> None:
    # Newcombe (1998), example: 56/70 and 48/80, method 10: 0.0524 to 0.3339.
    found = Comparison(
        verdict="undecided",
        stable_runs=80,
        stable_bad=48,
        canary_runs=70,
        canary_bad=56,
        log_e_worse=0,
        log_e_not_worse=0,
    )

    assert difference_interval(found) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)


def _ledger(path: Path, canary_bad: float, count: int) -> Path:
    rng = np.random.default_rng(4)
    start_ns = time.time_ns() - 6 * 3_600 * NS
    rows = []
    for number in range(count):
        is_canary = number % 2 == 1
        bad = rng.random() < (canary_bad if is_canary else 0.05)
        release, result = "r2" if is_canary else "r1", "bad" if bad else "good"
        rows.append(a_run(number, start_ns + number * 10 * NS, result, release=release))
    with ledger_of(path, rows):
        return path / LEDGER_FILE


@pytest.mark.parametrize(
    ("canary_bad", "count", "code"),
    [
        pytest.param(0.5, 400, 2, id="worse"),
        pytest.param(0.05, 30, 3, id="not enough data"),
        pytest.param(0.05, 1_600, 0, id="not worse"),
    ],
)
def test_the_command_ends_with_its_verdict(
    tmp_path: Path, canary_bad: float, count: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = _ledger(tmp_path, canary_bad, count)
    asked = ["compare", "--ledger", str(ledger), "--agent", "shop"]

    assert main([*asked, "--stable", "r1", "--canary", "r2", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == {0: 1, 2: -1, 3: 0}[code]
    assert main([*asked, "--stable", "r1", "--canary", "r2"]) == code
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == {0: "not worse", 2: "worse", 3: "undecided"}[code]


def test_a_ledger_that_is_not_there_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--agent", "shop", "--stable", "r1", "--canary", "r2"]

    assert main(["compare", "--ledger", str(tmp_path / "none"), *asked]) == 1
    assert "agentslo compare:" in capsys.readouterr().err
