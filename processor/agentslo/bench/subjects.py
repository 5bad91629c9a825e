"""What is measured: agentslo and its peers, each started the way its makers start it.

In: a name, the sink's address, a folder. Out: a `Running` process with the address it takes spans
at. No state. All listen on loopback, compress nothing on the way out, and take messages of 64 MiB.
"""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentslo.bench.children import LOOPBACK, Child, free_port
from agentslo.bench.verify import Level

LIMIT_MIB = 64
ACKS = ("received", "forwarded", "stored")
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A started process under test."""

    child: Child
    target: str
    metrics: str = ""
    """Address of its exposition, where it is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing to measure."""

    name: str
    start: Callable[[str, Path], Running]
    """Takes the sink's address and an empty folder."""
    ours: bool = False
    level: Level = Level.MESSAGE
    marks: bool = False
    """Whether agent spans must come out marked."""
    forgiven: frozenset[str] = frozenset()
    """What a peer does wrong and we cannot mend: told beside its row, which stays."""
    open_runs: int = 0
    """Runs whose root has not ended, sent before anything is measured."""


MANY_RUNS = {"max_open_runs": 1_000_000, "max_state_bytes": "64GiB", "idle_s": 3600}
"""Bounds that a benchmark of many open runs does not meet."""


def agentslo(ack: str, *, open_runs: int = 0, evaluator: str = "") -> Subject:
    """The program itself, in-line, with one destination; all else as it comes. With an evaluator's
    address it is one of several processors.
    """

    def start(sink: str, folder: Path) -> Running:
        free = {"address": f"{LOOPBACK}:0"}
        config: dict[str, object] = {
            "listen": {
                "grpc": {**free, "ack": ack},
                **dict.fromkeys(("http", "metrics", "page"), free),
            },
            "destinations": [{"name": "sink", "endpoint": sink, "primary": True}],
            "runs": MANY_RUNS if open_runs else {},
        }
        if ack == "stored":
            config["storage"] = {"directory": str(folder / "data")}
        command = [sys.executable, "-m", "agentslo.cli.main", "run"]
        if evaluator:
            config |= {"evaluator": {"endpoint": evaluator}, "metrics": {"zero_hold_s": 0}}
            command += ["--role", "processor"]
        # JSON is YAML.
        (folder / "agentslo.yaml").write_text(json.dumps(config))
        child = Child([*command, "--config", str(folder / "agentslo.yaml")], folder / "log")
        target = child.said(r"OTLP +gRPC (\S+),")
        child.said(r"( is up)")
        return Running(child=child, target=target, metrics=child.said(r"metrics +(\S+)/metrics"))

    return Subject(
        name=f"agentslo {ack}" + (f", {open_runs:,} open runs" if open_runs else ""),
        start=start,
        ours=True,
        level=Level.BYTES,
        marks=True,
        open_runs=open_runs,
    )


def relay() -> Subject:
    """gRPC's own cost: a relay in Python that passes bytes on and does nothing else."""

    def start(sink: str, folder: Path) -> Running:
        command = [sys.executable, "-m", "agentslo.bench.relay", sink]
        child = Child(command, folder / "log")
        return Running(child=child, target=f"{LOOPBACK}:{child.port()}")

    return Subject(name="relay", start=start, level=Level.BYTES)


def rotel(binary: str, *, classify: bool) -> Subject:
    """rotel, which is written in Rust: plain, or with a Python processor that classifies."""

    def start(sink: str, folder: Path) -> Running:
        port, http = free_port(), free_port()
        command = [binary, "start", "--otlp-grpc-endpoint", f"{LOOPBACK}:{port}"]
        command += ["--otlp-http-endpoint", f"{LOOPBACK}:{http}"]
        command += ["--otlp-grpc-max-recv-msg-size-mib", str(LIMIT_MIB)]
        command += ["--exporter", "otlp", "--otlp-exporter-endpoint", f"http://{sink}"]
        command += ["--otlp-exporter-compression", "none"]
        if classify:
            command += ["--otlp-with-trace-processor", str(HERE / "rotel_classify.py")]
        child = Child(command, folder / "log")
        child.listens(port)
        return Running(child=child, target=f"{LOOPBACK}:{port}")

    return Subject(
        name="rotel + Python" if classify else "rotel",
        start=start,
        marks=classify,
        # Where it cuts a batch in two, the second part has no resource (0.0.1a15).
        forgiven=frozenset({"moved"}),
    )


def collector(binary: str, kind: str) -> Subject:
    """The OpenTelemetry Collector, which is written in Go: `plain`, with `groupbytrace` and
    `spanmetrics`, or with a queue on disk (`file_storage`).
    """
    names = {"plain": "", "grouped": " + groupbytrace + spanmetrics", "stored": " + file_storage"}

    def start(sink: str, folder: Path) -> Running:
        port = free_port()
        (folder / "collector.yaml").write_text(
            json.dumps(_collector_config(kind, port, sink, folder))
        )
        child = Child([binary, "--config", str(folder / "collector.yaml")], folder / "log")
        child.listens(port)
        return Running(child=child, target=f"{LOOPBACK}:{port}")

    return Subject(name=f"Collector{names[kind]}", start=start)


def _collector_config(kind: str, port: int, sink: str, folder: Path) -> dict[str, object]:
    queue: dict[str, object] = {"block_on_overflow": True}
    grpc = {"endpoint": f"{LOOPBACK}:{port}", "max_recv_msg_size_mib": LIMIT_MIB}
    onward = {
        "endpoint": sink,
        "tls": {"insecure": True},
        "compression": "none",
        "sending_queue": queue,
    }
    service: dict[str, object] = {"telemetry": {"metrics": {"level": "none"}}}
    traces: dict[str, list[str]] = {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}
    pipelines = {"traces": traces}
    config: dict[str, object] = {
        "receivers": {"otlp": {"protocols": {"grpc": grpc}}},
        "exporters": {"otlp_grpc": onward},
        "service": {**service, "pipelines": pipelines},
    }
    if kind == "grouped":
        traces["processors"] = ["groupbytrace"]
        traces["exporters"] = ["otlp_grpc", "spanmetrics"]
        pipelines["metrics"] = {"receivers": ["spanmetrics"], "exporters": ["prometheus"]}
        config["processors"] = {"groupbytrace": {"wait_duration": "1s", "num_traces": 1_000_000}}
        config["connectors"] = {"spanmetrics": {}}
        endpoint = f"{LOOPBACK}:{free_port()}"
        config["exporters"] = {"otlp_grpc": onward, "prometheus": {"endpoint": endpoint}}
    elif kind == "stored":
        queue["storage"] = "file_storage"
        place = {"directory": str(folder / "queue"), "create_directory": True, "fsync": True}
        config["extensions"] = {"file_storage": place}
        config["service"] = {
            **service,
            "pipelines": pipelines,
            "extensions": ["file_storage"],
        }
    return config


def find_rotel(given: str) -> str:
    """The agent inside the Python package `rotel`; empty where there is none."""
    if given:
        return str(Path(given).absolute())
    spec = importlib.util.find_spec("rotel")
    if spec is not None and spec.origin:
        inside = Path(spec.origin).with_name("rotel-agent")
        if inside.exists():
            return str(inside)
    return shutil.which("rotel-agent") or ""


def find_collector(given: str) -> str:
    """A Collector with the components above; empty where there is none."""
    found = given or shutil.which("otelcol")
    return str(Path(found).absolute()) if found else ""
