"""Spans as values that can be compared, and what agentslo says on them."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

OWN_SCOPE = "agentslo"
OWN = "agent_slo."
ID_KEYS = frozenset({"traceId", "spanId", "parentSpanId"})

Comparable = tuple[bytes, str, bytes, str, bytes]
"""Resource, its schema URL, scope, its schema URL, span."""


def requests_in_file(path: Path) -> Iterator[ExportTraceServiceRequest]:
    """The OTLP/JSON a Collector wrote, whole lines only: it may still be writing the last."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    for line in text[: text.rfind("\n") + 1].splitlines():
        yield json_format.ParseDict(_with_base64_ids(json.loads(line)), ExportTraceServiceRequest())


def _with_base64_ids(value: object) -> object:
    """OTLP/JSON writes ids in hex where protobuf's JSON has base64."""
    if isinstance(value, list):
        return [_with_base64_ids(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {
        k: base64.b64encode(bytes.fromhex(v)).decode() if k in ID_KEYS else _with_base64_ids(v)
        for k, v in value.items()
    }


def requests_of(bodies: Iterable[bytes]) -> Iterator[ExportTraceServiceRequest]:
    """Requests from their bytes."""
    return (ExportTraceServiceRequest.FromString(body) for body in bodies)


@dataclass
class Seen:
    """The spans in some requests: those that came in (without what was added), and verdicts."""

    spans: Counter[Comparable] = field(default_factory=Counter)
    ids: Counter[tuple[bytes, bytes]] = field(default_factory=Counter)
    roots: set[tuple[str, str]] = field(default_factory=set)
    """(run id, outcome) of the run roots."""
    verdicts: list[tuple[str, str]] = field(default_factory=list)
    """(run id, outcome) of the verdict spans."""

    @property
    def said(self) -> set[tuple[str, str]]:
        """(run id, outcome) of run roots and verdict spans."""
        return self.roots | set(self.verdicts)


def seen(requests: Iterable[ExportTraceServiceRequest]) -> Seen:
    """Sorts the spans of some requests."""
    found = Seen()
    for request in requests:
        for group in request.resource_spans:
            for holder in group.scope_spans:
                for span in holder.spans:
                    _note(found, group, holder, span)
    return found


def _note(found: Seen, group: ResourceSpans, holder: ScopeSpans, span: Span) -> None:
    own = {a.key: a.value.string_value for a in span.attributes if a.key.startswith(OWN)}
    said = own.get("agent_slo.run.id", ""), own.get("agent_slo.run.outcome", "")
    if holder.scope.name == OWN_SCOPE:
        found.verdicts.append(said)
        return
    if said[0]:
        found.roots.add(said)
    found.ids[span.trace_id, span.span_id] += 1
    found.spans[comparable(group, holder, span)] += 1


def comparable(group: ResourceSpans, holder: ScopeSpans, span: Span) -> Comparable:
    """A span with where it came from, without what agentslo added."""
    bare = Span()
    bare.CopyFrom(span)
    del bare.attributes[:]
    bare.attributes.extend(a for a in span.attributes if not a.key.startswith(OWN))
    return (
        _bytes(group.resource),
        group.schema_url,
        _bytes(holder.scope),
        holder.schema_url,
        _bytes(bare),
    )


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
