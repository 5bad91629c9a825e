"""From the compact tree form of a scenario to OTLP spans.

In: the `spans` and `logs` of a scenario file, as plain YAML values. Out: `Sent` spans in the order
written, export requests as bytes. No state.

A span is a mapping. What it is, by one of these keys (the value is the agent's, tool's or model's
name), or none of them for infrastructure: `agent workflow chat tool retrieve embed create_agent`
(OTel GenAI), `oi` (OpenInference kind), `tl` (OpenLLMetry kind). Then, all optional:

    name, id, trace        texts; ids and trace ids are hashes of them; `trace` holds below as well
    at                     [start, end] in seconds after 2026-01-01T00:00:00Z
    below                  the spans under it
    parent, remote         a parent that is not above it here; what the OTLP flags say of the parent
    kind, status, message  OTLP span kind and status
    error, exception       `error.type` with status ERROR; an `exception` event of that type
    service, resource, scope    hold below as well
    conversation, version, finish, tokens, args, result, triggered      GenAI attributes
    attributes, events, links   anything else
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

# Values as YAML gives them: this module is the edge where they get a type.
Yaml = Any

EPOCH_NS = 1_767_225_600_000_000_000
S = 1_000_000_000
REMOTE_KNOWN, REMOTE = 0x100, 0x200

# What a span is -> the attributes that say so; {} stands for the name given.
GENAI: dict[str, tuple[str, str]] = {
    "workflow": ("invoke_workflow", "gen_ai.workflow.name"),
    "agent": ("invoke_agent", "gen_ai.agent.name"),
    "chat": ("chat", "gen_ai.request.model"),
    "tool": ("execute_tool", "gen_ai.tool.name"),
    "retrieve": ("retrieval", "gen_ai.data_source.id"),
    "embed": ("embeddings", "gen_ai.request.model"),
    "create_agent": ("create_agent", "gen_ai.agent.name"),
    "guardrail": ("apply_guardrail", "gen_ai.guardrail.name"),
}
FOREIGN = {"oi": "openinference.span.kind", "tl": "traceloop.span.kind"}
PLAIN = {
    "conversation": "gen_ai.conversation.id",
    "version": "gen_ai.agent.version",
    "args": "gen_ai.tool.call.arguments",
    "result": "gen_ai.tool.call.result",
    "triggered": "gen_ai.guardrail.triggered",
}
IDENTITY = {"name", "id", "trace", "parent", "remote", "service", "resource", "scope", "links"}
COURSE = {"at", "below", "kind", "status", "message", "error", "exception", "finish", "tokens"}
KEYS = IDENTITY | COURSE | {"attributes", "events"} | {*GENAI, *FOREIGN, *PLAIN}
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
STATUSES = {"unset": 0, "ok": 1, "error": 2}


class ScenarioError(ValueError):
    """A scenario file that cannot be understood; the message names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One span, what names it in the scenario, and who sends it."""

    label: str
    span: Span
    resource: tuple[tuple[str, str], ...]
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Above:
    """What a span takes over from the one it is written under."""

    trace: str = "t"
    span_id: bytes = b""
    resource: Mapping[str, str] = field(default_factory=lambda: {"service.name": "shop"})
    scope: str = "genai.test"


def trace_id(label: str) -> bytes:
    """The trace id that `trace: label` stands for."""
    return hashlib.blake2b(b"trace " + label.encode(), digest_size=16).digest()


def span_id(label: str) -> bytes:
    """The span id that `id: label` stands for."""
    return hashlib.blake2b(b"span " + label.encode(), digest_size=8).digest()


def at_ns(seconds: float) -> int:
    """A scenario's time as unix ns."""
    return EPOCH_NS + round(seconds * S)


def spans(rows: Sequence[Yaml]) -> list[Sent]:
    """All spans of a scenario, in the order written."""
    return list(_walk(rows, _Above(), itertools.count(1)))


def _walk(rows: Sequence[Yaml], above: _Above, number: Iterator[int]) -> Iterator[Sent]:
    for row in rows:
        label = str(row.get("id") or f"span {next(number)}")
        if unknown := set(row) - KEYS:
            raise ScenarioError(f"{label}: unknown keys {sorted(unknown)}")
        trace = str(row.get("trace", above.trace))
        here = replace(
            above,
            trace=trace,
            span_id=span_id(label),
            resource={**above.resource, **_resource(row)},
            scope=str(row.get("scope", above.scope)),
        )
        parent = span_id(str(row["parent"])) if "parent" in row else above.span_id
        yield Sent(
            label=label,
            span=_span(row, trace, here.span_id, parent),
            resource=tuple(here.resource.items()),
            scope=here.scope,
        )
        yield from _walk(row.get("below", ()), here, number)


def _resource(row: Yaml) -> dict[str, str]:
    given = dict(row.get("resource", {}))
    if "service" in row:
        given["service.name"] = row["service"]
    return given


def _span(row: Yaml, trace: str, ident: bytes, parent: bytes) -> Span:
    start, end = row.get("at", (0, 1))
    attributes, name, kind = _meaning(row)
    if "error" in row:
        attributes["error.type"] = row["error"]
    attributes.update(row.get("attributes", {}))
    span = Span(
        trace_id=trace_id(trace),
        span_id=ident,
        parent_span_id=parent,
        name=str(row.get("name", name)),
        kind=KINDS[row.get("kind", kind)],  # type: ignore[arg-type]  # an int, as protobuf takes
        start_time_unix_nano=at_ns(start),
        end_time_unix_nano=at_ns(end),
        attributes=pairs(attributes),
        status=_status(row),
    )
    if "remote" in row:
        span.flags = REMOTE_KNOWN | (REMOTE if row["remote"] else 0)
    for event in _events(row):
        span.events.add(
            name=event["name"],
            time_unix_nano=at_ns(event.get("at", end)),
            attributes=pairs(event.get("attributes", {})),
        )
    for link in row.get("links", ()):
        span.links.add(trace_id=trace_id(str(link["trace"])), span_id=span_id(str(link["id"])))
    return span


def _meaning(row: Yaml) -> tuple[dict[str, Yaml], str, str]:
    """(attributes, default name, default kind) from what the span is said to be."""
    attributes: dict[str, Yaml] = {}
    name, kind = str(row.get("name", "work")), "internal"
    for key, (operation, concept) in GENAI.items():
        if key in row:
            attributes["gen_ai.operation.name"] = operation
            if row[key]:
                attributes[concept] = row[key]
            name = f"{operation} {row[key] or ''}".strip()
            kind = "client" if key in ("chat", "embed") else kind
    for key, marker in FOREIGN.items():
        if key in row:
            attributes[marker] = row[key]
    attributes.update({PLAIN[key]: row[key] for key in PLAIN if key in row})
    if "finish" in row:
        attributes["gen_ai.response.finish_reasons"] = [row["finish"]]
    if "tokens" in row:
        attributes["gen_ai.usage.input_tokens"] = row["tokens"][0]
        attributes["gen_ai.usage.output_tokens"] = row["tokens"][1]
    return attributes, name, kind


def _status(row: Yaml) -> Status:
    status = row.get("status", "error" if "error" in row else "unset")
    return Status(code=STATUSES[status], message=row.get("message", ""))  # type: ignore[arg-type]  # an int, as protobuf takes


def _events(row: Yaml) -> list[Yaml]:
    raised = row.get("exception")
    made = [{"name": "exception", "attributes": {"exception.type": raised}}] if raised else []
    return [*made, *row.get("events", ())]


def any_value(value: Yaml) -> AnyValue:
    """A YAML value as an OTLP AnyValue; mappings and lists become kvlists and arrays."""
    found = AnyValue()
    if isinstance(value, bool):
        found.bool_value = value
    elif isinstance(value, int):
        found.int_value = value
    elif isinstance(value, float):
        found.double_value = value
    elif isinstance(value, list):
        found.array_value.values.extend(any_value(v) for v in value)
    elif isinstance(value, dict):
        found.kvlist_value.values.extend(pairs(value))
    elif isinstance(value, bytes):
        found.bytes_value = value
    else:
        found.string_value = str(value)
    return found


def pairs(values: Mapping[str, Yaml]) -> list[KeyValue]:
    """A mapping as OTLP attributes, in its order."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def request(sent: Iterable[Sent]) -> bytes:
    """One export request; neighbours of one sender share a group, the order stays."""
    message = ExportTraceServiceRequest()
    for (resource, scope), group in itertools.groupby(sent, key=lambda s: (s.resource, s.scope)):
        batch = message.resource_spans.add()
        batch.resource.attributes.extend(pairs(dict(resource)))
        holder = batch.scope_spans.add()
        holder.scope.name = scope
        holder.spans.extend(s.span for s in group)
    return message.SerializeToString()


def log_request(row: Yaml) -> bytes:
    """One evaluation as a logs export request: `evaluation at about trace label score attributes`,
    `as: event_name` (default), `as: attribute`, the older way to name an event, or `as: untraced`.
    """
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = at_ns(row["at"])
    if row.get("as") != "untraced":
        record.trace_id = trace_id(str(row.get("trace", "t")))
    if "about" in row:
        record.span_id = span_id(str(row["about"]))
    found = {"gen_ai.evaluation.name": row["evaluation"]}
    if "label" in row:
        found["gen_ai.evaluation.score.label"] = row["label"]
    if "score" in row:
        found["gen_ai.evaluation.score.value"] = row["score"]
    if row.get("as") == "attribute":
        found["event.name"] = "gen_ai.evaluation.result"
    else:
        record.event_name = "gen_ai.evaluation.result"
    record.attributes.extend(pairs({**found, **row.get("attributes", {})}))
    return message.SerializeToString()
