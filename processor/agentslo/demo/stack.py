"""The stack of the demo: Collector, agentslo, Prometheus, Alertmanager and who is called.

In: a folder, port offset. Out: files for every program in that folder, and the running programs.
What is missing or does not start is said in its `Part` and left out; without a Collector runs go
straight to agentslo, without Prometheus and Alertmanager there is the page alone. State: processes.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from agentslo.bundle.alertmanager import alertmanager_files
from agentslo.bundle.catalogue import RULE_FILES
from agentslo.bundle.rules import Options, rule_file
from agentslo.demo import programs
from agentslo.demo.fleet import FLEET
from agentslo.demo.programs import LOOPBACK, NotStarted, free_port
from agentslo.demo.receiver import Receiver, receiver
from agentslo.demo.short import short_groups, short_routes
from agentslo.demo.spans import MODEL

_PORTS: Final = {
    "grpc": 4317,
    "http": 4318,
    "metrics": 9464,
    "page": 9465,
    "receiver": 9466,
    "prometheus": 9090,
    "alertmanager": 9093,
    "collector": 24317,
    "verdicts": 24327,
    "health": 13133,
}
_GET: Final = "run `make tools` in a clone, or install it"


@dataclass(slots=True, kw_only=True)
class Part:
    """One program of the stack: where it is, or why it is not there."""

    name: str
    does: str
    url: str = ""
    missing: str = ""


@dataclass(slots=True, kw_only=True)
class Stack:
    """What runs, and where."""

    folder: Path
    ports: dict[str, int]
    parts: list[Part] = field(default_factory=list)
    alerts: Receiver = field(default_factory=Receiver)

    def address(self, name: str) -> str:
        """`host:port` of a listener."""
        return f"{LOOPBACK}:{self.ports[name]}"

    def url(self, name: str) -> str:
        """The base URL of a listener."""
        return f"http://{self.address(name)}"

    def has(self, name: str) -> bool:
        """Whether a part runs."""
        return any(part.name == name and not part.missing for part in self.parts)

    @property
    def target(self) -> str:
        """Where agents send their spans: the Collector, where there is one."""
        return self.address("collector" if self.has("Collector") else "grpc")

    @property
    def config(self) -> Path:
        """agentslo's service file."""
        return self.folder / "agentslo.yaml"


@contextmanager
def running(folder: Path, port_offset: int, *, without: frozenset[str]) -> Iterator[Stack]:
    """The stack, until the block ends. `without`: programs treated as missing, by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = {name: free_port(port + port_offset) for name, port in _PORTS.items()}
    stack = Stack(folder=folder, ports=taken)
    with ExitStack() as exits, receiver(taken["receiver"], folder / "alerts.jsonl") as alerts:
        stack.alerts = alerts
        collector = _found("Collector", without, "otelcol", "otelcol-contrib")
        prometheus = _found("Prometheus", without, "prometheus")
        alertmanager = _found("Alertmanager", without, "alertmanager", "prometheus-alertmanager")
        _write(stack, forwards=collector is not None)
        _agentslo(stack, exits)
        _optional(stack, exits, Part(name="Collector", does="takes the agents' spans"), collector)
        if prometheus is None:  # nothing would send it an alert
            alertmanager = None
        _optional(stack, exits, Part(name="Alertmanager", does="routes alerts"), alertmanager)
        _optional(stack, exits, Part(name="Prometheus", does="counters, rules"), prometheus)
        yield stack


def _found(part: str, without: frozenset[str], *names: str) -> Path | None:
    return None if part.lower() in without else programs.find(*names)


def _agentslo(stack: Stack, exits: ExitStack) -> None:
    part = Part(name="agentslo", does="runs, outcomes, metrics, page", url=stack.url("page"))
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "agentslo.cli.main",
        "run",
        "--config",
        stack.config,
    ]
    log = stack.folder / "agentslo.log"
    programs.start(exits, command, log, f"{stack.url('metrics')}/readyz")
    stack.parts.append(part)


def _optional(stack: Stack, exits: ExitStack, part: Part, program: Path | None) -> None:
    """Starts a part that the demo can do without."""
    stack.parts.append(part)
    if program is None:
        part.missing = f"not found: {_GET}"
        return
    name = part.name.lower()
    command, ready, part.url = _command(stack, name, program)
    try:
        programs.start(exits, command, stack.folder / f"{name}.log", ready)
    except NotStarted as error:
        part.missing = str(error)


def _command(stack: Stack, name: str, program: Path) -> tuple[list[str | Path], str, str]:
    """Command line, the address that says it is ready, the address to show."""
    folder = stack.folder
    if name == "collector":
        command: list[str | Path] = [program, "--config", folder / "collector.yaml"]
        return command, f"{stack.url('health')}/", f"OTLP/gRPC {stack.address('collector')}"
    listen = f"--web.listen-address={stack.address(name)}"
    if name == "alertmanager":
        command = [program, f"--config.file={folder / 'alertmanager.yml'}", listen]
        command += [f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="]
    else:
        command = [program, f"--config.file={folder / 'prometheus.yml'}", listen]
        command += [f"--storage.tsdb.path={folder / 'prometheus'}"]
        command += ["--rules.alert.resend-delay=1s"]
    return command, f"{stack.url(name)}/-/ready", stack.url(name)


def _write(stack: Stack, *, forwards: bool) -> None:
    """Every program's file, and the agents' own."""
    folder = stack.folder
    (folder / "agents").mkdir(exist_ok=True)
    for actor in FLEET:
        (folder / "agents" / f"{actor.name}.yaml").write_text(actor.file)
    (folder / "token").write_text("not-a-secret\n")
    routes = short_routes(
        alertmanager_files(())["alert-rules/alertmanager.yml"],
        incidents=f"{stack.url('page')}/v1/alerts",
        people=stack.alerts.url,
        token_file=str(folder / "token"),
    )
    (folder / "alertmanager.yml").write_text(routes)
    groups = [g for found in RULE_FILES.values() for g in rule_file(found, Options())["groups"]]
    for name, content in (
        ("agentslo.yaml", _service_file(stack, forwards=forwards)),
        ("collector.yaml", _collector_file(stack)),
        ("prometheus.yml", _prometheus_file(stack)),
        ("short.rules.yml", short_groups(groups)),
    ):
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False, width=100))


def _service_file(stack: Stack, *, forwards: bool) -> dict[str, Any]:
    listeners = ("grpc", "http", "metrics", "page")
    back = {"name": "collector", "endpoint": stack.address("verdicts"), "forward": "verdicts"}
    return {
        "listen": {name: {"address": stack.address(name)} for name in listeners},
        **({"destinations": [back]} if forwards else {}),
        "runs": {"quiet_single_s": "1s", "verdict_span": "always"},
        "metrics": {"zero_hold_s": "3s"},
        "storage": {"directory": str(stack.folder / "ledger"), "sync": "normal"},
        "prices": {"models": {MODEL: {"input_usd": 3, "output_usd": 15}}},
        "drift": {
            "baseline_runs": 100,
            "baseline_days": 0,
            "watch_runs": 50,
            "slice_runs": 60,
            "min_window_runs": 50,
            "false_alarm_days": 0,
        },
    }


def _collector_file(stack: Stack) -> dict[str, Any]:
    """The tap: the back end (a file here) gets every span, agentslo a copy, and its verdicts come
    back to the same back end.
    """
    return {
        "extensions": {"health_check": {"endpoint": stack.address("health")}},
        "receivers": {
            "otlp": {"protocols": {"grpc": {"endpoint": stack.address("collector")}}},
            "otlp/verdicts": {"protocols": {"grpc": {"endpoint": stack.address("verdicts")}}},
        },
        "exporters": {
            "file/backend": {"path": str(stack.folder / "backend.jsonl")},
            "otlp_grpc/agentslo": {"endpoint": stack.address("grpc"), "tls": {"insecure": True}},
        },
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "extensions": ["health_check"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "exporters": ["file/backend", "otlp_grpc/agentslo"],
                },
                "traces/verdicts": {"receivers": ["otlp/verdicts"], "exporters": ["file/backend"]},
            },
        },
    }


def _prometheus_file(stack: Stack) -> dict[str, Any]:
    managers = [{"static_configs": [{"targets": [stack.address("alertmanager")]}]}]
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["short.rules.yml"],
        "alerting": {"alertmanagers": managers},
        "scrape_configs": [
            {
                "job_name": "agentslo",
                "static_configs": [{"targets": [stack.address("metrics")]}],
            }
        ],
    }
