"""A quarter of two agents, one cared for, one neglected: the real commands tell them apart."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentslo.store.ledger import LedgerRun
from support.house import CARED, DAY_NS, STRAY, House, states
from support.ledgers import a_run

QUARTERLY = (
    *("slo_fit", "failure_modes", "playbook_review", "triggers"),
    *("dataset_age", "boards", "training"),
)
POST_MORTEM = {
    "root_cause": "the approval service answered twice, and both answers were taken",
    "contributing_factors": ["no idempotency key on the call"],
    "customer_impact": "none: the second payment was held by the bank",
    "prevention": [
        {
            "kind": "eval_test",
            "change": "the double answer is a golden case",
            "test": "golden/double-approval",
            "owner": "payments-agents",
            "due": "2026-11-01",
        }
    ],
}


def a_day(house: House, tools: list[str], slos: list[str]) -> None:
    """Ten runs of each agent: the cared-for one is good, every third of the other is bad."""
    rows: list[LedgerRun] = []
    for number in range(10):
        at_ns = house.now_ns - number * DAY_NS // 10
        good = a_run(f"c{at_ns}", at_ns, "good", agent=CARED, slo="settled")
        good.body["run"] |= {"agent_version": "1.0", "slos": dict.fromkeys(slos, "good")}
        object.__setattr__(good, "path", ">".join(tools))
        result = "bad" if number % 3 == 0 else "good"
        other = a_run(f"s{at_ns}", at_ns, result, agent=STRAY, slo="completion")
        object.__setattr__(other, "path", "rm_rf")
        rows += [good, other]
    house.ran(rows)


def an_incident(house: House, agent: str, *, cared: bool) -> None:
    opened = ("incident", "open", "--agent", agent, "--category", "unsafe_action", "paid twice")
    assert house.does("ann", *opened) == 0
    if not cared:
        return
    assert house.does("ann", "incident", "ack", "1") == 0
    assert house.does("ann", "incident", "resolve", "1", "held at the bank") == 0
    path = house.folder / "post-mortem.yaml"
    path.write_text(yaml.safe_dump({"incident": "1", **POST_MORTEM}))
    assert house.does("ann", "incident", "close", "1", "--with", str(path)) == 0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first 90 days, as they were lived."""
    with pytest.MonkeyPatch.context() as patch:
        made = House(tmp_path_factory.mktemp("quarter"), patch)
        file = yaml.safe_load((made.folder / "agents" / f"{CARED}.yaml").read_text())
        tools, slos = list(file["tools"]), [slo["name"] for slo in file["slos"]]
        a_day(made, tools, slos)
        made.ready()
        for day in range(1, 91):
            made.passes(1)
            a_day(made, tools, slos)
            if day % 4:
                assert made.attests("ops", CARED, "drift_review") == 0
            if day % 7 == 0:
                assert made.attests("bob", CARED, "failure_review") == 0
            if day == 20:
                an_incident(made, CARED, cared=True)
            if day in (29, 59, 89):
                for item in ("thresholds", "decision", "fragmentation"):
                    assert made.attests("mia", CARED, item, "--note", "expand to 20 %") == 0
            if day == 40:
                an_incident(made, STRAY, cared=False)
            if day == 80:
                made.ready()
            if day == 85:
                for item in QUARTERLY:
                    assert made.attests("mia", CARED, item) == 0
        yield made


COMMANDS = {
    "launch gate": ("gate", "launch"),
    "thirty days": ("checklist", "day30"),
    "quarter": ("checklist", "quarterly"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_gates_and_checklists_tell_the_two_apart(
    house: House, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = COMMANDS[name]
    capsys.readouterr()
    cared = house.does("mia", *command, "--agent", CARED, "--json")
    found = states(capsys.readouterr().out)
    stray = house.does("mia", *command, "--agent", STRAY, "--json")

    assert (cared, stray) == (0, 2), found
    assert set(found.values()) == {"ok"}
    assert "missing" in states(capsys.readouterr().out).values()


def test_the_release_gate_tells_the_two_apart(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("gate", "release", "--environment", "production", "--json", "--agent")
    assert house.does("mia", *asked, CARED) == 0
    assert house.does("mia", *asked, STRAY) != 0


@pytest.mark.parametrize("name", ["daily", "day30", "quarterly", "governance"])
def test_reports_tell_the_two_apart_and_every_claim_leads_to_evidence(
    house: House, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    told: dict[str, str] = {}
    for agent in (CARED, STRAY):
        assert house.does("mia", "report", name, "--agent", agent, "--json") == 0
        told[agent] = capsys.readouterr().out
    assert told[CARED].replace(CARED, "X") != told[STRAY].replace(STRAY, "X")
    commands = {
        line["evidence"]
        for agent in (CARED, STRAY)
        for section in json.loads(told[agent])["sections"]
        for line in section["lines"]
        if (line["evidence"] or "").startswith("agentslo ") and "LINK" not in line["evidence"]
    }
    for command in sorted(commands):
        assert house.does("ann", *command.split()[1:]) in (0, 2, 3), command


def test_a_review_that_stops_is_missed_soon(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    later = house.copy(tmp_path / "later", monkeypatch)
    later.passes(16)
    capsys.readouterr()
    assert later.does("mia", "checklist", "day30", "--agent", CARED, "--json") == 2
    found = states(capsys.readouterr().out)
    assert found["drift_review"] == "missing"
