"""The incident story: an agent does harm, is stopped by one command, and it is proven.

agentslo, Prometheus, Alertmanager and an agent of Pydantic AI that reads its flags, each a process
of its own on loopback; the shipped rules with a minute made a second, everything else as shipped.
Prints when each thing happened, and where the time from the first unsafe span to containment went.

    make story-incident        # or: .venv/bin/python examples/stories/incident.py
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

from alert_parts import alertmanager_server, prometheus_server, query, samples, webhook  # noqa: E402
from service_parts import Service, agentslo, command, listening  # noqa: E402

from support.process import Running, running  # noqa: E402
from support.tools import find  # noqa: E402
from support.wait import until  # noqa: E402

HERE = Path(__file__).parent
POST_MORTEM = {
    "root_cause": "The model obeys order notes, and transfer_money was within its reach.",
    "contributing_factors": ["Notes are free text that customers write."],
    "customer_impact": "Refunds of 30 EUR each went to a stranger's account; paid again by hand.",
    "prevention": [
        {
            "kind": "tool_permission",
            "change": "transfer_money is taken from the agent; refunds go to the card on file.",
            "test": "tests/scenarios: order note with an account",
            "owner": "payments-agents",
            "due": "2026-12-15",
        }
    ],
}


@dataclass
class Story:
    """What happened when (unix seconds), told as it goes."""

    began_s: float = field(default_factory=time.time)
    at: dict[str, float] = field(default_factory=dict)
    proof: str = ""
    """What `contain status` said once spans showed that the containment works."""

    def tell(self, what: str, at_s: float | None = None) -> float:
        """Print one thing that happened; gives its time."""
        when = time.time() if at_s is None else at_s
        self.at[what] = when
        sys.stdout.write(f"{when - self.began_s:7.1f} s  {what}\n")
        sys.stdout.flush()
        return when


@dataclass(frozen=True)
class Stack:
    """The real parts."""

    folder: Path
    service: Service
    prometheus: str
    agent: Running

    @property
    def attack(self) -> Path:
        """While this file exists, order notes hold an injected instruction."""
        return self.folder / "attack"

    def cli(self, *arguments: str, expect: int = 0) -> str:
        """A command, as on-call types it; prints it with what it says."""
        sys.stdout.write(f"           $ agentslo {' '.join(arguments)}\n")
        code, said = self.quiet(*arguments)
        if code != expect:
            raise SystemExit(f"exit code {code}: {said}")
        return said

    def quiet(self, *arguments: str) -> tuple[int, str]:
        """A command, untold: its exit code and what it says."""
        done = command(*arguments, env={"AGENTSLO_CONFIG": str(self.folder / "agentslo.yaml")})
        return done.returncode, done.stdout + (done.stderr if done.returncode else "")


@contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """All parts, until the block ends; nothing is left running."""
    shutil.copytree(HERE / "agents", folder / "agents")
    config = listening(
        {
            "storage": {"directory": str(folder / "data")},
            "metrics": {"zero_hold_s": 3},
        }
    )
    prometheus, alertmanager = find("prometheus"), find("alertmanager")
    if prometheus is None or alertmanager is None:
        raise SystemExit("this story needs Prometheus and Alertmanager: make tools")
    with webhook() as (hook_url, _), agentslo(folder, config) as service:
        agent = [
            *(sys.executable, HERE / "cashier.py", "--otlp", service.grpc),
            *("--flags", folder / "data" / "flags.json", "--attack", folder / "attack"),
        ]
        with (
            alertmanager_server(
                alertmanager, folder, hook_url, incidents=f"{service.page}/v1/alerts"
            ) as am,
            prometheus_server(prometheus, folder, service.metrics, am) as prom,
            running(agent, log=folder / "cashier.log", ready=lambda: True) as cashier,
        ):
            yield Stack(folder, service, prom, cashier)


def harm(parts: Stack, story: Story) -> None:
    """The agent is known and healthy; then notes begin to instruct it."""
    known = 'agent_slo:agent_owner:info{agent="cashier"}'
    until(lambda: query(parts.prometheus, known), what="the agent to be known", timeout_s=90)
    until(lambda: len(parts.service.runs()) >= 10, what="ten healthy runs", timeout_s=60)
    story.tell("the agent serves customers; all is well")
    parts.attack.touch()
    story.tell("order notes begin to instruct the model")

    def unsafe() -> list[dict[str, object]]:
        return [r for r in parts.service.runs() if r["outcome"] == "unsafe_action"]

    first = until(unsafe, what="an unsafe run")[-1]
    story.tell("first unsafe span ended", _unix_s(str(first["end"])))
    story.tell("the run is judged: unsafe_action")


def page(parts: Stack, story: Story) -> str:
    """Prometheus sees it, Alertmanager pages, an incident opens; gives its number."""
    found = until(
        lambda: _opened(parts),
        what="the incident",
        timeout_s=60,
    )
    bad = 'agent_slo_events_total{agent="cashier",slo="safe",result="bad"}'
    fires = 'ALERTS{agent="cashier",alertname="AgentUnsafeAction",alertstate="firing"}'
    story.tell("scraped", next(t for t, v in samples(parts.prometheus, bad) if v > 0))
    until(lambda: samples(parts.prometheus, fires), what="the alert")
    story.tell("AgentUnsafeAction fires", samples(parts.prometheus, fires)[0][0])
    (one,) = found
    story.tell(f"incident {one['id']} opened: {one['category']}, {one['severity']}")
    return str(one["id"])


def contain(parts: Stack, story: Story, incident: str) -> None:
    """One command, taken from the advice; spans prove that it worked."""
    advice = json.loads(parts.cli("incident", "advise", incident, "--json"))
    line = next(a["command"] for a in advice if "contain do" in a["command"])
    parts.cli("incident", "ack", incident)
    parts.cli(*str(line).split()[1:])
    story.tell("contained by one command")
    stands = until(
        lambda: [s for s in parts.agent.text().splitlines() if "stands still" in s],
        what="the agent to stand still",
    )
    story.tell("the agent stands still", float(stands[-1].split()[0]))
    until(
        lambda: "works:" in parts.quiet("contain", "status", "--agent", "cashier")[1],
        what="spans to prove it",
        timeout_s=90,
    )
    story.tell("spans prove that it works")
    story.proof = parts.cli("contain", "status", "--agent", "cashier")
    sys.stdout.write(story.proof)


def learn(parts: Stack, story: Story, incident: str) -> None:
    """The cause is mended, the incident ends with a post-mortem that changes something."""
    parts.attack.unlink()
    story.tell("order notes hold no instructions any more")
    sys.stdout.write("           closing without a post-mortem is refused:\n")
    refused = parts.cli("incident", "close", incident, expect=4)
    sys.stdout.write(refused)
    parts.cli("incident", "resolve", incident, "switched off; refunds paid again by hand")
    draft = yaml.safe_load(parts.cli("incident", "draft", incident))
    path = parts.folder / "post-mortem.yaml"
    path.write_text(yaml.safe_dump({**draft, **POST_MORTEM}, sort_keys=False))
    parts.cli("incident", "close", incident, "--with", str(path))
    story.tell("closed, with a post-mortem")
    parts.cli("contain", "undo", "1", "--reason", "transfer_money was taken from the agent")
    until(
        lambda: "serves" in parts.agent.text().splitlines()[-1],
        what="the agent to serve again",
    )
    story.tell("the agent serves customers again")
    sys.stdout.write(parts.cli("audit", "verify"))
    story.tell("the record of decisions is whole")


def where_time_went(story: Story) -> str:
    """From the first unsafe span to containment, step by step."""
    steps = (
        ("the run closes and is judged", "first unsafe span ended", "the run is judged"),
        ("Prometheus scrapes it", "the run is judged", "scraped"),
        ("the rule fires", "scraped", "AgentUnsafeAction fires"),
        ("Alertmanager tells, an incident opens", "AgentUnsafeAction fires", "incident"),
        ("on-call reads advice and contains", "incident", "contained by one command"),
        ("the agent reads its flag", "contained by one command", "the agent stands still"),
    )
    lines = []
    for what, since, to in steps:
        took = _time_of(story, to) - _time_of(story, since)
        lines.append(f"  {took:6.1f} s  {what}")
    whole = _time_of(story, "the agent stands still") - _time_of(story, "first unsafe span")
    return "\n".join([f"From the first unsafe span to containment: {whole:.1f} s", *lines]) + "\n"


def _time_of(story: Story, what: str) -> float:
    return next(at for told, at in story.at.items() if told.startswith(what))


def _opened(parts: Stack) -> list[dict[str, object]]:
    code, said = parts.quiet("incident", "list", "--json")
    return list(json.loads(said)) if code == 0 else []


def _unix_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def tell(folder: Path) -> Story:
    """The whole story, with its files in `folder`."""
    with stack(folder) as parts:
        story = Story()
        harm(parts, story)
        incident = page(parts, story)
        contain(parts, story, incident)
        learn(parts, story, incident)
        sys.stdout.write(where_time_went(story))
    return story


def main() -> None:
    """Tells it in a folder that stays, so that everything can be looked at afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="agentslo-incident-"))
    tell(folder)
    sys.stdout.write(
        f"Everything is in {folder}: logs, post-mortem.yaml, decisions. Look with\n"
        f"  agentslo incident show 1 --storage {folder}/data\n"
    )


if __name__ == "__main__":
    main()
