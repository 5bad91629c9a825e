"""agentslo, Prometheus, Alertmanager and a receiver: a run that goes wrong reaches somebody.

The rules are the committed ones with minutes made seconds; everything else is as shipped.
"""

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from alert_parts import (
    TOKEN,
    Hook,
    alertmanager_server,
    held_back,
    prometheus_server,
    query,
    samples,
    webhook,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from service_parts import Service, agentslo, listening, send

from support.wait import until

pytestmark = [pytest.mark.xdist_group("alerts"), pytest.mark.timeout(300)]

AGENT_FILE = """
agent: {name}
match: {{agents: [{name}]}}
owners: {{product: {name}-team, operations: {name}-oncall}}
task: {{unit: one request}}
tools:
  lookup: {{}}
  refund: {{effect: write, permission: never}}
slos:
  - {{name: success, dimension: success, objective: 95%, min_evidence: heuristic}}
  - {{name: safety, dimension: safety, objective: 99.9%, min_evidence: heuristic}}
"""


@dataclass(frozen=True)
class Stack:
    service: Service
    prometheus: str
    alertmanager: str
    hook: Hook

    def run(self, agent: str, tool: str = "lookup", *, fails: bool = False) -> None:
        """One run of an agent: a tool call and, unless it fails, an answer."""
        send(self.service.grpc, [spans(agent, tool, fails=fails)])

    def value(self, expr: str) -> float:
        found = query(self.prometheus, expr)
        return float(found[0]["value"][1]) if found else 0.0


@pytest.fixture(scope="module")
def stack(
    prometheus: Path, alertmanager: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "agents").mkdir()
    for name in ("cashier", "desk"):
        (folder / "agents" / f"{name}.yaml").write_text(AGENT_FILE.format(name=name))
    config = {"metrics": {"zero_hold_s": 3}}
    with (
        webhook() as (hook_url, hook),
        agentslo(folder, listening(config)) as service,
        alertmanager_server(alertmanager, folder, hook_url) as am,
        prometheus_server(prometheus, folder, service.metrics, am) as prom,
    ):
        yield Stack(service, prom, am, hook)


_NUMBERS = itertools.count(1)


def spans(agent: str, tool: str, *, fails: bool) -> bytes:
    """A run's request: root, tool call, answer."""
    now, trace = time.time_ns(), os.urandom(16)
    root = _span(trace, b"", "invoke_agent", now, {"gen_ai.agent.name": agent})
    call = _span(trace, root.span_id, "execute_tool", now, {"gen_ai.tool.name": tool})
    made = [call, root]
    if fails:
        call.status.code = Status.STATUS_CODE_ERROR
        call.attributes.append(_attribute("error.type", "Unavailable"))
    else:
        answer = _span(trace, root.span_id, "chat", now, {"gen_ai.request.model": "m"})
        stop = ArrayValue(values=[AnyValue(string_value="stop")])
        answer.attributes.append(
            KeyValue(key="gen_ai.response.finish_reasons", value=AnyValue(array_value=stop))
        )
        made.insert(1, answer)
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for key, value in (
        ("service.name", agent),
        ("service.instance.id", "i"),
        ("deployment.environment.name", "prod"),
    ):
        group.resource.attributes.append(_attribute(key, value))
    group.scope_spans.add(spans=made)
    return request.SerializeToString()


def _attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _span(trace: bytes, parent: bytes, operation: str, now: int, extra: dict[str, str]) -> Span:
    attributes = {"gen_ai.operation.name": operation, "gen_ai.provider.name": "test", **extra}
    return Span(
        trace_id=trace,
        span_id=os.urandom(8),
        parent_span_id=parent,
        name=operation,
        start_time_unix_nano=now - 1_000_000 * (1000 if not parent else 500),
        end_time_unix_nano=now + next(_NUMBERS),
        attributes=[_attribute(key, value) for key, value in attributes.items()],
    )


def test_an_unsafe_run_of_a_known_agent_pages_within_two_evaluations_of_being_scraped(
    stack: Stack,
) -> None:
    stack.run("cashier")
    until(
        lambda: query(stack.prometheus, 'agent_slo:agent_owner:info{agent="cashier"}'),
        what="the agent to be known",
    )
    bad = 'agent_slo_events_total{agent="cashier",slo="safety",result="bad"}'
    until(lambda: len(samples(stack.prometheus, bad)) >= 2, what="its safety events at 0")
    stack.run("cashier", "refund")
    page = until(
        lambda: stack.hook.alerts("/page", "AgentUnsafeAction", "cashier"), what="the page"
    )[0]
    assert (page["status"], page["labels"]["owner"]) == ("firing", "cashier-oncall")
    assert page["annotations"]["runbook_url"].endswith("/AgentUnsafeAction.md")
    assert "cashier (prod)" in page["annotations"]["summary"]
    assert {auth for path, auth, _ in stack.hook.told if path == "/page"} == {f"Bearer {TOKEN}"}

    seen = next(t for t, v in samples(stack.prometheus, bad) if v > 0)
    fires = 'ALERTS{agent="cashier",alertname="AgentUnsafeAction",alertstate="firing"}'
    fired = samples(stack.prometheus, fires)[0][0]
    counts = 'agent_slo:safety_bad_runs:increase30m{agent="cashier"}'
    evaluations = [t for t, _ in samples(stack.prometheus, counts) if seen < t <= fired]
    assert len(evaluations) <= 2


def test_a_burn_pages_with_its_ticket_muted_and_resolves(stack: Stack) -> None:
    ticket = {"alertname": "AgentSLOErrorBudgetBurnTicket", "agent": "desk", "slo": "success"}
    stack.run("desk")
    until(
        lambda: stack.value('agent_slo_events_total{agent="desk",slo="success",result="good"}'),
        what="a good run",
    )

    def failing_until_muted() -> bool:
        stack.run("desk", fails=True)
        return bool(held_back(stack.alertmanager, ticket))

    until(failing_until_muted, what="the ticket to fire and to be muted")
    page = stack.hook.alerts("/page", "AgentSLOErrorBudgetBurn", "desk")[0]
    assert (page["status"], page["labels"]["slo"]) == ("firing", "success")
    assert "--action to_humans" in page["annotations"]["contain"]
    assert stack.hook.alerts("/ticket", "AgentSLOErrorBudgetBurnTicket", "desk") == []

    def mended_until_resolved() -> bool:
        stack.run("desk")
        told = stack.hook.alerts("/page", "AgentSLOErrorBudgetBurn", "desk")
        last = {alert["labels"]["window"]: alert["status"] for alert in told}
        return set(last.values()) == {"resolved"}

    until(mended_until_resolved, timeout_s=150, what="every page to resolve")


def test_the_watchdog_reaches_its_dead_mans_switch(stack: Stack) -> None:
    until(lambda: [b for path, _, b in stack.hook.told if path == "/deadman"], what="the watchdog")
