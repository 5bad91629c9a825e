"""`agentslo gate`: exit codes, numbers, exceptions by people, and what is recorded of it all."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from agentslo.cli.main import main
from agentslo.store.decisions import DECISIONS_FILE, open_decisions
from support.ledgers import a_run, ledger_of
from support.people import service_file, token_of

HOUR_NS = 3600 * 1_000_000_000
AGENT = """\
agent: shop
owners: {operations: shop-ops}
task: {unit: one question}
slos:
  - {name: resolved, dimension: success, objective: 0.9, min_evidence: heuristic}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "shop.yaml").write_text(AGENT)
    return service_file(tmp_path, {"mia": ["product"], "ann": ["oncall"]})


def runs(folder: Path, good: int, bad: int) -> None:
    now_ns = time.time_ns()
    results = ["good"] * good + ["bad"] * bad
    rows = [a_run(i, now_ns - i * HOUR_NS // 60, result) for i, result in enumerate(results)]
    with ledger_of(folder / "storage", rows):
        pass


def gate(config: Path, *words: str) -> int:
    what, *rest = words
    return main(["gate", what, "--config", str(config), "--agent", "shop", *rest])


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("good", "bad", "code", "result"),
    [(99, 1, 0, "pass"), (80, 20, 2, "fail"), (5, 0, 3, "inconclusive")],
)
def test_the_exit_code_is_the_answer_and_the_numbers_come_with_it(
    config: Path, capsys: pytest.CaptureFixture[str], good: int, bad: int, code: int, result: str
) -> None:
    runs(config.parent, good, bad)
    assert gate(config, "release", "--json") == code
    answer = said(capsys)
    assert answer["result"] == result
    (slo,) = answer["slos"]
    assert (slo["good"], slo["bad"], slo["objective_ratio"]) == (good, bad, 0.9)
    assert slo["left_ratio"] == pytest.approx(1 - bad / (good + bad) / 0.1, abs=1e-5)


def test_the_words_hold_the_same_numbers(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs(config.parent, 80, 20)
    assert gate(config, "release", "--release", "r2") == 2
    words = capsys.readouterr().out
    assert "FAIL: feature release r2 of shop in production" in words
    assert "-100% of the budget is left (20 bad of 100 runs" in words


def test_without_a_ledger_it_is_inconclusive(config: Path) -> None:
    assert gate(config, "release") == 3


def test_every_answer_is_a_recorded_decision_that_cites_its_numbers(config: Path) -> None:
    runs(config.parent, 80, 20)
    gate(config, "release", "--release", "r2")
    decisions = open_decisions(config.parent / "storage", read_only=True)
    (row,) = decisions.rows(kind="gate.release")
    decisions.close()
    assert row.body["result"] == "fail" and row.body["release"] == "r2"
    assert row.body["slos"][0]["bad"] == 20


def test_a_person_with_the_right_excepts_for_a_time_and_ends_it(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(config.parent, 80, 20)
    given = ["except", "--covers", "budget", "--reason", "fix of the shop", "--for", "2h", "--json"]
    monkeypatch.setenv("AGENTSLO_TOKEN", token_of("ann"))
    assert gate(config, *given) == 4, "on-call does not roll out"
    monkeypatch.setenv("AGENTSLO_TOKEN", token_of("mia"))
    assert gate(config, *given, "--release", "r9") == 0
    capsys.readouterr()
    assert gate(config, "release", "--release", "r2") == 2, "it is for another release"
    assert gate(config, *given) == 0
    capsys.readouterr()
    assert gate(config, "release", "--json") == 0
    (finding,) = (f for f in said(capsys)["findings"] if f["code"] == "budget")
    number = finding["covered_by"]
    assert gate(config, "end", "--number", str(number)) == 0
    assert gate(config, "end", "--number", str(number)) == 4
    assert gate(config, "release") == 2


def test_an_exception_lasts_two_weeks_at_most(config: Path) -> None:
    assert gate(config, "except", "--covers", "budget", "--reason", "x", "--for", "15d") == 1


def test_changed_decisions_make_every_answer_inconclusive(config: Path) -> None:
    runs(config.parent, 99, 1)
    assert gate(config, "release") == 0
    with sqlite3.connect(config.parent / "storage" / DECISIONS_FILE) as db:
        db.executescript("DROP TRIGGER no_change; UPDATE decisions SET actor = 'mia'")
    db.close()
    assert gate(config, "release") == 3


def test_it_says_what_to_give_where_there_is_nothing_to_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGENTSLO_CONFIG", raising=False)
    assert main(["gate", "release", "--agent", "shop"]) == 1
    assert "--prometheus URL or --storage DIR" in capsys.readouterr().err


def test_a_prometheus_that_does_not_answer_is_inconclusive(config: Path) -> None:
    assert gate(config, "release", "--prometheus", "http://127.0.0.1:9") == 3
