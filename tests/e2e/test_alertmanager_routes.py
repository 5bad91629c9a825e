"""Our subtree alone and merged into someone's tree: who gets which alert, and what mutes what."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from amlint.linter import ERROR, WARN, lint

from agentslo.bundle.catalogue import alerts
from agentslo.bundle.rule import PRODUCT, SEVERITY, Alert
from support.ports import LOOPBACK, free_port
from support.process import answers, running
from support.tools import PROJECT_ROOT
from support.wait import until

pytestmark = pytest.mark.xdist_group("alertmanager")

RULES = PROJECT_ROOT / "alert-rules"
THEIRS = PROJECT_ROOT / "tests" / "data" / "alertmanager" / "kube-prometheus.yml"
Labels = dict[str, str]


def merged(owner_route: Mapping[str, object] | None = None) -> dict[str, object]:
    """A tree with our part put in as its header says."""
    tree = yaml.safe_load(THEIRS.read_text())
    part = yaml.safe_load((RULES / "alertmanager-route.yml").read_text())
    tree["route"]["routes"].insert(0, part["route"])
    for key in ("receivers", "inhibit_rules"):
        tree[key] += part[key]
    if owner_route:
        page = next(r for r in part["route"]["routes"] if r["receiver"] == "agent-slo-page")
        page["routes"] = [owner_route]
        tree["receivers"].append({"name": owner_route["receiver"]})
    return tree


def labels_of(alert: Alert, **more: str) -> Labels:
    """An alert's labels as Prometheus sends them."""
    scope = {"slo": ("agent", "environment", "slo"), "agent": ("agent", "environment")}
    who = {name: f"a-{name}" for name in scope.get(alert.scope, ())}
    ours = {"product": PRODUCT, "category": alert.category, "slo_action": alert.action}
    severity = SEVERITY[alert.action]
    return {"alertname": alert.name, "severity": severity, **ours, **who, **alert.labels, **more}


def written(folder: Path, tree: Mapping[str, object]) -> Path:
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(dict(tree)))
    return path


def receivers(amtool: Path, config: Path, labels: Labels) -> list[str]:
    """Whom amtool says an alert with these labels reaches."""
    words = [f"{name}={value}" for name, value in labels.items()]
    done = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={config}", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().split(",")


@pytest.fixture(scope="module", params=["alone", "merged"])
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "alone":
        return RULES / "alertmanager.yml"
    return written(tmp_path_factory.mktemp("merged"), merged())


def test_amtool_takes_the_configuration(amtool: Path, config: Path) -> None:
    done = subprocess.run(
        [amtool, "check-config", config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_amlint_finds_no_error_and_no_warning() -> None:
    found = lint(yaml.safe_load((RULES / "alertmanager.yml").read_text()))
    assert [f for f in found if f.level in (ERROR, WARN)] == []


def test_merging_brings_no_finding_that_their_tree_did_not_have() -> None:
    before = {str(f.code) for f in lint(yaml.safe_load(THEIRS.read_text()))}
    after = [f for f in lint(merged()) if f.level in (ERROR, WARN)]
    assert [f for f in after if str(f.code) not in before] == []


def test_every_alert_reaches_the_receiver_of_its_action(amtool: Path, config: Path) -> None:
    wrong = {}
    for alert in {alert.name: alert for alert in alerts()}.values():
        expected = f"agent-slo-{alert.action}"
        if alert.name == "AgentSLOWatchdog":
            expected = "agent-slo-deadman"
        reached = receivers(amtool, config, labels_of(alert, owner="team"))
        opens = ["agent-slo-incidents"] if alert.action == "page" else []
        if reached != [*opens, expected]:
            wrong[alert.name] = reached
    assert wrong == {}


@pytest.mark.parametrize(
    ("labels", "reached"),
    [
        ({"alertname": "Watchdog", "severity": "none"}, ["Watchdog"]),
        ({"alertname": "KubePodCrashLooping", "severity": "warning"}, ["Default"]),
        ({"alertname": "KubeAPIDown", "severity": "critical"}, ["Critical"]),
        ({"alertname": "KubeAPIDown", "severity": "critical", "slo_action": "page"}, ["Critical"]),
        ({"alertname": "InfoInhibitor", "severity": "none"}, ["null"]),
    ],
)
def test_their_alerts_go_where_they_went(
    amtool: Path, tmp_path: Path, labels: Labels, reached: list[str]
) -> None:
    assert receivers(amtool, THEIRS, labels) == reached
    assert receivers(amtool, written(tmp_path, merged()), labels) == reached


PAGED = ["agent-slo-incidents", "agent-slo-page"]


def test_an_incident_opens_before_somebody_is_paged(amtool: Path, config: Path) -> None:
    alert = next(a for a in alerts() if a.name == "AgentUnsafeAction")
    assert receivers(amtool, config, labels_of(alert)) == PAGED


def test_retraining_is_asked_for_only_by_what_opted_in(amtool: Path, config: Path) -> None:
    alert = next(a for a in alerts() if a.name == "AgentDriftHigh")
    assert receivers(amtool, config, labels_of(alert)) == ["agent-slo-ticket"]
    opted_in = labels_of(alert, retrain="candidate")
    assert receivers(amtool, config, opted_in) == ["agent-slo-retraining", "agent-slo-ticket"]


def test_a_route_by_owner_takes_that_owners_pages_alone(amtool: Path, tmp_path: Path) -> None:
    config = written(tmp_path, merged({"matchers": ["owner=payments"], "receiver": "payments"}))
    alert = next(a for a in alerts() if a.name == "AgentUnsafeAction")
    assert receivers(amtool, config, labels_of(alert, owner="payments")) == [
        "agent-slo-incidents",
        "payments",
    ]
    assert receivers(amtool, config, labels_of(alert, owner="search")) == PAGED
    assert receivers(amtool, config, labels_of(alert)) == PAGED


# ---- inhibition, by a running Alertmanager


@pytest.fixture(scope="module")
def server(
    alertmanager: Path, config: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("alertmanager"), free_port()
    url = f"http://{LOOPBACK}:{port}"
    command = [
        alertmanager,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
    ]
    with running(command, log=folder / "alertmanager.log", ready=answers(f"{url}/-/ready")):
        yield url


def muted(url: str, fired: list[Labels]) -> set[str]:
    """Of alerts that fire together, the names of those that others mute."""
    body = json.dumps([{"labels": labels} for labels in fired]).encode()
    request = urllib.request.Request(
        f"{url}/api/v2/alerts", data=body, headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=30).close()
    agent = {labels.get("agent") for labels in fired}

    def told() -> dict[str, bool] | None:
        with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=30) as reply:
            found = [a for a in json.load(reply) if a["labels"].get("agent") in agent]
        states = {a["status"]["state"] for a in found}
        if len(found) < len(fired) or "unprocessed" in states:
            return None
        return {_key(a["labels"]): bool(a["status"]["inhibitedBy"]) for a in found}

    return {name for name, held in until(told, what="all alerts processed").items() if held}


def _key(labels: Labels) -> str:
    return f"{labels['alertname']}/{labels['slo']}" if "slo" in labels else labels["alertname"]


def one(name: str, case: str, **more: str) -> Labels:
    """The labels of an alert about the agent of a case."""
    found = labels_of(next(a for a in alerts() if a.name == name), **more)
    return {**found, "agent": case} if "agent" in found else found


@pytest.mark.parametrize(
    ("case", "source", "targets", "kept"),
    [
        (
            "page-ticket",
            ("AgentSLOErrorBudgetBurn", "success"),
            [("AgentSLOErrorBudgetBurnTicket", "success"), ("AgentSLOBudgetExhausted", "success")],
            [("AgentSLOErrorBudgetBurnTicket", "latency"), ("AgentUnsafeAction", "")],
        ),
        (
            "page-watch",
            ("AgentSLOErrorBudgetBurn", "success"),
            [("AgentDriftWatch", "")],
            [("AgentDriftHigh", "")],
        ),
        (
            "corruption",
            ("AgentDataCorruption", ""),
            [("AgentDuplicateActions", "")],
            [("AgentLoopRateHigh", "")],
        ),
        (
            "switch",
            ("AgentKillSwitchEngaged", ""),
            [
                ("AgentSLOErrorBudgetBurn", "success"),
                ("AgentSilent", ""),
                ("AgentDriftHigh", ""),
                ("AgentLoopRateHigh", ""),
            ],
            [
                ("AgentUnsafeAction", ""),
                ("AgentDataCorruption", ""),
                ("AgentContainmentNotEffective", ""),
            ],
        ),
    ],
)
def test_an_alert_mutes_what_follows_from_it_and_nothing_else(
    server: str,
    case: str,
    source: tuple[str, str],
    targets: list[tuple[str, str]],
    kept: list[tuple[str, str]],
) -> None:
    def labels(row: tuple[str, str]) -> Labels:
        name, slo = row
        return one(name, case, **({"slo": slo} if slo else {}))

    fired = [labels(row) for row in (source, *targets, *kept)]
    assert muted(server, fired) == {"/".join(filter(None, row)) for row in targets}


def test_another_agent_is_not_muted(server: str) -> None:
    fired = [
        one("AgentSLOErrorBudgetBurn", "loud", slo="success"),
        one("AgentSLOErrorBudgetBurnTicket", "other", slo="success"),
    ]
    assert muted(server, fired) == set()
