"""Real parts around the service: its own process, Collectors, a sink, a sender, a replay."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import grpc
import yaml
from prometheus_client.parser import text_string_to_metric_families

from agentslo.otlp.answer import Signal
from agentslo.otlp.files import Report, expand, merged
from support import tools
from support.ports import LOOPBACK, free_port
from support.process import Running, answers, running

COMMAND = Path(sys.executable).with_name("agentslo")
SHIPPED = tools.PROJECT_ROOT / "processor" / "agentslo" / "demo" / "captures"
EXAMPLES = tools.PROJECT_ROOT / "examples" / "collector"
OURS = Path(__file__).parent / "collector"

# No run waits for anybody in a test, yet a busy machine must not part the spans of one.
QUICK_RUNS = {"quiet_s": 2, "quiet_single_s": 2, "idle_s": 5, "hold_max_s": 4}
FREE = f"{LOOPBACK}:0"


# ---- the service as a process


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running `agentslo run` and where it listens."""

    process: Running
    grpc: str
    http: str
    metrics: str
    page: str

    def families(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """All samples of `/metrics`: name to labels to value."""
        found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for family in text_string_to_metric_families(get(f"{self.metrics}/metrics")):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        return found

    def total(self, name: str) -> float:
        """The sum of a family's samples."""
        return sum(self.families().get(name, {}).values())

    def settled(self) -> bool:
        """Whether no run is open, no span held and none queued."""
        found = self.families()
        names = ("open_traces", "spans_held", "spans_queued")
        return not any(
            value
            for name in names
            for value in found.get(f"agent_slo_processor_{name}", {}).values()
        )

    def runs(self) -> list[dict[str, object]]:
        """The newest runs, as the page's API gives them."""
        status: dict[str, list[dict[str, object]]] = json.loads(get(f"{self.page}/api/v1/status"))
        return status["runs"]


def listening(config: Mapping[str, object]) -> dict[str, object]:
    """A configuration with every listener on a free port."""
    listen = {name: {"address": FREE} for name in ("grpc", "http", "metrics", "page")}
    return {"listen": listen, "runs": QUICK_RUNS, **config}


def to(endpoint: str, **options: object) -> dict[str, object]:
    """A destination, with short pauses."""
    quick = {"retry_initial_s": 0.1, "retry_max_s": 0.3, "timeout_s": 5}
    return {"name": "sink", "endpoint": endpoint, **quick, **options}


def write_config(folder: Path, config: Mapping[str, object]) -> Path:
    """The service file."""
    path = folder / "agentslo.yaml"
    path.write_text(yaml.safe_dump(dict(config)))
    return path


@contextmanager
def agentslo(
    folder: Path, config: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """`agentslo run` with a configuration (None: without a file), until the block ends."""
    command: list[str | Path] = [COMMAND, "run"]
    if config is not None:
        command += ["--config", write_config(folder, config)]
    with Running(command, log=folder / "agentslo.log", env=env, cwd=folder) as process:
        process.await_ready(lambda: " is up" in process.text())
        yield service_of(process)


def service_of(process: Running) -> Service:
    """Where a running service listens, by its banner; an evaluator takes no OTLP."""
    banner = process.text()
    found = [
        re.search(pattern, banner)
        for pattern in (
            r"OTLP +gRPC (\S+),",
            r"HTTP (\S+)\n",
            r"metrics +(\S+)/metrics",
            r"page +(\S+)/",
        )
    ]
    grpc_at, http, metrics, page = (match.group(1) if match else "" for match in found)
    return Service(process=process, grpc=grpc_at, http=f"http://{http}", metrics=metrics, page=page)


def command(
    *arguments: str | Path, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """`agentslo` with some arguments, to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(env or {})},
    )


def get(url: str, headers: Mapping[str, str] | None = None) -> str:
    """The body of an answer with status 200."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.read().decode()


def post(
    url: str, body: bytes, content_type: str = "application/x-protobuf"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer, whatever the status."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


# ---- Collectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """A running Collector and where it takes OTLP/gRPC."""

    process: Running
    grpc: str


@contextmanager
def collector(
    otelcol: Path, folder: Path, name: str, configs: Iterable[Path], env: Mapping[str, str]
) -> Iterator[Collector]:
    """A Collector with some configurations laid one over the other, until the block ends."""
    health, otlp, http = (f"{LOOPBACK}:{free_port()}" for _ in range(3))
    places = {"HEALTH_LISTEN": health, "OTLP_GRPC_LISTEN": otlp, "OTLP_HTTP_LISTEN": http}
    command: list[str | Path] = [otelcol]
    for config in configs:
        command += ["--config", config]
    with running(
        command,
        log=folder / f"{name}.log",
        ready=answers(f"http://{health}/"),
        env={**env, **places},
    ) as process:
        yield Collector(process=process, grpc=otlp)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """A Collector that writes what it gets to a file."""

    grpc: str
    file: Path


@contextmanager
def file_sink(otelcol: Path, folder: Path, name: str = "sink") -> Iterator[FileSink]:
    """The back end of the tests."""
    file = folder / f"{name}.jsonl"
    env = {"FILE": str(file)}
    with collector(otelcol, folder, name, [OURS / "sink.yaml"], env) as back_end:
        yield FileSink(grpc=back_end.grpc, file=file)


# ---- a sink in this process


@dataclass
class Sink:
    """An OTLP/gRPC back end in threads of its own, which keeps what it takes."""

    address: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        """Takes one request."""
        self.bodies.append(body)
        return b""


@contextmanager
def sink() -> Iterator[Sink]:
    """A back end for services that run as processes."""
    kept = Sink()
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    method = grpc.unary_unary_rpc_method_handler(kept.export)
    service = Signal.TRACES.grpc_service
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": method}),)
    )
    kept.address = f"{LOOPBACK}:{server.add_insecure_port(FREE)}"
    server.start()
    try:
        yield kept
    finally:
        server.stop(None).wait()


# ---- recordings


def in_time_order(*folders: Path) -> list[bytes]:
    """The requests of all recordings below some folders, as one stream in time order."""
    paths = expand([str(f) for f in folders], Report())
    return [m.body for m in merged(paths, Report()) if m.signal is Signal.TRACES]


def send(address: str, bodies: Iterable[bytes]) -> None:
    """Sends requests one after the other; each must be accepted."""
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(Signal.TRACES.grpc_method)
        for body in bodies:
            export(body, timeout=60)


@dataclass
class Sender:
    """A thread that sends endlessly, and what was acknowledged."""

    bodies: Iterator[bytes]
    address: str
    acknowledged: list[bytes] = field(default_factory=list)
    refused: list[grpc.StatusCode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with grpc.insecure_channel(self.address) as channel:
            export = channel.unary_unary(Signal.TRACES.grpc_method)
            while not self._stop.is_set():
                body = next(self.bodies)
                try:
                    export(body, timeout=30)
                except grpc.RpcError as error:
                    self.refused.append(error.code())
                else:
                    self.acknowledged.append(body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)


def replayed(*folders: Path) -> list[dict[str, object]]:
    """The lines of `agentslo replay` over the recordings below some folders."""
    done = command("replay", "--format", "jsonl", *folders)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def said_by_replay(lines: Iterable[Mapping[str, object]]) -> set[tuple[str, str]]:
    """(run id, outcome) of every run, and of every correction."""
    keys = {"run": "outcome", "correction": "to"}
    return {
        (str(line["run_id"]), str(line[keys[str(line["type"])]]))
        for line in lines
        if line["type"] in keys
    }
