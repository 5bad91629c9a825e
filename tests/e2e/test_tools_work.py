"""The outside tools start and do their part, so that other tests may build on them."""

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from support.ports import LOOPBACK, free_port
from support.process import answers, running
from support.wait import until

pytestmark = pytest.mark.xdist_group("tools")

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

SPAN = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "name": "invoke_agent planner",
    "kind": 1,
    "startTimeUnixNano": "1790000000000000000",
    "endTimeUnixNano": "1790000001000000000",
}
REQUEST = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}


def test_prometheus_gets_ready_on_a_free_port(
    prometheus: Path, promtool: Path, tmp_path: Path
) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1s}\n")
    subprocess.run([promtool, "check", "config", config], check=True, capture_output=True)
    url = f"http://{LOOPBACK}:{(port := free_port())}"
    command = [
        prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    with (
        running(command, log=tmp_path / "prometheus.log", ready=answers(f"{url}/-/ready")),
        urllib.request.urlopen(f"{url}/api/v1/query?query=vector(42)", timeout=30) as reply,
    ):
        result = json.load(reply)["data"]["result"]
    assert result[0]["value"][1] == "42"


def test_alertmanager_gets_ready_on_a_free_port(
    alertmanager: Path, amtool: Path, tmp_path: Path
) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    subprocess.run([amtool, "check-config", config], check=True, capture_output=True)
    url = f"http://{LOOPBACK}:{(port := free_port())}"
    command = [
        alertmanager,
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
    ]
    with (
        running(command, log=tmp_path / "alertmanager.log", ready=answers(f"{url}/-/ready")),
        urllib.request.urlopen(f"{url}/api/v2/status", timeout=30) as reply,
    ):
        status = json.load(reply)
    assert status["cluster"]["status"] == "disabled"


def _collector_config(tmp_path: Path, *, otlp_port: int, health_port: int) -> Path:
    config = tmp_path / "collector.yaml"
    config.write_text(f"""
extensions:
  health_check: {{endpoint: "{LOOPBACK}:{health_port}"}}
  file_storage: {{directory: "{tmp_path}"}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: "{LOOPBACK}:{otlp_port}"}}}}}}
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 512}}
  groupbytrace: {{wait_duration: 100ms}}
exporters:
  debug: {{}}
  file: {{path: "{tmp_path / "spans.jsonl"}", flush_interval: 100ms}}
  otlp_grpc:
    endpoint: "{LOOPBACK}:1"
    tls: {{insecure: true}}
    sending_queue: {{storage: file_storage}}
  otlp_http: {{endpoint: "http://{LOOPBACK}:1"}}
  prometheus: {{endpoint: "{LOOPBACK}:0"}}
connectors:
  span_metrics: {{}}
service:
  telemetry: {{metrics: {{level: none}}}}
  extensions: [health_check, file_storage]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, groupbytrace]
      exporters: [debug, file, span_metrics]
    traces/onward: {{receivers: [otlp], exporters: [otlp_grpc, otlp_http]}}
    metrics: {{receivers: [span_metrics], exporters: [prometheus]}}
""")
    return config


def test_the_collector_carries_a_span_from_otlp_to_a_file(otelcol: Path, tmp_path: Path) -> None:
    otlp_port, health_port = free_port(), free_port()
    config = _collector_config(tmp_path, otlp_port=otlp_port, health_port=health_port)
    ready = answers(f"http://{LOOPBACK}:{health_port}/")
    log = tmp_path / "collector.log"
    with running([otelcol, "--config", config], log=log, ready=ready) as collector:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{otlp_port}/v1/traces",
            data=json.dumps(REQUEST).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()
        written = tmp_path / "spans.jsonl"
        line = until(lambda: written.exists() and written.read_text(), what="the span in the file")
    assert json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == SPAN["name"]
    assert re.findall(r"(?i).*deprecat.*", collector.text()) == []


@pytest.mark.parametrize(
    "component",
    ["prometheus", "batch", "tail_sampling", "span_metrics", "file_storage", "otlp_http"],
)
def test_the_collector_has_the_component(otelcol: Path, component: str) -> None:
    listing = subprocess.run([otelcol, "components"], check=True, capture_output=True, text=True)
    assert re.search(rf"name: {component}\n", listing.stdout)


def test_chromium_takes_a_picture_of_a_page(chromium: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=320,200",
        f"--screenshot={picture}",
        "data:text/html,<h1>agentslo</h1>",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    content = picture.read_bytes()
    assert content.startswith(PNG_MAGIC)
    assert (int.from_bytes(content[16:20]), int.from_bytes(content[20:24])) == (320, 200)
