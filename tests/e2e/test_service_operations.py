"""A service takes alerts of a real Alertmanager, people contain, and the metrics tell it."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import yaml
from service_parts import Service, agentslo, command, listening, post, send, write_config

from scenarios import tree
from support.ports import LOOPBACK, free_port
from support.process import answers, running
from support.wait import until

ALERT = {
    "labels": {
        "alertname": "AgentUnsafeAction",
        "agent": "shop",
        "environment": "production",
        "product": "agent-slo",
        "slo_action": "page",
        "severity": "critical",
    },
    "annotations": {"summary": "shop did what it must not"},
}
FIRING = {"status": "firing", "startsAt": "2026-09-21T10:00:00Z", "fingerprint": "f00"}
REASON = "agent_slo_safe_to_run_reason"


def with_storage(folder: Path) -> dict[str, object]:
    return listening({"storage": {"directory": str(folder / "data")}})


def cli(folder: Path, *arguments: str) -> Mapping[str, object]:
    """A command on the storage directory; what it says as JSON."""
    done = command(*arguments, "--storage", folder / "data", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def incidents(folder: Path) -> list[Mapping[str, object]]:
    done = command("incident", "list", "--all", "--storage", folder / "data", "--json")
    return list(json.loads(done.stdout)) if done.returncode == 0 else []


def reasons(service: Service) -> Mapping[tuple[tuple[str, str], ...], float]:
    return service.families().get(REASON, {})


def test_an_alert_of_alertmanager_opens_an_incident_that_people_contain_and_close(
    tmp_path: Path, alertmanager: Path
) -> None:
    with agentslo(tmp_path, with_storage(tmp_path)) as service:
        hook = {"url": f"{service.page}/v1/alerts", "send_resolved": True}
        config = {
            "route": {"receiver": "agentslo", "group_by": ["agent"], "group_wait": "1s"},
            "receivers": [{"name": "agentslo", "webhook_configs": [hook]}],
        }
        (tmp_path / "am.yml").write_text(yaml.safe_dump(config))
        listen = f"{LOOPBACK}:{free_port()}"
        arguments = [
            *(alertmanager, f"--config.file={tmp_path / 'am.yml'}"),
            *(f"--storage.path={tmp_path / 'am'}", f"--web.listen-address={listen}"),
            "--cluster.listen-address=",
        ]
        with running(arguments, log=tmp_path / "am.log", ready=answers(f"http://{listen}/-/ready")):
            body = json.dumps([ALERT]).encode()
            assert post(f"http://{listen}/api/v2/alerts", body, "application/json")[0] == 200
            until(lambda: len(incidents(tmp_path)) == 1, what="the incident is open")
        (opened,) = incidents(tmp_path)
        assert (opened["category"], opened["severity"]) == ("unsafe_action", "SEV1")
        held = cli(
            tmp_path,
            *("contain", "do", "--agent", "shop", "--action", "kill_switch", "--incident", "1"),
        )
        assert held["in_force"] is True
        flags = json.loads((tmp_path / "data" / "flags.json").read_text())["flags"]
        assert flags["agent.shop.enabled"]["defaultVariant"] == "contained"
        until(lambda: bool(reasons(service)), what="the metric says that it is switched off")
        opens = service.families()["agent_slo_incidents_open"]
        assert sum(opens.values()) == 1


def test_a_run_that_begins_after_the_kill_switch_shows_that_it_does_not_work(
    tmp_path: Path,
) -> None:
    with agentslo(tmp_path, with_storage(tmp_path)) as service:
        cli(
            tmp_path,
            *("contain", "do", "--agent", "shop", "--action", "kill_switch", "--reason", "harm"),
        )
        # A run of ten minutes from now: what an agent that reads no flags goes on doing.
        at_s = (service_now_ns() - tree.EPOCH_NS) / 1e9 + 600
        root = {"agent": "shop", "id": "r", "at": [at_s, at_s + 1]}
        send(service.grpc, [tree.request(tree.spans([root]))])
        until(lambda: bool(service.runs()), what="the run is counted")

        def says() -> int:
            return command("contain", "status", "--storage", tmp_path / "data").returncode

        until(lambda: says() == 2, what="the containment is seen not to work")


def service_now_ns() -> int:
    """The clock that spans carry."""
    return time.time_ns()


def test_an_alert_labelled_so_asks_for_retraining_once_with_the_runs_as_evidence(
    tmp_path: Path,
) -> None:
    with agentslo(tmp_path, with_storage(tmp_path)) as service:
        at_s = (service_now_ns() - tree.EPOCH_NS) / 1e9
        root = {"agent": "shop", "id": "r", "at": [at_s - 2, at_s - 1]}
        send(service.grpc, [tree.request(tree.spans([root]))])
        (run,) = until(service.runs, what="the run is counted")
        who = ("--agent", str(run["agent"]), "--environment", str(run["environment"]))
        labels = {
            **ALERT["labels"],
            "agent": run["agent"],
            "environment": run["environment"],
            "slo_action": "ticket",
            "alertname": "AgentDriftHigh",
            "category": "drift",
            "retrain": "candidate",
        }
        body = {"version": "4", "alerts": [{**ALERT, **FIRING, "labels": labels}]}

        def asked() -> Mapping[str, object]:
            raw = json.dumps(body).encode()
            _, _, said = post(f"{service.page}/v1/alerts", raw, "application/json")
            return dict(json.loads(said))

        # The ledger is written a moment after the run is shown.
        until(lambda: asked()["retraining"] == ["1"], what="the request")
        again = asked()
        made = cli(tmp_path, "retrain", "show", "1")
        assert (made["state"], made["trigger"]) == ("proposed", "drift")
        assert again["retraining"] == [] and "open request" in str(again["left"])
        manifest = tmp_path / "data" / "evidence" / str(made["bundle"]) / "manifest.json"
        assert json.loads(manifest.read_text())["window"]["runs"] == 1
        answer = command("gate", "release", "--storage", tmp_path / "data", *who)
        assert answer.returncode == 3, "one run is too few"
        state = until(
            lambda: service.families().get("agent_slo_error_budget_state"), what="the state"
        )
        assert list(state.values()) == [-1.0], "it cannot be told"
        name = "agent_slo_retraining_requests"
        until(lambda: service.families().get(name), what="the metric tells of the request")


def test_without_storage_alerts_are_refused_so_that_they_come_again(tmp_path: Path) -> None:
    with agentslo(tmp_path, listening({})) as service:
        body = json.dumps({"version": "4", "alerts": []}).encode()
        status, _, said = post(f"{service.page}/v1/alerts", body, "application/json")
        assert (status, "storage.directory" in json.loads(said)["error"]) == (503, True)


def test_a_damaged_file_of_decisions_stops_neither_spans_nor_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "decisions.sqlite").write_bytes(b"not a database " * 100)
    with agentslo(tmp_path, with_storage(tmp_path)) as service:
        send(service.grpc, [tree.request(tree.spans([{"agent": "shop", "id": "r"}]))])
        until(lambda: bool(service.runs()), what="the run is counted")
        assert "move the file away" in service.process.text()


def test_people_in_the_service_file_need_their_token(tmp_path: Path) -> None:
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"
    people = [{"name": "ann", "roles": ["oncall"], "token_sha256": digest}]
    config = write_config(
        tmp_path, {"people": people, "storage": {"directory": str(tmp_path / "data")}}
    )
    opened = ("incident", "open", "--agent", "shop", "--config", config, "it is wrong")
    for token, code in (("", 4), ("wrong", 4), ("test", 0)):
        assert command(*opened, env={"AGENTSLO_TOKEN": token}).returncode == code
