"""What a bundle holds: failed runs with good ones beside them, digests, and nothing of people."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agentslo.respond.alerts import read
from agentslo.respond.bundle_files import Detector, Golden, check, write
from agentslo.respond.leakage import overlaps
from agentslo.respond.redaction import redacted
from agentslo.respond.retraining import Trigger
from agentslo.respond.triggers import from_alert
from agentslo.store.ledger import DAY_NS, LedgerCorrection, LedgerRun
from support.ledgers import a_run, ledger_of

NOW_NS = 1_790_000_000_000_000_000
HOUR_NS = DAY_NS // 24
TRIGGER = Trigger(agent="shop", environment="production", kind="drift", source="test")


def runs() -> list[LedgerRun]:
    made = []
    for hour in range(1, 60):
        kind = "return" if hour % 2 else "order"
        result = "bad" if hour % 5 == 0 else "good"
        at_ns = NOW_NS - hour * HOUR_NS
        made.append(a_run(hour, at_ns, result, task_type=kind, release=f"r{hour % 3}"))
    old = [a_run(1000 + n, NOW_NS - (10 + n) * DAY_NS, "good") for n in range(9)]
    return [*made, *old]


@pytest.fixture
def bundle(tmp_path: Path) -> tuple[Path, str, dict[str, Any]]:
    golden = Golden(name="golden.jsonl", sha256="0" * 64, cases=[{"run_id": runs()[4].run_id}])
    with ledger_of(tmp_path, runs()) as ledger:
        ledger.write(
            [
                LedgerCorrection(
                    run_id=runs()[4].run_id,
                    time_ns=1,
                    before="unknown",
                    after="wrong_result",
                    source="human",
                )
            ]
        )
        digest = write(
            tmp_path / "bundle",
            ledger,
            TRIGGER,
            Detector(state={"z": 7.1}),
            [golden],
            window_ns=3 * DAY_NS,
            now_ns=NOW_NS,
        )
    return tmp_path / "bundle", digest, json.loads((tmp_path / "bundle/manifest.json").read_text())


def rows(bundle: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (bundle / name).read_text().splitlines()]


def test_each_failed_run_has_a_good_one_of_its_kind_beside_it(
    bundle: tuple[Path, str, dict[str, Any]],
) -> None:
    folder, _, _ = bundle
    failed, succeeded = rows(folder, "failed.jsonl"), rows(folder, "succeeded.jsonl")
    assert len(failed) == len(succeeded) == 11
    assert len({row["run"]["run_id"] for row in succeeded}) == 11, "no run stands for two"
    for bad, good in zip(failed, succeeded, strict=True):
        assert bad["run"]["task_type"] == good["run"]["task_type"]
        assert (bad["outcome"], good["outcome"]) == ("wrong_result", "success")


def test_the_manifest_counts_before_and_after_and_says_who_labelled(
    bundle: tuple[Path, str, dict[str, Any]],
) -> None:
    _, _, manifest = bundle
    assert manifest["window"]["runs"] == 59 and manifest["baseline"]["runs"] == 9
    assert manifest["window"]["outcomes"] == {"success": 48, "wrong_result": 11}
    assert set(manifest["window"]["releases"]) == {"r0", "r1", "r2"}
    assert manifest["labels"] == {"evidence": {"tool_result": 22}, "corrected_by": {"human": 1}}
    assert manifest["detector"]["state"] == {"z": 7.1}


def test_a_golden_case_among_the_runs_is_told(bundle: tuple[Path, str, dict[str, Any]]) -> None:
    _, _, manifest = bundle
    (golden,) = manifest["leakage"]["golden"]
    assert [o["how"] for o in golden["overlaps"]] == ["id"]


@pytest.mark.parametrize("name", ["failed.jsonl", "succeeded.jsonl", "traces.txt", "manifest.json"])
def test_a_change_of_any_file_shows(bundle: tuple[Path, str, dict[str, Any]], name: str) -> None:
    folder, digest, _ = bundle
    assert check(folder, digest) == []
    with (folder / name).open("a") as file:
        file.write(" ")
    assert check(folder, digest) == [f"{name} is not what was written"]


def test_nothing_of_people_leaves() -> None:
    body = {
        "run": {
            "run_id": "1234567890123456",
            "agent": "shop",
            "reason": "asked ann@example.org",
            "escalation_reason": "card 4111 1111 1111 1111",
            "duration_s": 12.5,
            "conversation_id": "sha256:1234",
            "secret_field": "x",
        },
        "spans": [{"name": "call sk-abcdefghijklmnopqrst", "span_id": "1234567890123456"}],
        "content": {"prompt": "my name is Ann"},
    }
    removed: Counter[str] = Counter()
    text = json.dumps(redacted(body, removed))
    for secret in ("ann@", "4111", "sk-abc", "Ann", "secret_field", "conversation_id"):
        assert secret not in text
    assert removed == {"field": 3, "email": 1, "number": 1, "token": 1}
    assert text.count("1234567890123456") == 2, "ids stay"


# ---- leakage


def text(*words: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": " ".join(words)}]}


LONG = tuple(f"word{n}" for n in range(30))


@pytest.mark.parametrize(
    ("training", "golden", "how"),
    [
        (text("Where is it?"), text("where IS it"), "same"),
        (text(*LONG), text(*LONG[:28]), "near"),
        (text(*LONG), text(*reversed(LONG)), None),
        ({"id": "7", "input": "a"}, {"id": "7", "input": "b"}, "id"),
        (text("yes"), text("no"), None),
        ({}, {}, None),
    ],
)
def test_shared_cases_are_found_by_id_words_and_nearness(
    training: dict[str, Any], golden: dict[str, Any], how: str | None
) -> None:
    assert [o.how for o in overlaps([training], [golden])] == ([how] if how else [])


# ---- alerts


def alert(**labels: str) -> bytes:
    named = {"alertname": "AgentDriftHigh", "agent": "shop", "environment": "production"} | labels
    one = {
        "status": "firing",
        "labels": named,
        "annotations": {},
        "startsAt": "2026-09-21T10:00:00Z",
        "fingerprint": "f00",
    }
    return json.dumps({"version": "4", "alerts": [one]}).encode()


def test_an_alert_asks_for_retraining_only_where_somebody_labelled_it_so() -> None:
    (plain,) = read(alert(category="drift")).alerts
    assert from_alert(plain, ()) is None
    (asked,) = read(alert(category="drift", retrain="candidate", feature="escalation")).alerts
    found = from_alert(asked, ("r1",))
    assert found is not None
    why, detector = found
    assert (why.kind, why.about, why.versions) == ("drift", ("feature=escalation",), ("r1",))
    assert detector.state["alert"].startswith("f00@")
    (budget,) = read(alert(category="objective", retrain="candidate", slo="resolved")).alerts
    burning = from_alert(budget, ())
    assert burning is not None and burning[0].kind == "slo"
