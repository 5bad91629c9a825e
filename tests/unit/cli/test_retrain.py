"""The whole story of a retraining by its commands: from drift to a release, or back."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentslo.cli.main import main
from agentslo.store.ledger import LedgerRun
from support.ledgers import a_run, ledger_of
from support.people import service_file, token_of
from support.receiver import Receiver, receiving
from support.reports import a_report

HOUR_NS = 3600 * 1_000_000_000
MINUTE_NS = HOUR_NS // 60
AGENT = """\
agent: shop
owners: {operations: shop-ops}
task: {unit: one question}
tools: {refund: {effect: write, permission: autonomous}}
"""
PEOPLE = {"bob": ["engineering"], "eve": ["engineering"], "mia": ["product"], "ann": ["oncall"]}
SECRET = "a secret of the pipeline"


class Clock:
    """The time of every command."""

    def __init__(self) -> None:
        self.now_ns = 1_790_000_000_000_000_000

    def __call__(self) -> int:
        self.now_ns += 1_000_000_000
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("agentslo.cli.retrain.time.time_ns", made)
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


class Shop:
    """A storage directory whose agent has drifted, and people who run commands on it."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (folder / "agents").mkdir()
        (folder / "agents" / "shop.yaml").write_text(AGENT)
        self.config = service_file(folder, PEOPLE)
        self.folder, self.clock = folder, clock
        self._capsys, self._monkeypatch = capsys, monkeypatch
        self._number = 0
        drifted = [self.run("r1", hours=h, bad=h < 24 and h % 2 == 0) for h in range(1, 100)]
        self.write(drifted)

    def run(self, release: str, *, hours: float = 0, bad: bool = False) -> LedgerRun:
        self._number += 1
        counted_ns = self.clock.now_ns - int(hours * HOUR_NS)
        result = "bad" if bad else "good"
        return a_run(self._number, counted_ns, result, release=release)

    def write(self, runs: list[LedgerRun]) -> None:
        with ledger_of(self.folder / "storage", runs):
            pass

    def __call__(self, who: str, *words: str) -> tuple[int, Any]:
        """The exit code and what was printed, of a command that somebody runs."""
        self._monkeypatch.setenv("AGENTSLO_TOKEN", token_of(who))
        self._monkeypatch.setenv("AGENTSLO_WEBHOOK_SECRET", SECRET)
        self._capsys.readouterr()
        what, *rest = words
        code = main(["retrain", what, "--config", str(self.config), "--json", *rest])
        out = self._capsys.readouterr().out
        return code, json.loads(out) if out else None

    def propose(self, *more: str, trigger: str = "drift") -> tuple[int, Any]:
        words = ("propose", "--agent", "shop", "--trigger", trigger, "--source", "AgentDriftHigh")
        return self("ann", *words, *more)

    def serve(self, canary_fails: float, minutes: int, seed: int = 5) -> None:
        """Both releases serve 4 runs a minute; the stable one fails 10 %."""
        rng, runs = random.Random(seed), list[LedgerRun]()
        for _ in range(minutes):
            self.clock.now_ns += MINUTE_NS
            for release, fails in (("r1", 0.10), ("r2", canary_fails)):
                runs += [self.run(release, bad=rng.random() < fails) for _ in range(4)]
        self.write(runs)

    def to_canary(self, receiver: Receiver) -> Any:
        """A request whose release has passed its evaluation and meets people."""
        _, made = self.propose()
        assert self("bob", "approve", "1")[0] == 0
        assert self("bob", "dispatch", "1", "--to", receiver.url)[0] == 0
        report = self.folder / "report.json"
        report.write_text(json.dumps(a_report("retrain/1", made["bundle_sha256"])))
        assert self("bob", "record-eval", "1", "--report", str(report))[0] == 0
        started = ("canary", "1", "--stable", "r1", "--release", "r2", "--share", "0.5")
        assert self("mia", *started)[0] == 0
        return made


@pytest.fixture
def shop(
    tmp_path: Path,
    clock: Clock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    return Shop(tmp_path, clock, capsys, monkeypatch)


def test_from_drift_to_a_release_with_everything_provable_afterwards(
    shop: Shop, receiver: Receiver
) -> None:
    code, made = shop.propose("--about", "feature=escalation")
    assert (code, made["state"], made["approvals_needed"]) == (0, "proposed", 1)
    assert shop("ann", "approve", "1")[0] == 4, "on-call does not decide on retraining"
    assert shop("bob", "dispatch", "1", "--to", receiver.url)[0] == 4, "nobody approved yet"
    assert shop("bob", "approve", "1")[1]["state"] == "approved"
    assert shop("bob", "dispatch", "1", "--to", receiver.url)[1]["state"] == "dispatched"
    assert len(receiver.requests) == 1

    report = shop.folder / "report.json"
    found = a_report("retrain/1", made["bundle_sha256"])
    failing = {
        **found,
        "adversarial": {**found["adversarial"], "injection": {"cases": 20, "passed": 19}},
    }
    report.write_text(json.dumps(failing))
    code, blocked = shop("bob", "record-eval", "1", "--report", str(report))
    assert code == 2 and "injection" in blocked["evaluation"]["failed"][0]
    start = ("canary", "1", "--stable", "r1", "--release", "r2", "--share", "0.5")
    assert shop("mia", *start)[0] == 4, "a report that failed lets nothing out"
    report.write_text(json.dumps({k: v for k, v in found.items() if k != "leakage"}))
    assert shop("bob", "record-eval", "1", "--report", str(report))[0] == 3
    report.write_text(json.dumps(found))
    assert shop("bob", "record-eval", "1", "--report", str(report))[0] == 0

    assert shop("bob", *start)[0] == 0
    assert shop("mia", "promote", "1")[0] == 4, "nothing was compared yet"
    shop.serve(canary_fails=0.04, minutes=3)
    assert shop("bob", "compare", "1")[0] == 3, "24 runs are too few to tell"
    shop.serve(canary_fails=0.04, minutes=240)
    code, compared = shop("bob", "compare", "1")
    assert (code, compared["comparison"]["verdict"]) == (0, "not_worse")
    assert shop("bob", "promote", "1")[1]["state"] == "promoted"

    code, proof = shop("bob", "provenance", "1")
    (subject,) = proof["subject"]
    assert subject["digest"]["sha256"] == found["candidate"]["sha256"]
    inputs = proof["predicate"]["buildDefinition"]["resolvedDependencies"]
    names = [entry["name"] for entry in inputs]
    assert "evaluation report" in names and "index source" in names
    assert main(["audit", "verify", "--config", str(shop.config)]) == 0


def test_a_bad_canary_is_worse_and_rolling_back_is_one_command_and_measured(
    shop: Shop, receiver: Receiver
) -> None:
    shop.to_canary(receiver)
    shop.serve(canary_fails=0.35, minutes=60)
    code, compared = shop("bob", "compare", "1")
    assert (code, compared["comparison"]["verdict"]) == (2, "worse")
    assert shop("mia", "promote", "1")[0] == 4
    assert shop("ann", "rollback", "1", "--reason", "fails more")[1]["state"] == "rolled_back"
    assert shop("ann", "measure", "1")[0] == 3, "nothing ran since"
    shop.write([shop.run("r2")])
    shop.clock.now_ns += MINUTE_NS
    shop.write([shop.run("r1")])
    code, measured = shop("ann", "measure", "1")
    assert (code, measured["rollback"]["result"]) == (0, "success")
    assert measured["rollback"]["canary_runs_since"] == 1
    shop.clock.now_ns += HOUR_NS
    shop.write([shop.run("r2")])
    assert shop("ann", "measure", "1")[0] == 2, "an hour later the canary still runs"


def test_the_canary_that_completes_more_but_hallucinates_more_is_worse(
    shop: Shop, receiver: Receiver
) -> None:
    shop.to_canary(receiver)
    rng, runs = random.Random(3), list[LedgerRun]()
    for _ in range(180):
        shop.clock.now_ns += MINUTE_NS
        for release, outcomes, weights in (
            ("r1", ("success", "wrong_result", "hallucination"), (0.70, 0.25, 0.05)),
            ("r2", ("success", "wrong_result", "hallucination"), (0.78, 0.02, 0.20)),
        ):
            for outcome in rng.choices(outcomes, weights, k=4):
                shop._number += 1
                good = "good" if outcome == "success" else "bad"
                runs.append(
                    a_run(shop._number, shop.clock.now_ns, good, release=release, outcome=outcome)
                )
    shop.write(runs)
    code, compared = shop("bob", "compare", "1")
    indicators = compared["comparison"]["indicators"]
    assert code == 2 and indicators["hallucination"]["verdict"] == "worse"
    assert indicators["failed"]["verdict"] != "worse"


def test_where_little_budget_is_left_the_canary_is_smaller_and_a_second_person_promotes(
    shop: Shop, receiver: Receiver
) -> None:
    _, made = shop.propose()
    shop("bob", "approve", "1")
    shop("bob", "dispatch", "1", "--to", receiver.url)
    report = shop.folder / "report.json"
    report.write_text(json.dumps(a_report("retrain/1", made["bundle_sha256"])))
    shop("bob", "record-eval", "1", "--report", str(report))
    # No objective of the agent's file is known to the ledger: the gate cannot tell.
    assert main(["gate", "release", "--config", str(shop.config), "--agent", "shop"]) == 3
    start = ("canary", "1", "--stable", "r1", "--release", "r2", "--share")
    assert shop("bob", *start, "0.5")[0] == 4
    assert shop("bob", *start, "0.25")[0] == 0
    shop.serve(canary_fails=0.02, minutes=240)
    assert shop("bob", "compare", "1")[0] == 0
    assert shop("bob", "promote", "1")[0] == 4
    assert shop("mia", "promote", "1")[1]["state"] == "promoted"


# ---- asking


def test_a_calendar_is_no_trigger(shop: Shop) -> None:
    with pytest.raises(SystemExit) as ended:
        shop.propose(trigger="calendar")
    assert ended.value.code == 1


def test_one_open_request_an_agent_and_a_stronger_trigger_passes(shop: Shop) -> None:
    assert shop.propose()[0] == 0
    assert shop.propose("--about", "bin=other")[0] == 4
    code, made = shop.propose(trigger="policy")
    assert (code, made["id"], made["approvals_needed"]) == (0, "2", 2)
    assert shop("bob", "show", "1")[1]["state"] == "rejected"
    bundles = [p.name for p in (shop.folder / "storage" / "evidence").iterdir()]
    assert len(bundles) == 2, "a refused request leaves no bundle"


def test_the_same_need_waits_three_days(shop: Shop) -> None:
    shop.propose()
    shop("bob", "reject", "1", "--reason", "known cause")
    assert shop.propose()[0] == 4
    assert shop.propose("--about", "segment=new")[0] == 0, "another need"
    shop("bob", "reject", "2", "--reason", "known cause")
    shop.clock.now_ns += 73 * HOUR_NS
    assert shop.propose()[0] == 0


def test_a_policy_change_needs_two_different_people(shop: Shop) -> None:
    shop.propose(trigger="policy")
    assert shop("bob", "approve", "1")[1]["state"] == "proposed"
    assert shop("bob", "approve", "1")[0] == 4
    assert shop("eve", "approve", "1")[1]["state"] == "approved"


def test_what_nobody_moves_for_two_weeks_expires(shop: Shop) -> None:
    shop.propose()
    shop.clock.now_ns += 14 * 24 * HOUR_NS
    assert shop("bob", "approve", "1")[0] == 4
    assert shop("bob", "show", "1")[1]["state"] == "expired"


def test_without_runs_there_is_no_evidence_and_no_request(shop: Shop) -> None:
    shop.clock.now_ns += 60 * 24 * HOUR_NS
    assert shop.propose()[0] == 3
    assert shop("bob", "list", "--all") == (3, [])


# ---- telling the pipeline


def test_the_event_is_a_signed_cloudevent_that_holds_only_references(
    shop: Shop, receiver: Receiver
) -> None:
    _, made = shop.propose()
    shop("bob", "approve", "1")
    shop("bob", "dispatch", "1", "--to", f"{receiver.url}/hook")
    (got,) = receiver.requests
    event = json.loads(got.body)
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    assert event["specversion"] == "1.0"
    assert all(event[name] for name in ("id", "source", "type", "time"))
    assert event["subject"] == "shop"
    assert event["data"]["bundle"]["sha256"] == made["bundle_sha256"]
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert got.headers["webhook-id"] == event["id"]


@pytest.mark.parametrize("status", [503, 302])
def test_what_was_not_taken_is_sent_again_with_the_same_id(
    shop: Shop, receiver: Receiver, status: int
) -> None:
    shop.propose()
    shop("bob", "approve", "1")
    receiver.status, receiver.location = status, f"{receiver.url}/elsewhere"
    code, sent = shop("bob", "dispatch", "1", "--to", receiver.url)
    assert (code, sent["state"], sent["undelivered"]) == (2, "dispatched", [receiver.url])
    receiver.status = 202
    assert shop("bob", "deliver", "1")[1]["undelivered"] == []
    assert shop("bob", "deliver", "1")[0] == 0
    first, second = receiver.requests
    assert first.body == second.body


def test_github_gets_a_repository_dispatch_within_its_limits(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTSLO_GITHUB_API", receiver.url)
    shop.propose()
    shop("bob", "approve", "1")
    assert shop("bob", "dispatch", "1", "--to", "github:acme/training")[0] == 1, "no token"
    monkeypatch.setenv("AGENTSLO_GITHUB_TOKEN", "t0ken")
    assert shop("bob", "dispatch", "1", "--to", "github:acme/training")[0] == 0
    (got,) = receiver.requests
    body = json.loads(got.body)
    assert got.path == "/repos/acme/training/dispatches"
    assert got.headers["authorization"] == "Bearer t0ken"
    assert got.headers["accept"] == "application/vnd.github+json"
    assert len(body["event_type"]) <= 100 and len(body["client_payload"]) <= 10


def test_evidence_that_was_changed_is_not_dispatched(shop: Shop, receiver: Receiver) -> None:
    _, made = shop.propose()
    shop("bob", "approve", "1")
    with (Path(made["bundle_path"]) / "failed.jsonl").open("a") as file:
        file.write("{}\n")
    assert shop("bob", "dispatch", "1", "--to", receiver.url)[0] == 4
    assert receiver.requests == []


def test_a_report_for_another_request_or_other_evidence_fails(
    shop: Shop, receiver: Receiver
) -> None:
    shop.propose()
    shop("bob", "approve", "1")
    shop("bob", "dispatch", "1", "--to", receiver.url)
    report = shop.folder / "report.json"
    report.write_text(json.dumps(a_report("retrain/1", "0" * 64)))
    code, found = shop("bob", "record-eval", "1", "--report", str(report))
    assert code == 2 and "bundle_sha256" in found["evaluation"]["failed"][0]


def test_leakage_names_the_golden_cases_that_training_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "training.jsonl").write_text('{"input": "How do I return a pair of shoes?"}\n')
    (tmp_path / "golden.jsonl").write_text(
        '{"input": "how do I return a pair of shoes"}\n{"input": "Where is my order?"}\n'
    )
    words = [str(tmp_path / "training.jsonl"), str(tmp_path / "golden.jsonl")]
    assert main(["retrain", "leakage", *words]) == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["golden"], said["overlaps"], said["cases"][0]["golden"]) == (2, 1, 0)
