"""Two agents, one cared for, one neglected: gates, checklists and reports tell them apart."""

import hashlib
import json
import shutil
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from service_parts import agentslo, command, listening, send

from scenarios import tree
from support import tools
from support.wait import until

TOKENS = {name: f"token of {name}" for name in ("ann", "bob", "olga")}
PEOPLE = [
    {
        "name": name,
        "roles": roles,
        "token_sha256": hashlib.sha256(TOKENS[name].encode()).hexdigest(),
    }
    for name, roles in (("ann", ["product"]), ("bob", ["engineering"]), ("olga", ["oncall"]))
]
VOUCHED = (
    *("rollback", "red_team", "load_test", "adversarial_test", "failure_test"),
    *("privacy", "playbook"),
)
CARED, STRAY = "refund-approval", "shop/stray"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage directory with runs of both agents; the cared-for one has its agent file."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "agents").mkdir()
    example = tools.PROJECT_ROOT / "examples" / "agents" / f"{CARED}.yaml"
    shutil.copy(example, folder / "agents")
    config = listening({"storage": {"directory": str(folder / "data")}, "people": PEOPLE})
    with agentslo(folder, config) as service:
        at_s = (time.time_ns() - tree.EPOCH_NS) / 1e9
        sent = []
        calls = [("payments", "refund_agent", "get_order")] * 4
        calls += [("shop", "stray", "rm_rf")] * 3
        for number, (service_name, agent, tool) in enumerate(calls):
            root = {
                "agent": agent,
                "service": service_name,
                "version": "1.0",
                "id": f"r{number}",
                "trace": f"t{number}",
                "at": [at_s, at_s + 1],
                "below": [{"tool": tool, "at": [at_s, at_s + 1], "id": f"c{number}"}],
            }
            sent += tree.spans([root])
        send(service.grpc, [tree.request(sent)])
        until(lambda: len(service.runs()) == 7 and service.settled(), what="all runs")
    return folder


def asked(
    folder: Path, *arguments: str, who: str = "ann", code: int | None = 0
) -> Mapping[str, object]:
    done = command(
        *arguments,
        "--config",
        folder / "agentslo.yaml",
        "--json",
        env={"AGENTSLO_TOKEN": TOKENS[who]},
    )
    assert code is None or done.returncode == code, (done.stdout, done.stderr)
    found: Mapping[str, object] = json.loads(done.stdout) if done.stdout[:1] == "{" else {}
    return found


def states(found: Mapping[str, object]) -> dict[str, str]:
    items = found["items"]
    assert isinstance(items, list)
    return {item["item"]: item["state"] for item in items}


def attest(folder: Path, agent: str, item: str, who: str = "bob", code: int = 0) -> None:
    asked(
        folder,
        *("checklist", "attest", "--agent", agent, "--item", item),
        *("--evidence", "https://example.org/report/7"),
        who=who,
        code=code,
    )


def test_the_launch_gate_passes_the_agent_that_has_everything_and_no_other(folder: Path) -> None:
    before = states(asked(folder, "gate", "launch", "--agent", CARED, code=2))
    assert {name for name, state in before.items() if state == "missing"} == {*VOUCHED, "fallback"}
    for item in VOUCHED:
        attest(folder, CARED, item)
    asked(
        folder,
        *("contain", "drill", "--agent", CARED, "--action", "fallback", "--reason", "June"),
        who="olga",
    )
    assert set(states(asked(folder, "gate", "launch", "--agent", CARED)).values()) == {"ok"}
    stray = states(asked(folder, "gate", "launch", "--agent", STRAY, code=2))
    assert {"boundary", "owners", "tools", "fallback"} <= {
        name for name, state in stray.items() if state == "missing"
    }


def test_an_attestation_by_nobody_of_nothing_or_in_the_wrong_role_is_refused_and_recorded(
    folder: Path,
) -> None:
    attest(folder, CARED, "privacy", who="olga", code=4)
    asked(
        folder,
        *("checklist", "attest", "--agent", CARED, "--item", "privacy", "--evidence", "ok"),
        code=4,
    )
    asked(
        folder,
        *("checklist", "attest", "--agent", CARED, "--item", "privacy"),
        *("--evidence", "https://example.org/1", "--days", "9999"),
        code=4,
    )
    done = command(
        *("audit", "list", "--kind", "refused", "--config", folder / "agentslo.yaml", "--json")
    )
    refused = [json.loads(line)["body"]["wanted"] for line in done.stdout.splitlines()]
    assert refused.count("checklist attest privacy") >= 3


def test_a_changed_decision_fails_the_launch_gate(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    config = yaml.safe_load((copy / "agentslo.yaml").read_text())
    config["storage"]["directory"] = str(copy / "data")
    (copy / "agentslo.yaml").write_text(yaml.safe_dump(config))
    attest(copy, CARED, "thresholds")
    with sqlite3.connect(copy / "data" / "decisions.sqlite") as db:
        db.executescript("DROP TRIGGER no_change; UPDATE decisions SET actor = 'mallory'")
    db.close()
    found = states(asked(copy, "gate", "launch", "--agent", CARED, code=2))
    assert found["audit"] == "missing"


def test_the_month_of_a_neglected_agent_shows_what_nobody_did(folder: Path) -> None:
    found = states(asked(folder, "checklist", "day30", "--agent", STRAY, code=2))
    assert {name for name, state in found.items() if state == "missing"} == {
        *("drift_review", "failure_review", "thresholds", "decision", "fragmentation")
    }


@pytest.mark.parametrize("name", ["daily", "day30", "quarterly", "governance"])
def test_every_claim_of_a_report_has_evidence_that_resolves(folder: Path, name: str) -> None:
    found = asked(folder, "report", name, "--agent", CARED)
    sections = found["sections"]
    assert isinstance(sections, list)
    commands = [
        line["evidence"].split()
        for section in sections
        for line in section["lines"]
        if (line["evidence"] or "").startswith("agentslo ") and "LINK" not in line["evidence"]
    ]
    for words in commands:
        extra = ["--config", str(folder / "agentslo.yaml")]
        done = command(*words[1:], *extra, env={"AGENTSLO_TOKEN": TOKENS["olga"]})
        assert done.returncode in (0, 2, 3), (words, done.stderr)


def test_only_proven_outcomes_are_billable(folder: Path) -> None:
    rows = asked(folder, "report", "billing", "--agent", CARED)["outcomes"]
    assert isinstance(rows, list)
    for row in rows:
        proven = row["evidence"] in ("tool_result", "evaluator", "human", "system_of_record")
        assert row["billable"] is proven
        assert bool(row["why_not"]) is not row["billable"]


def test_a_report_of_an_agent_nobody_knows_says_that_there_is_no_run(folder: Path) -> None:
    asked(folder, "report", "daily", "--agent", "nobody", code=3)
