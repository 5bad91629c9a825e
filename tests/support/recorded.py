"""Recorded spans under tests/data/dialects, as what a dialect sees and as runs.

In: a name. Out: spans, steps by their span's name, or the runs `agentslo replay` prints. No state.
Each file says what it was made with. Stack traces, tool schemas and prompts are cut out; everything
else is as it was sent.
"""

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.cli.main import main
from agentslo.dialects.base import SpanView
from agentslo.dialects.read import Reader
from agentslo.model import Step
from agentslo.testing import span

FOLDER = Path(__file__).parents[1] / "data" / "dialects"
START_NS = 1_767_225_600_000_000_000

# Spans as JSON gives them: this module is the edge where they get a type.
Json = Any


def rows(name: str) -> list[Json]:
    """The spans of a recording, by start."""
    found: list[Json] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["spans"]
    return found


def views(name: str) -> list[SpanView]:
    """The spans of a recording as a dialect sees them."""
    return [_view(row) for row in rows(name)]


def steps(name: str, reader: Reader | None = None) -> list[Step]:
    """What is read from a recording, without the spans that belong to no agent."""
    read = (reader or Reader()).step
    return [step for view in views(name) if (step := read(view, 0)) is not None]


def runs(name: str, folder: Path) -> list[Json]:
    """The runs in a recording, by start. `folder`: an empty one to write in."""
    body = _request(rows(name)).SerializeToString()
    (folder / "traces.otlp").write_bytes(_varint(len(body)) + body)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(["replay", "--format", "jsonl", str(folder)])
    assert code == 0
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    return sorted((f for f in found if f["type"] == "run"), key=lambda f: f["start"])


def _view(row: Json) -> SpanView:
    view = span(
        row["name"],
        row["attributes"],
        scope=row["scope"],
        events=[(e["name"], e["attributes"]) for e in row["events"]],
        status=row["status"],
        message=row["message"],
        kind=row["kind"],
        at_s=tuple(row["at"]),
    )
    return replace(
        view,
        span_id=bytes.fromhex(row["id"]),
        parent_id=bytes.fromhex(row["parent"]),
    )


def _request(found: list[Json]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.append(_pair("service.name", "shop"))
    for scope in dict.fromkeys(row["scope"] for row in found):
        holder = group.scope_spans.add()
        holder.scope.name = scope
        holder.spans.extend(_span(row) for row in found if row["scope"] == scope)
    return request


def _span(row: Json) -> Span:
    made = Span(
        trace_id=int(row["trace"]).to_bytes(16, "big"),
        span_id=bytes.fromhex(row["id"]),
        parent_span_id=bytes.fromhex(row["parent"]),
        name=row["name"],
        kind=row["kind"],
        start_time_unix_nano=START_NS + round(row["at"][0] * 1e9),
        end_time_unix_nano=START_NS + round(row["at"][1] * 1e9),
        attributes=[_pair(k, v) for k, v in row["attributes"].items()],
    )
    made.status.code, made.status.message = row["status"], row["message"]
    for event in row["events"]:
        pairs = [_pair(k, v) for k, v in event["attributes"].items()]
        made.events.add(name=event["name"], attributes=pairs)
    return made


def _pair(key: str, value: Json) -> KeyValue:
    return KeyValue(key=key, value=_value(value))


def _value(value: Json) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_value(v) for v in value]))
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
