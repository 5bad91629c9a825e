"""Prometheus, Alertmanager and a receiver around our rules, with the hours made short."""

import json
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from service_parts import get

from agentslo.demo.short import short_groups, short_routes
from support.ports import LOOPBACK, free_port
from support.process import answers, running
from support.tools import PROJECT_ROOT
from support.wait import until

RULES = PROJECT_ROOT / "alert-rules"
TOKEN = "secret-of-the-test"

Labels = dict[str, str]


def rules_in_seconds() -> dict[str, Any]:
    """The committed rules, every window, interval and wait shortened."""
    files = sorted(RULES.glob("*.rules.yml"))
    return short_groups(g for path in files for g in yaml.safe_load(path.read_text())["groups"])


# ---- the receiver


@dataclass
class Hook:
    """Who was told what: path of the receiver, authorization, body."""

    told: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def alerts(self, path: str, name: str, agent: str) -> list[dict[str, Any]]:
        """Alerts of a name and agent that came to a receiver, in the order they came."""
        return [
            alert
            for where, _, body in list(self.told)
            for alert in body["alerts"]
            if where == path
            and alert["labels"]["alertname"] == name
            and alert["labels"].get("agent") == agent
        ]


@contextmanager
def webhook() -> Iterator[tuple[str, Hook]]:
    """A receiver on loopback, and its address."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.told.append((self.path, self.headers.get("Authorization", ""), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test says what was missing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}", hook
    finally:
        server.shutdown()
        server.server_close()


# ---- Alertmanager and Prometheus


@contextmanager
def alertmanager_server(
    program: Path, folder: Path, hook_url: str, incidents: str = ""
) -> Iterator[str]:
    """The committed file, told of the receiver and its token, without waits. `incidents`: where
    alerts open incidents; the receiver too where nothing is given.
    """
    token = folder / "token"
    token.write_text(TOKEN)
    text = (RULES / "alertmanager.yml").read_text()
    url = f"http://{LOOPBACK}:{free_port()}"
    text = short_routes(
        text,
        incidents=incidents or f"{hook_url}/incidents",
        people=hook_url,
        token_file=str(token),
    )
    config = folder / "alertmanager.yml"
    config.write_text(text)
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={folder / 'am'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    with running(command, log=folder / "alertmanager.log", ready=answers(f"{url}/-/ready")):
        yield url


@contextmanager
def prometheus_server(
    program: Path, folder: Path, scraped: str, alertmanager_url: str, relabel: str = ""
) -> Iterator[str]:
    """A Prometheus that scrapes every second and evaluates the short rules. `relabel`: entries of
    `alert_relabel_configs`, as YAML.
    """
    (folder / "all.rules.yml").write_text(yaml.safe_dump(rules_in_seconds()))
    am = alertmanager_url.removeprefix("http://")
    (folder / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [all.rules.yml]
alerting:
  alert_relabel_configs: [{relabel}]
  alertmanagers: [{{static_configs: [{{targets: ["{am}"]}}]}}]
scrape_configs:
  - job_name: agentslo
    static_configs: [{{targets: ["{scraped.removeprefix("http://")}"]}}]
""")
    url = f"http://{LOOPBACK}:{free_port()}"
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--rules.alert.resend-delay=1s",
    ]
    with running(command, log=folder / "prometheus.log", ready=answers(f"{url}/-/ready")):
        until(lambda: query(url, "up == 1"), what="the first scrape")
        yield url


def query(url: str, expr: str) -> list[dict[str, Any]]:
    """The result of an instant query."""
    reply = get(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': expr})}")
    found: list[dict[str, Any]] = json.loads(reply)["data"]["result"]
    return found


def samples(url: str, selector: str) -> list[tuple[float, float]]:
    """Time and value of every stored sample of the last minutes, of all series it matches."""
    found = query(url, f"{selector}[10m]")
    return sorted((float(t), float(v)) for series in found for t, v in series["values"])


def held_back(url: str, matchers: Mapping[str, str]) -> list[str]:
    """The ids of the alerts that mute the one with these labels; empty where none does."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=30) as reply:
        alerts = json.load(reply)
    wanted = matchers.items()
    return [i for a in alerts if wanted <= a["labels"].items() for i in a["status"]["inhibitedBy"]]
