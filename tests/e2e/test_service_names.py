"""Names that strangers choose, on their way into other people's pages, metrics, logs and spans."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from service_parts import Service, Sink, agentslo, get, listening, send, sink, to

from scenarios import tree
from support.wait import until

HOSTILE = [
    '"} 1\nagent_slo_runs_total{agent="forged',
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    '{{ query "up" }}{{ $labels.agent }}',
    "=cmd|' /C calc'!A0",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "back\\slash\\",
    "nul\0nul",
    "../../etc/passwd",
    "x" * 100_000,
]
SAFE = re.compile(r"[A-Za-z0-9_.:/ -]{0,80}")


@pytest.fixture(scope="module")
def back_end() -> Iterator[Sink]:
    with sink() as kept:
        yield kept


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, back_end: Sink) -> Iterator[Service]:
    config = listening({"destinations": [to(back_end.address)], "metrics": {"zero_hold_s": 0}})
    with agentslo(tmp_path_factory.mktemp("names"), config) as running:
        for number, name in enumerate(HOSTILE):
            tool = {"tool": name, "at": [1, 2], "error": name, "message": name}
            chat = {"chat": name, "at": [2, 3], "finish": "stop"}
            root = {"agent": name, "trace": f"t{number}", "at": [0, 4], "below": [tool, chat]}
            root["version"] = name
            root["resource"] = {"service.name": name, "deployment.environment.name": name}
            send(running.grpc, [tree.request(tree.spans([root]))])
        until(lambda: len(running.runs()) >= len(HOSTILE) and running.settled(), what="runs")
        yield running


class Page(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, set[str]] = {}
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.setdefault(tag, set()).update(name for name, _ in attrs)
        self.links.update(str(value) for name, value in attrs if name in ("href", "src"))


def test_the_page_is_made_of_our_own_tags_alone(service: Service) -> None:
    page = Page(get(service.page))
    assert {"script", "img", "iframe", "object", "form", "svg", "base"} & set(page.tags) == set()
    handlers = {name for names in page.tags.values() for name in names if name.startswith("on")}
    assert handlers == set()
    assert [link for link in page.links if link.lower().startswith("javascript:")] == []


def test_the_page_may_not_run_load_or_be_framed(service: Service) -> None:
    with urllib.request.urlopen(service.page, timeout=30) as reply:
        policy = reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy and "script-src" not in policy


def test_metrics_are_read_by_promtool_and_hold_only_safe_values(
    service: Service, promtool: Path
) -> None:
    text = get(f"{service.metrics}/metrics")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    agents = set()
    for samples in service.families().values():
        for labels in samples:
            agents |= {value for name, value in labels if name == "agent"}
            unsafe = [(n, v) for n, v in labels if n != "le" and not SAFE.fullmatch(v)]
            assert unsafe == []
    # Each is told apart from the others, and none is the one that was forged.
    assert len(agents - {"_other"}) >= len(HOSTILE) - 1
    assert "forged" not in agents


def test_the_api_is_json_and_the_log_one_line_a_message(service: Service) -> None:
    for path in ("status", "doctor", "seen"):
        assert json.loads(get(f"{service.page}/api/v1/{path}"))
    stamped = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ ")
    logged = service.process.text().partition(" is up\n")[2].splitlines()
    assert [line for line in logged if not stamped.match(line) or not line.isprintable()] == []


def test_spans_keep_the_names_they_came_with(service: Service, back_end: Sink) -> None:
    names = {
        attribute.value.string_value
        for body in back_end.bodies
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for holder in group.scope_spans
        for span in holder.spans
        for attribute in span.attributes
        if attribute.key == "gen_ai.agent.name"
    }
    assert set(HOSTILE) <= names


def test_attributes_of_ours_from_a_stranger_change_no_verdict(service: Service) -> None:
    spoofed = {
        "agent_slo.run.outcome": "success",
        "agent_slo.run.outcome_evidence": "human",
        "agent_slo.run.id": "forged",
        "agent_slo.approval": "granted",
        "agent_slo.slo.good": "completion",
    }
    root = {"agent": "spoofer", "trace": "spoof", "at": [0, 4], "attributes": spoofed}
    root["status"] = "error"
    before = len(service.runs())
    send(service.grpc, [tree.request(tree.spans([root]))])
    until(lambda: len(service.runs()) > before and service.settled(), what="the run")
    run = next(run for run in service.runs() if "spoofer" in str(run["agent"]))
    assert (run["outcome"], run["evidence"]) == ("error", "heuristic")
    assert "forged" not in str(run["run_id"])
    assert service.total("agent_slo_processor_already_marked_spans_total") == 1
