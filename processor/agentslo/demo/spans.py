"""One run of an agent as its framework would have sent it: OTLP spans by the GenAI conventions.

In: a `Play` (what the agent did), the time it ended, random numbers. Out: an export request, the
same for the same random numbers but for its ids, which are new. No state. Source: the OTel GenAI
semantic conventions.
"""

import json
import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

MODEL = "demo-model"
_NS = 1_000_000_000
_THINKING_S = 0.7
Value = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call; `error` names what went wrong, and there is then no result."""

    tool: str
    arguments: Mapping[str, object]
    result: Mapping[str, object] | None = None
    error: str = ""
    took_s: float = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What an agent did in one run. Without an answer it ended after its last tool."""

    agent: str
    asked: str
    calls: tuple[Call, ...] = ()
    answer: str = "Done."
    version: str = "1.0.0"
    prompt: str = "p1"
    task_type: str = "request"
    environment: str = "production"


def request(play: Play, ended_ns: int, chance: random.Random) -> bytes:
    """The run's spans as one export request; its last span ends at `ended_ns`."""
    out = ExportTraceServiceRequest()
    group = out.resource_spans.add()
    group.resource.attributes.extend(
        _attributes(
            {
                "service.name": play.agent,
                "service.version": play.version,
                "service.instance.id": "demo",
                "deployment.environment.name": play.environment,
            }
        )
    )
    scope = group.scope_spans.add()
    scope.scope.name = "agentslo.demo.fleet"
    scope.spans.extend(_spans(play, ended_ns, chance))
    return out.SerializeToString()


def _spans(play: Play, ended_ns: int, chance: random.Random) -> Iterator[Span]:
    """Children first, as SDKs send them: a span leaves when it ends."""
    trace_id, root_id = secrets.token_bytes(16), secrets.token_bytes(8)
    pace = chance.lognormvariate(0, 0.3)
    turns = len(play.calls) + bool(play.answer)
    total_s = pace * (sum(c.took_s for c in play.calls) + _THINKING_S * turns)
    at_ns = start_ns = ended_ns - int(total_s * _NS)
    for place, step in enumerate(_steps(play)):
        took_s = pace * (step.took_s if isinstance(step, Call) else _THINKING_S)
        attributes = _call(step, place) if isinstance(step, Call) else _chat(step, chance)
        span = _span(trace_id, secrets.token_bytes(8), root_id, at_ns, attributes)
        at_ns += int(took_s * _NS)
        span.end_time_unix_nano = at_ns
        if isinstance(step, Call) and step.error:
            span.status.code = Status.STATUS_CODE_ERROR
        yield span
    root = _span(trace_id, root_id, b"", start_ns, _root(play))
    root.end_time_unix_nano = max(at_ns, start_ns)
    yield root


def _steps(play: Play) -> Iterator[Call | str]:
    """The model asks for each tool ("tool_calls"), then answers ("stop")."""
    for call in play.calls:
        yield "tool_calls"
        yield call
    if play.answer:
        yield "stop"


def _root(play: Play) -> dict[str, Value]:
    asked = [{"role": "user", "parts": [{"type": "text", "content": play.asked}]}]
    said = [{"role": "assistant", "parts": [{"type": "text", "content": play.answer}]}]
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "demo",
        "gen_ai.agent.name": play.agent,
        "gen_ai.agent.version": play.version,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(said),
        "agent_slo.declared.prompt_version": play.prompt,
        "agent_slo.declared.task_type": play.task_type,
    }


def _chat(finish: str, chance: random.Random) -> dict[str, Value]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "demo",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.model": MODEL,
        "gen_ai.response.finish_reasons": [finish],
        "gen_ai.usage.input_tokens": int(chance.lognormvariate(6.3, 0.3)),
        "gen_ai.usage.output_tokens": int(chance.lognormvariate(4.2, 0.3)),
    }


def _call(call: Call, place: int) -> dict[str, Value]:
    ended: dict[str, Value] = (
        {"error.type": call.error}
        if call.error
        else {"gen_ai.tool.call.result": json.dumps(call.result or {})}
    )
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.tool,
        "gen_ai.tool.call.id": f"call-{place}",
        "gen_ai.tool.call.arguments": json.dumps(call.arguments),
        **ended,
    }


def _span(
    trace_id: bytes, span_id: bytes, parent_id: bytes, start_ns: int, attributes: dict[str, Value]
) -> Span:
    what = attributes.get("gen_ai.tool.name") or attributes.get("gen_ai.agent.name") or MODEL
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        name=f"{attributes['gen_ai.operation.name']} {what}",
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start_ns,
        attributes=_attributes(attributes),
    )


def _attributes(values: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_value(v) for v in value]))
    return AnyValue(string_value=value)
