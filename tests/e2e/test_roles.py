"""Three processors and an evaluator as processes say what one process says."""

import json
from collections import Counter
from pathlib import Path

import pytest
from fleet_parts import Fleet, Member, fleet
from service_parts import command, get, post, send

from scenarios import tree
from support.wait import until

RUNS = 12
FAMILIES = {
    "agent_slo_runs_total": ("agent", "outcome"),
    "agent_slo_events_total": ("slo", "result"),
    "agent_slo_outcome_corrections_total": ("from", "to", "source"),
    "agent_slo_corrections_total": ("slo", "from", "to", "source"),
    "agent_slo_tool_calls_total": ("tool", "result"),
    "agent_slo_drift_bin_total": ("feature", "bin"),
}


def run_of(number: int) -> bytes:
    """One run as a request; every third one's tool fails."""
    tool = {"tool": "lookup", "at": [2, 3]} | ({"error": "Timeout"} if number % 3 == 0 else {})
    chat = {"chat": "m", "at": [3, 5], "finish": "stop"}
    root = {"agent": "support", "id": f"root {number}", "trace": f"run {number}", "at": [0, 5]}
    return tree.request(tree.spans([root | {"below": [tool, chat]}]))


def judge(member: Member, number: int, label: str) -> None:
    """Feedback on a run at some process."""
    run_id = f"{tree.trace_id(f'run {number}').hex()}:{tree.span_id(f'root {number}').hex()}"
    said = {"run_id": run_id, "label": label, "id": f"{number} {label}", "name": "quality"}
    status, _, _ = post(f"{member.page}/v1/feedback", json.dumps(said).encode(), "application/json")
    assert status == 202


def take(member: Member, number: int) -> None:
    """A run reaches a process."""
    assert member.service is not None
    send(member.service.grpc, [run_of(number)])


def taken(members: Fleet, records: int) -> None:
    """Waits until the evaluator has so many records."""
    family = "agent_slo_processor_records_received_total"
    until(
        lambda: members.counted(family, "result")[("taken",)] >= records,
        timeout_s=60,
        what=f"{records} records at the evaluator",
    )


def corrections(members: Fleet) -> Counter[tuple[str, ...]]:
    """Corrections of outcomes, by what they changed."""
    return members.counted("agent_slo_outcome_corrections_total", "from", "to", "source")


def test_random_replicas_get_runs_and_evidence_and_say_what_one_process_says(
    tmp_path: Path,
) -> None:
    one = Member(tmp_path / "one", "all", {})
    with fleet(tmp_path, 3) as three:
        try:
            one.start()
            for number in range(RUNS):
                take(one, number)
                take(three.processors[number % 3], number)
            alone = Fleet.of(one)
            taken(three, RUNS)
            until(
                lambda: alone.counted("agent_slo_runs_total").total() == RUNS,
                timeout_s=60,
                what="all runs to be counted",
            )
            for number in range(6):
                # Never the replica that has the run; two replicas hear the same.
                for replica in (1, 2):
                    judge(three.processors[(number + replica) % 3], number, "fail")
                judge(one, number, "fail")
            judge(three.evaluator, 7, "pass")
            judge(one, 7, "pass")
            judge(three.processors[0], 1, "pass")
            judge(one, 1, "pass")
            taken(three, RUNS + 13)
            said = {name: three.counted(name, *by) for name, by in FAMILIES.items()}
            assert said == {name: alone.counted(name, *by) for name, by in FAMILIES.items()}
            assert said["agent_slo_outcome_corrections_total"]["completed", "wrong_result", "human"]
            # Of agents, the evaluator alone speaks.
            (agent,) = json.loads(get(f"{three.evaluator.page}/api/v1/status"))["agents"]
            assert (agent["agent"], sum(agent["outcomes"].values())) == ("shop/support", RUNS)
            status = json.loads(get(f"{three.processors[0].page}/api/v1/status"))
            assert (status["agents"], len(status["runs"])) == ([], RUNS // 3)
            only = {three.evaluator.folder}
            assert three.having("agent_slo_outcome_corrections_total") == only
            # The ledger is the evaluator's, with every run and what it was corrected to.
            assert len(three.evaluator.runs()) == RUNS
            assert not (three.processors[0].folder / "data" / "ledger.sqlite").exists()
        finally:
            one.stop()


def test_a_role_that_does_not_fit_its_configuration_does_not_start(tmp_path: Path) -> None:
    lonely = command("run", "--role", "processor")
    assert lonely.returncode == 1
    assert "evaluator.endpoint" in lonely.stderr
    wide = tmp_path / "wide.yaml"
    names = ("feedback", "webhooks", "reload")
    for name in names:
        (tmp_path / name).write_text("0123456789abcdef0123456789abcdef\n")
    tokens = "\n".join(f"      {name}: {tmp_path / name}" for name in names)
    wide.write_text(f"listen:\n  page:\n    address: 0.0.0.0:0\n    tokens:\n{tokens}\n")
    assert command("check", wide).returncode == 0
    opened = command("run", "--role", "evaluator", "--config", wide)
    assert opened.returncode == 1
    assert "listen.page.tokens.records" in opened.stderr


def test_records_need_their_own_token_and_an_evaluator(tmp_path: Path) -> None:
    for name in ("records", "api"):
        (tmp_path / name).write_text(f"{name}-token-0123456789abcdef\n")
    listen = {"tokens": {name: str(tmp_path / name) for name in ("records", "api")}}
    member = Member(tmp_path / "evaluator", "evaluator", {}, page=listen)
    try:
        member.start()
        assert post(f"{member.page}/v1/records", b"", "application/x-agentslo-records")[0] == 401
        told = {"Authorization": "Bearer api-token-0123456789abcdef"}
        assert json.loads(get(f"{member.page}/api/v1/drift", told))["agents"] == []
    finally:
        member.stop()


@pytest.mark.parametrize("told", [b"", b"nonsense", b"asr1\1\0\0\0\2{}", b"asr1\7\0\0\0\0"])
def test_what_is_no_record_is_counted_and_answered(tmp_path: Path, told: bytes) -> None:
    member = Member(tmp_path / "evaluator", "evaluator", {})
    try:
        service = member.start()
        url = f"{member.page}/v1/records"
        assert post(url, told, "application/x-agentslo-records")[0] == 200
        found = service.families()["agent_slo_processor_records_received_total"]
        assert found[(("result", "unreadable"),)] == bool(told)
        assert service.total("agent_slo_evaluator_last_success_timestamp_seconds") > 0
    finally:
        member.stop()
