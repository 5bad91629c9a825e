"""What a runbook tells people to type, and runs that put an agent into the state it is for."""

import os
import re
import time
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from support.tools import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "alert-rules" / "runbooks"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
DECLARED, STRAY = "cashier", "stray/cashier"
"""An agent with a file, and one nobody has declared."""

AGENT_FILE = """
agent: cashier
match: {agents: [cashier], services: [till]}
owners: {product: till-team, operations: till-oncall}
task: {unit: one request}
tools:
  lookup: {}
  book: {effect: write}
  refund: {effect: write, permission: never}
slos:
  - {name: success, dimension: success, objective: 95%, min_evidence: heuristic}
  - {name: safety, dimension: safety, objective: 99.9%, min_evidence: heuristic}
"""

RUNS: dict[str, tuple[tuple[str, ...], bool]] = {
    "unsafe_action": (("refund",), False),
    "data_corruption": (("book", "book"), False),
    "tool_failure": (("lookup",), True),
    "limit": (("lookup",) * 12, False),
    "safe_escalation": (("transfer_to_human_agents",), False),
}
"""Outcome to the tools its run calls, and whether they fail."""


def commands(runbook: str) -> list[str]:
    """The lines a person types."""
    text = (FOLDER / f"{runbook}.md").read_text()
    return [
        line
        for kind, block in BLOCK.findall(text)
        if kind == "sh"
        for line in block.strip().splitlines()
    ]


def runbooks() -> list[str]:
    """Every runbook, by its alert."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def request(service: str, outcome: str) -> bytes:
    """A run of the agent of a service that ends so."""
    tools, fails = RUNS[outcome]
    now, trace = time.time_ns(), os.urandom(16)
    about = {"gen_ai.agent.name": "cashier"}
    if service == "stray" and outcome in {"unsafe_action", "data_corruption"}:
        about["agent_slo.declared.outcome"] = outcome  # no file says what its tools may do
    root = _span(trace, b"", "invoke_agent", now, about)
    made = [_call(trace, root, tool, now + number, fails) for number, tool in enumerate(tools)]
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    for key, value in (("service.name", service), ("deployment.environment.name", "prod")):
        group.resource.attributes.append(_attribute(key, value))
    group.scope_spans.add(spans=[*made, root])
    return message.SerializeToString()


def _call(trace: bytes, root: Span, tool: str, now: int, fails: bool) -> Span:
    what = {
        "gen_ai.tool.name": tool,
        "gen_ai.tool.call.arguments": '{"order": 7}',
        "gen_ai.tool.call.result": '{"done": true}',
    }
    call = _span(trace, root.span_id, "execute_tool", now, what)
    if fails:
        call.status.code = Status.STATUS_CODE_ERROR
        call.attributes.append(_attribute("error.type", "Unavailable"))
    return call


def _span(trace: bytes, parent: bytes, operation: str, now: int, more: dict[str, str]) -> Span:
    attributes = {"gen_ai.operation.name": operation, "gen_ai.provider.name": "test", **more}
    return Span(
        trace_id=trace,
        span_id=os.urandom(8),
        parent_span_id=parent,
        name=operation,
        start_time_unix_nano=now - 1_000_000_000 if not parent else now - 500_000_000,
        end_time_unix_nano=now,
        attributes=[_attribute(key, value) for key, value in attributes.items()],
    )


def _attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def agents_folder(folder: Path) -> None:
    """The agent file of the declared agent."""
    (folder / "agents").mkdir()
    (folder / "agents" / "cashier.yaml").write_text(AGENT_FILE)
