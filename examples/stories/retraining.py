"""The retraining story over a live fleet: drift asks, people decide, canaries are compared.

agentslo, Prometheus and Alertmanager, each a process of its own on loopback; an agent's traffic
drifts, the alert asks for retraining with its evidence, the wrong role is refused, a pipeline on
loopback is told, a report that fails blocks, a bad canary goes back, a good one is promoted, and
everything can be proven afterwards. The shipped rules run with a minute made a second.

    make story-retraining      # or: .venv/bin/python examples/stories/retraining.py
"""

import itertools
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

from alert_parts import alertmanager_server, prometheus_server, webhook  # noqa: E402
from service_parts import Service, agentslo, command, listening, send  # noqa: E402

from scenarios import tree  # noqa: E402
from support.people import people_of, token_of  # noqa: E402
from support.receiver import Receiver, receiving  # noqa: E402
from support.reports import a_report  # noqa: E402
from support.tools import find  # noqa: E402
from support.wait import until  # noqa: E402

PEOPLE = {"bob": ["engineering"], "mia": ["product"], "ann": ["oncall"]}
DRIFT = {"baseline_runs": 300, "baseline_days": 0, "slice_runs": 50, "false_alarm_days": 0}
AGENT = """\
agent: shop
match: {agents: [shop]}
owners: {operations: shop-ops}
task: {unit: one question}
tools: {look_up: {}, refund: {effect: write, permission: autonomous}, ask_person: {}}
slos: [{name: answered, dimension: success, objective: 90%, min_evidence: heuristic}]
"""
# Which alerts ask for retraining is a team's own choice, said in its Prometheus.
ASKS = (
    "{source_labels: [alertname], regex: AgentDriftHigh, target_label: retrain, "
    "replacement: candidate}"
)
STABLE, BAD, GOOD = "1.0", "1.1", "1.2"


@dataclass
class Fleet:
    """An agent's traffic, sent live; and people who run commands."""

    folder: Path
    service: Service
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def serve(
        self,
        version: str,
        runs: int,
        *,
        fails: float,
        new: float = 0.0,
        environment: str = "production",
    ) -> None:
        """Runs of a version: a share `fails`; a share `new` takes a path never taken before."""
        now_s = (time.time_ns() - tree.EPOCH_NS) / 1e9
        sent: list[tree.Sent] = []
        for number in itertools.islice(self.numbers, runs):
            tool = "ask_person" if self.rng.random() < new else "look_up"
            bad = self.rng.random() < fails
            call: dict[str, Any] = {
                "tool": tool,
                "at": [now_s + 0.05, now_s + 0.1],
                "result": "found",
            }
            if bad:
                call |= {"error": "Timeout"}
            below = [{"chat": "m", "at": [now_s, now_s + 0.05], "finish": "tool_calls"}, call]
            if not bad:
                below.append({"chat": "m", "at": [now_s + 0.1, now_s + 0.2], "finish": "stop"})
            for place, step in enumerate(below):
                step["id"] = f"s{number}.{place}"
            root = {"agent": "shop", "version": version, "id": f"r{number}", "below": below}
            resource = {"service.instance.id": "i", "deployment.environment.name": environment}
            root |= {"trace": f"t{number}", "at": [now_s, now_s + 0.3], "resource": resource}
            sent += tree.spans([root])
        before = self.service.total("agent_slo_runs_total")
        send(self.service.grpc, [tree.request(sent)])
        until(
            lambda: self.service.total("agent_slo_runs_total") >= before + runs,
            what=f"{runs} runs to be counted",
        )

    def release(self, version: str) -> str:
        """The release id of a version, which is the same in every environment."""
        self.serve(version, 3, fails=0.0, environment="staging")
        runs = self.service.runs()
        return next(str(r["release"]) for r in runs if r.get("agent_version") == version)

    def __call__(self, who: str, *words: str, expect: int = 0) -> Any:  # noqa: ANN401 - JSON
        """A command that somebody runs; prints it, gives what it says as JSON."""
        told = "" if expect == 0 else f"   (exit code {expect})"
        sys.stdout.write(f"           {who} $ agentslo {' '.join(words)}{told}\n")
        sys.stdout.flush()
        env = {"AGENTSLO_CONFIG": str(self.folder / "agentslo.yaml")}
        secret = {"AGENTSLO_TOKEN": token_of(who), "AGENTSLO_WEBHOOK_SECRET": "the pipeline's"}
        done = command(*words, "--json", env={**env, **secret})
        if done.returncode != expect:
            raise SystemExit(f"exit code {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout[:1] in ("{", "[") else done.stdout


@dataclass
class Story:
    """What happened when (seconds since it began), told as it goes."""

    began_s: float = field(default_factory=time.monotonic)
    told: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        """Print one thing that happened."""
        self.told.append(what)
        sys.stdout.write(f"{time.monotonic() - self.began_s:7.1f} s  {what}\n")
        sys.stdout.flush()


@contextmanager
def stack(folder: Path) -> Iterator[Fleet]:
    """All parts, until the block ends."""
    (folder / "agents").mkdir(parents=True)
    (folder / "agents" / "shop.yaml").write_text(AGENT)
    config = listening(
        {
            "storage": {"directory": str(folder / "data")},
            "metrics": {"zero_hold_s": 3},
            "drift": DRIFT,
            "people": people_of(PEOPLE),
        }
    )
    prometheus, alertmanager = find("prometheus"), find("alertmanager")
    if prometheus is None or alertmanager is None:
        raise SystemExit("this story needs Prometheus and Alertmanager: make tools")
    with webhook() as (hook, _), agentslo(folder, config) as service:
        alerts = f"{service.page}/v1/alerts"
        with (
            alertmanager_server(alertmanager, folder, hook, incidents=alerts) as am,
            prometheus_server(prometheus, folder, service.metrics, am, relabel=ASKS),
        ):
            yield Fleet(folder, service)


def drift(fleet: Fleet, story: Story) -> dict[str, Any]:
    """A baseline is learnt, the traffic changes, the alert asks for retraining."""
    for _ in range(8):
        fleet.serve(STABLE, 50, fails=0.04)
    story.tell("400 runs: the baseline is learnt")

    def drifted() -> bool:
        fleet.serve(STABLE, 50, fails=0.25, new=0.5)
        return 2.0 in fleet.service.families().get("agent_slo_drift_state", {}).values()

    until(drifted, what="drift to be found")
    story.tell("the traffic changed: half of it takes a new path, a quarter fails; drift is found")

    def asked() -> list[dict[str, Any]]:
        done = command("retrain", "list", "--storage", fleet.folder / "data", "--json")
        return list(json.loads(done.stdout)) if done.returncode == 0 else []

    (request,) = until(asked, what="the alert to ask for retraining", timeout_s=150)
    story.tell(f"AgentDriftHigh asked: request {request['id']}, evidence {request['bundle']}")
    return request


def evaluate(fleet: Fleet, story: Story, request: dict[str, Any], pipeline: Receiver) -> None:
    """Approved by who may, dispatched; a report that fails blocks."""
    ident, release = str(request["id"]), fleet.release(BAD)
    fleet("ann", "retrain", "approve", ident, expect=4)
    story.tell("on-call may not approve retraining: refused, and recorded")
    fleet("bob", "retrain", "approve", ident)
    fleet("bob", "retrain", "dispatch", ident, "--to", pipeline.url)
    event = json.loads(pipeline.requests[0].body)
    story.tell(f"the pipeline was told: {event['type']}, signed, by reference only")
    report = a_report(f"retrain/{ident}", request["bundle_sha256"], release=release)
    path = fleet.folder / "report.json"
    failing = {**report["adversarial"], "injection": {"cases": 20, "passed": 19}}
    path.write_text(json.dumps({**report, "adversarial": failing}))
    fleet("bob", "retrain", "record-eval", ident, "--report", str(path), expect=2)
    start = ("retrain", "canary", ident, "--stable", "s", "--release", release, "--share", "0.5")
    fleet("mia", *start, expect=4)
    story.tell("one injection got through: the report fails, and nothing goes out")
    path.write_text(json.dumps(report))
    fleet("bob", "retrain", "record-eval", ident, "--report", str(path))


def canary(fleet: Fleet, story: Story, ident: str, version: str, fails: float) -> str:
    """A canary meets half of the traffic and is compared live; gives the verdict."""
    both = (STABLE, version)
    stable, release = (fleet.release(one) for one in both)
    ids = ("--stable", stable, "--release", release, "--share", "0.5")
    fleet("mia", "retrain", "canary", ident, *ids)
    for one, share in zip(both, (0.1, fails), strict=True):
        fleet.serve(one, 10, fails=share)
    early = fleet("bob", "retrain", "compare", ident, expect=3)
    story.tell(f"{version} after 20 runs: {early['comparison']['verdict']}, too little to tell")
    for _ in range(6):
        for one, share in zip(both, (0.1, fails), strict=True):
            fleet.serve(one, 60, fails=share)
    found = fleet("bob", "retrain", "compare", ident, expect=2 if fails > 0.1 else 0)
    verdict = str(found["comparison"]["verdict"])
    failed = found["comparison"]["indicators"]["failed"]
    story.tell(
        f"{version}: {verdict} ({failed['canary_bad']} of {failed['canary_runs']} runs fail, "
        f"{failed['stable_bad']} of {failed['stable_runs']} of the stable release)"
    )
    return verdict


def bad_release(fleet: Fleet, story: Story, request: dict[str, Any], pipeline: Receiver) -> None:
    """The first release is evaluated well and is bad all the same: it goes back."""
    ident = str(request["id"])
    evaluate(fleet, story, request, pipeline)
    canary(fleet, story, ident, BAD, fails=0.35)
    fleet("mia", "retrain", "promote", ident, expect=4)
    began_s = time.monotonic()
    fleet("ann", "retrain", "rollback", ident, "--reason", "fails three times as often")
    fleet.serve(STABLE, 5, fails=0.1)
    measured = fleet("ann", "retrain", "measure", ident)
    result = measured["rollback"]["result"]
    story.tell(f"rolled back by one command in {time.monotonic() - began_s:.0f} s: {result}")


def good_release(fleet: Fleet, story: Story, pipeline: Receiver) -> None:
    """Another request, by hand: its release proves itself and stays."""
    asks = ("retrain", "propose", "--agent", "shop", "--environment", "production")
    why = ("--trigger", "slo", "--source", "AgentSLOErrorBudgetBurn", "--about", "slo=answered")
    request = fleet("ann", *asks, *why)
    ident = str(request["id"])
    fleet("bob", "retrain", "approve", ident)
    fleet("bob", "retrain", "dispatch", ident, "--to", pipeline.url)
    report = a_report(f"retrain/{ident}", request["bundle_sha256"], release=fleet.release(GOOD))
    path = fleet.folder / "report.json"
    path.write_text(json.dumps(report))
    fleet("bob", "retrain", "record-eval", ident, "--report", str(path))
    canary(fleet, story, ident, GOOD, fails=0.02)
    fleet("mia", "retrain", "promote", ident)
    proof = fleet("bob", "retrain", "provenance", ident)
    inputs = proof["predicate"]["buildDefinition"]["resolvedDependencies"]
    story.tell(f"{GOOD} is promoted; its provenance names {len(inputs)} inputs by digest")
    sys.stdout.write(str(fleet("bob", "audit", "verify")).rstrip() + "\n")
    story.tell("the record of decisions is whole")


def tell(folder: Path) -> Story:
    """The whole story, with its files in `folder`."""
    with stack(folder) as fleet, receiving() as pipeline:
        pipeline.status = 202
        story = Story()
        request = drift(fleet, story)
        bad_release(fleet, story, request, pipeline)
        good_release(fleet, story, pipeline)
    return story


def main() -> None:
    """Tells it in a folder that stays, so that everything can be looked at afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="agentslo-retraining-"))
    shutil.rmtree(folder)
    tell(folder)
    sys.stdout.write(
        f"Everything is in {folder}: decisions, evidence, report, logs. Look with\n"
        f"  agentslo retrain list --all --storage {folder}/data\n"
    )


if __name__ == "__main__":
    main()
