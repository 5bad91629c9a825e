"""Plays a scenario file through `agentslo replay` and compares what it prints.

In: a YAML file (keys below). Out: a list of differences, empty where all is as expected. No state.

    title, why     what it shows; one sentence with the source
    pending        why it is not so yet; the scenario must then fail
    config         the text of a service file
    agents         agent files: as mappings, or the names of those in examples/agents
    spans          the spans, in the form of `tree.py`
    requests       a list of `{spans: [ids], at: seconds}`: which spans go together, in which order;
                   `at` moves the stream's clock there by a span of a trace of its own
    json           instead of spans: lines of OTLP/JSON as the Collector's file exporter writes them
    logs           evaluations, in the form of `tree.log_request`
    expect         `runs`: by start time, each a part of its line; `root` and `lost` stand for the
                   id of the root and of the parent that never came; `corrections`: in order;
                   `explained`: pieces of what `agentslo explain` says of it all;
                   `series`: lines of /metrics and their values at the end

Where no `requests` are given, the order in which spans come must not matter: `ORDERS`.
"""

import contextlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentslo.cli.main import main
from agentslo.config.service_file import load as load_config
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from agentslo.otlp.files import Report, expand, merged
from agentslo.service.assembly import directory
from agentslo.service.recorder import Recorder
from agentslo.service.stream import Stream
from scenarios import tree
from scenarios.tree import ScenarioError, Sent, Yaml
from support.tools import PROJECT_ROOT

KEYS = {
    "title",
    "why",
    "pending",
    "config",
    "agents",
    "spans",
    "requests",
    "json",
    "logs",
    "expect",
}
Line = dict[str, Yaml]
Requests = list[list[Sent]]

ORDERS: dict[str, Callable[[list[Sent]], Requests]] = {
    "as written": lambda sent: [sent],
    "reversed": lambda sent: [sent[::-1]],
    "each span in a request of its own": lambda sent: [
        [s] for s in sorted(sent, key=lambda s: s.span.end_time_unix_nano)
    ],
}
SHOWN = ("run_id", "agent", "outcome", "reason", "evidence", "finalized_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario file, read."""

    path: Path
    title: str
    why: str
    pending: str = ""
    config: str = ""
    agents: list[Yaml] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    requests: list[Yaml] = field(default_factory=list)
    json: str = ""
    logs: list[Yaml] = field(default_factory=list)
    expect: Yaml = field(default_factory=dict)

    @property
    def orders(self) -> Sequence[str]:
        """The ways in which the spans may come."""
        fixed = self.requests or self.json
        return ("as stated",) if fixed else (*ORDERS, "as OTLP/JSON")


def load(path: Path) -> Scenario:
    """The scenario of a file. Raises `ScenarioError` with what is wrong."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if unknown := set(found) - KEYS:
        raise ScenarioError(f"{path.name}: unknown keys {sorted(unknown)}")
    for key in ("title", "why", "expect"):
        if not found.get(key):
            raise ScenarioError(f"{path.name}: no {key}")
    return Scenario(
        path=path,
        title=found["title"],
        why=found["why"],
        pending=found.get("pending", ""),
        config=found.get("config", ""),
        agents=found.get("agents", []),
        sent=tree.spans(found.get("spans", ())),
        requests=found.get("requests", []),
        json=found.get("json", ""),
        logs=found.get("logs", []),
        expect=found["expect"],
    )


def play(scenario: Scenario, order: str, folder: Path) -> list[Line]:
    """The lines that replay prints, the summary last. `folder`: an empty one to write in."""
    if scenario.json:
        (folder / "traces.jsonl").write_text(scenario.json, encoding="utf-8")
    elif order == "as OTLP/JSON":
        lines = [otlp_json(tree.request(scenario.sent))]
        (folder / "traces.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        requests = ORDERS[order](scenario.sent) if order in ORDERS else _stated(scenario)
        bodies = [tree.request(r) for r in requests]
        (folder / "traces.otlp").write_bytes(b"".join(map(frame, bodies)))
    if scenario.logs:
        logs = [tree.log_request(row) for row in sorted(scenario.logs, key=lambda r: r["at"])]
        (folder / "evaluations.otlp-logs").write_bytes(b"".join(map(frame, logs)))
    options = ["--format", "jsonl"]
    if scenario.config or scenario.agents:
        options += ["--config", str(_write_config(scenario, folder))]
    return replay(*options, str(folder))


def _write_config(scenario: Scenario, folder: Path) -> Path:
    """The service file, with the agent files beside it, where a service looks for them."""
    config, agents = folder / "agentslo.yaml", folder / "agents"
    config.write_text(scenario.config or "{}", encoding="utf-8")
    agents.mkdir()
    for number, agent in enumerate(scenario.agents):
        example = PROJECT_ROOT / "examples" / "agents" / f"{agent}.yaml"
        text = example.read_text() if isinstance(agent, str) else yaml.safe_dump(agent)
        (agents / f"{number}.yaml").write_text(text, encoding="utf-8")
    return config


def explained(folder: Path) -> str:
    """What `agentslo explain` says of a folder that `play` has written to."""
    out, config = io.StringIO(), folder / "agentslo.yaml"
    options = ["--config", str(config)] if config.exists() else []
    with contextlib.redirect_stdout(out):
        code = main(["explain", *options, str(folder)])
    if code:
        raise ScenarioError(f"explain gave {code}")
    return out.getvalue()


def series(folder: Path) -> dict[str, float]:
    """The lines of /metrics after a folder that `play` has written to, by series."""
    config = folder / "agentslo.yaml"
    service = load_config(config if config.exists() else None, {})
    recorder, report, now_ns = Recorder(Metrics()), Report(), 0
    files = expand([str(folder)], report)
    for happening in Stream(service).play(merged(files, report)):
        recorder.record(happening, now_ns)
    recorder.objectives(directory(service))
    recorder.metrics.release_all()
    text = b"".join(render(recorder.metrics, now_ns, Format.TEXT)).decode()
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def replay(*arguments: str) -> list[Line]:
    """The lines that `agentslo replay` prints with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["replay", *arguments])
    if code:
        raise ScenarioError(f"replay gave {code}: {err.getvalue()}")
    return [json.loads(line) for line in out.getvalue().splitlines()]


def frame(body: bytes) -> bytes:
    """A message as varint-length-delimited files hold it."""
    size, head = len(body), bytearray()
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*head, size]) + body


def otlp_json(body: bytes) -> str:
    """A traces request as OTLP/JSON: ids in hex, 64-bit integers as strings."""
    message = ExportTraceServiceRequest.FromString(body)
    found = MessageToDict(message, use_integers_for_enums=True)
    for group, written in zip(message.resource_spans, found["resourceSpans"], strict=True):
        for span, target in zip(
            group.scope_spans[0].spans, written["scopeSpans"][0]["spans"], strict=True
        ):
            target["traceId"], target["spanId"] = span.trace_id.hex(), span.span_id.hex()
            target["parentSpanId"] = span.parent_span_id.hex()
            for link, linked in zip(span.links, target.get("links", ()), strict=True):
                linked["traceId"], linked["spanId"] = link.trace_id.hex(), link.span_id.hex()
    return json.dumps(found)


def _stated(scenario: Scenario) -> Requests:
    """The requests as the file lists them; a label used twice gives its spans in order."""
    waiting: dict[str, list[Sent]] = {}
    for sent in scenario.sent:
        waiting.setdefault(sent.label, []).append(sent)
    out = []
    for number, row in enumerate(scenario.requests):
        found = [waiting[str(label)].pop(0) for label in row.get("spans", ())]
        out.append([*found, *(_tick(number, row["at"]) if "at" in row else ())])
    if left := [label for label, rest in waiting.items() if rest]:
        raise ScenarioError(f"{scenario.path.name}: in no request: {left}")
    return out


def _tick(number: int, at: float) -> list[Sent]:
    row = {"name": "tick", "id": f"tick {number}", "trace": f"tick {number}", "at": [at, at]}
    return tree.spans([row])


def differences(scenario: Scenario, lines: Iterable[Line]) -> list[str]:
    """What is not as expected, one line each."""
    by_type: dict[str, list[Line]] = {"run": [], "correction": []}
    for line in lines:
        by_type.setdefault(line["type"], []).append(line)
    runs = sorted(by_type["run"], key=lambda r: (r["start"], r["run_id"]))
    wanted_runs = [_resolved(row) for row in scenario.expect.get("runs", ())]
    wanted_corrections = [_corrected(row) for row in scenario.expect.get("corrections", ())]
    return [
        *_compare("run", wanted_runs, runs),
        *_compare("correction", wanted_corrections, by_type["correction"]),
    ]


def _compare(what: str, wanted: list[Line], got: list[Line]) -> list[str]:
    out = []
    for number, (want, line) in enumerate(zip(wanted, got, strict=False), 1):
        for key, value in want.items():
            if _part(value, line.get(key)) != value:
                out.append(f"{what} {number}: {key}: expected {value!r}, got {line.get(key)!r}")
    if len(wanted) != len(got):
        out.append(f"expected {len(wanted)} {what}s, got {len(got)}")
    if out:
        out.extend(f"  {what} {n}: {_shown(line)}" for n, line in enumerate(got, 1))
    return out


def _part(wanted: Yaml, got: Yaml) -> Yaml:
    """Of a mapping only the keys that are asked for."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return {key: got[key] for key in wanted if key in got}
    return got


def _shown(line: Line) -> str:
    keys = SHOWN if line["type"] == "run" else ("run_id", "from", "to", "source")
    return ", ".join(f"{key}={line.get(key)}" for key in keys)


def _resolved(row: Line) -> Line:
    """An expected run with its labels as ids."""
    wanted = dict(row)
    trace = tree.trace_id(str(wanted.pop("trace", "t"))).hex()
    if "root" in wanted:
        root = tree.span_id(str(wanted.pop("root"))).hex()
        wanted.update(root_span_id=root, run_id=f"{trace}:{root}")
    if "lost" in wanted:
        lost = tree.span_id(str(wanted.pop("lost"))).hex()
        wanted.update(root_span_id=None, run_id=f"{trace}:{lost}")
    return wanted


def _corrected(row: Line) -> Line:
    """An expected correction with its labels as ids."""
    wanted = dict(row)
    trace = tree.trace_id(str(wanted.pop("trace", "t"))).hex()
    if "root" in wanted:
        wanted["run_id"] = f"{trace}:{tree.span_id(str(wanted.pop('root'))).hex()}"
    return wanted
