"""docs/quickstart.md, command by command, beside a Collector, a Prometheus and an Alertmanager that
were there before. Ports differ, so that it runs beside others; nothing else does.
"""

import json
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_parts import query
from service_parts import COMMAND, get, send

from agentslo.demo.spans import Call, Play, request
from support.pages import blocks, lines_typed, merge, merge_block
from support.ports import LOOPBACK, free_port
from support.process import answers, running
from support.tools import PROJECT_ROOT
from support.wait import until

pytestmark = [pytest.mark.xdist_group("alerts"), pytest.mark.timeout(300)]

PAGE = (PROJECT_ROOT / "docs" / "quickstart.md").read_text()
THEIRS = PROJECT_ROOT / "tests" / "data" / "alertmanager" / "kube-prometheus.yml"
PORTS = ("14317", "14318", "9464", "9465", "9090", "9093")
COMMANDS_MAX = 10


@dataclass
class Reader:
    """Someone who types what the page says, in their own folder."""

    folder: Path
    env: Mapping[str, str]
    ports: Mapping[str, str] = field(default_factory=lambda: {p: str(free_port()) for p in PORTS})

    def renumbered(self, text: str) -> str:
        return re.sub(
            r"127\.0\.0\.1:(\d+)", lambda m: f"{LOOPBACK}:{self.ports.get(m[1], m[1])}", text
        )

    def url(self, port: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[port]}"

    def types(self, block: str) -> str:
        """Runs a block as it stands; what it printed."""
        with (self.folder / "shell.log").open("a") as log:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", self.renumbered(block)],
                cwd=self.folder,
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=120,
                check=False,
            )
        assert done.returncode == 0, f"{block}\n{(self.folder / 'shell.log').read_text()}"
        return done.stdout

    def adds(self, block: str) -> None:
        """Adds the lists of a block to the file its first line names."""
        merge_block(self.folder, self.renumbered(block))

    def merges_routes(self) -> None:
        """What the page says of the three parts of alert-rules/alertmanager-route.yml."""
        part = yaml.safe_load((self.folder / "alert-rules/alertmanager-route.yml").read_text())
        file = self.folder / "alertmanager.yml"
        tree = yaml.safe_load(file.read_text())
        tree["route"]["routes"].insert(0, part.pop("route"))
        file.write_text(yaml.safe_dump(tree))
        merge(file, part)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(get(f"{self.url('9465')}/api/v1/status"))
        return found


@contextmanager
def existing(reader: Reader, otelcol: Path, prometheus: Path, alertmanager: Path) -> Iterator[str]:
    """What a team has before it begins; gives where its agents send spans to."""
    folder, otlp = reader.folder, f"{LOOPBACK}:{free_port()}"
    health = f"{LOOPBACK}:{free_port()}"
    (folder / "otelcol.yaml").write_text(f"""\
extensions: {{health_check: {{endpoint: "{health}"}}}}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: {otlp}
exporters:
  file:
    path: {folder}/backend.jsonl
service:
  telemetry: {{metrics: {{level: none}}}}
  extensions: [health_check]
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [file]
""")
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1s}\n")
    (folder / "alertmanager.yml").write_text(THEIRS.read_text())
    prom = f"{LOOPBACK}:{reader.ports['9090']}"
    am = f"{LOOPBACK}:{reader.ports['9093']}"
    commands: dict[str, tuple[list[str | Path], str]] = {
        "otelcol": ([otelcol, "--config", folder / "otelcol.yaml"], f"http://{health}/"),
        "prometheus": (
            [
                prometheus,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={prom}",
                "--web.enable-lifecycle",
            ],
            f"http://{prom}/-/ready",
        ),
        "alertmanager": (
            [
                alertmanager,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'am'}",
                f"--web.listen-address={am}",
                "--cluster.listen-address=",
            ],
            f"http://{am}/-/ready",
        ),
    }
    with ExitStack() as stack:
        for name, (command, ready) in commands.items():
            started = stack.enter_context(
                running(command, log=folder / f"{name}.log", ready=answers(ready))
            )
            (folder / f"{name}.pid").write_text(f"{started.process.pid}\n")
        yield otlp


@contextmanager
def agents_at_work(otlp: str) -> Iterator[Callable[[], int]]:
    """An agent that goes on with its work; gives how many runs it has sent."""
    chance, sent, over = random.Random(1), [0], threading.Event()

    def work() -> None:
        while not over.is_set():
            call = Call(tool="lookup_account", arguments={"id": sent[0]}, result={"status": "ok"})
            run = Play(agent="helpdesk_agent", asked="reset my password", calls=(call,))
            try:
                send(otlp, [request(run, time.time_ns(), chance)])
                sent[0] += 1
            except Exception:  # noqa: BLE001 - the Collector is being restarted
                over.wait(0.2)
            over.wait(0.05)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield lambda: sent[0]
    finally:
        over.set()
        thread.join(30)


@contextmanager
def reader(folder: Path, tools: Path) -> Iterator[Reader]:
    path = f"{COMMAND.parent}:{tools}:{os.environ['PATH']}"
    typing = Reader(folder, {**os.environ, "PATH": path})
    # The page leaves these two at their defaults.
    typing.env = {
        **typing.env,
        "AGENTSLO_LISTEN_METRICS_ADDRESS": f"{LOOPBACK}:{typing.ports['9464']}",
        "AGENTSLO_LISTEN_PAGE_ADDRESS": f"{LOOPBACK}:{typing.ports['9465']}",
    }
    try:
        yield typing
    finally:
        pid = folder / "ours.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)


def test_the_first_hour(
    otelcol: Path,
    prometheus: Path,
    alertmanager: Path,
    promtool: Path,
    amtool: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    assert promtool.parent == amtool.parent
    begun_s = time.monotonic()

    def timed(what: str) -> None:
        record_property("timed", f"quickstart: {what} after {time.monotonic() - begun_s:.0f} s")

    with (
        reader(tmp_path, promtool.parent) as typing,
        existing(typing, otelcol, prometheus, alertmanager) as otlp,
        agents_at_work(otlp) as sent,
    ):
        begun_s = time.monotonic()
        *first, (_, look) = blocks(PAGE, "Runs on the page")
        for _, text in first:
            # A background job outlives its shell; the test must find it again.
            typing.types(text.replace("2>&1 &\n", "2>&1 & echo $! > ours.pid\n"))
        # Who types by hand takes longer than the start does.
        until(answers(f"{typing.url('9465')}/api/v1/status"), what="the service to listen")
        until(lambda: '"run_id"' in typing.types(look), what="the first run on the page")
        timed("first run on the page")
        assert len(
            [line for _, text in blocks(PAGE, "Runs on the page") for line in lines_typed(text)]
        ) <= (COMMANDS_MAX)

        until(lambda: sent() >= 50 and len(typing.status()["runs"]) >= 50, what="50 runs")
        for _, text in blocks(PAGE, "An objective of your own"):
            typing.types(text)
        until(
            lambda: "within-ten-seconds" in typing.status()["agents"][0]["slos"],
            what="the objective on the page",
        )
        timed("own objective on the page")
        assert next(row["agent"] for row in typing.status()["agents"]) == "helpdesk_agent"

        for kind, text in blocks(PAGE, "Alerts in the Prometheus you have"):
            if kind == "yaml":
                typing.adds(text)
                typing.merges_routes()
            else:
                typing.types(text)
        prom = typing.url("9090")
        until(lambda: query(prom, "agent_slo_events_total"), what="counters in Prometheus")
        groups = json.loads(get(f"{prom}/api/v1/rules"))["data"]["groups"]
        loaded = {group["name"] for group in groups}
        assert loaded >= {"agent-slo-sli", "agent-slo-safety"}
        config = json.loads(get(f"{typing.url('9093')}/api/v2/status"))["config"]["original"]
        assert "agent-slo-page" in config
        timed("rules and routes in Prometheus and Alertmanager")
