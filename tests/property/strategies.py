"""Random input for the pipeline: plausible traces, and spans as only a fault or a foe sends them.

In: hypothesis's draws. Out: spans as `scenarios.tree.Sent`, or encoded OTLP. Traces are drawn as
rows of the scenario form, so a failing example reads like a scenario file. All spans of a trace lie
within `TRACE_S`, less than the quiet time, so that no run closes before its input is over.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from scenarios import tree
from scenarios.tree import Sent

TRACE_S = 8
MAX_CHILDREN = 3
MAX_DEPTH = 4
Row = dict[str, Any]

agents = st.sampled_from(["support", "billing", "search"])
tools = st.sampled_from(["lookup", "refund", "transfer_to_human", "final_result"])
finishes = st.sampled_from(["stop", "tool_call", "length", "content_filter", "refusal", "unheard"])
faults = st.sampled_from(
    ["TimeoutError", "GraphInterrupt", "ParentCommand", "CancelledError", "MaxTurnsExceeded"]
)
contents = st.sampled_from(['{"a": 1}', '{"b": [2]}', '{"error": "no"}', "plain"])
counts = st.integers(0, 500)


@st.composite
def _what(draw: st.DrawFn) -> Row:
    """What one span is, without its place and time."""
    kind = draw(
        st.sampled_from(
            [
                *("agent", "agent", "workflow", "chat", "chat", "tool", "tool", "infra", "infra"),
                *("retrieve", "embed", "create_agent", "guardrail"),
            ]
        )
    )
    if kind in ("agent", "workflow", "create_agent"):
        row: Row = {kind: draw(agents)}
    elif kind == "chat":
        row = {kind: "m", "finish": draw(finishes), "tokens": [draw(counts), draw(counts)]}
    elif kind == "tool":
        row = {kind: draw(tools)}
        if draw(st.booleans()):
            row |= {"args": draw(contents), "result": draw(contents)}
    elif kind == "guardrail":
        row = {kind: "pii", "triggered": draw(st.booleans())}
    else:
        row = {kind: "docs"} if kind != "infra" else {"name": "GET /"}
    if draw(st.integers(0, 4)) == 0:
        row["error"] = draw(faults)
    if draw(st.integers(0, 4)) == 0:
        row["service"] = draw(st.sampled_from(["shop", "web"]))
    return row


@st.composite
def _rows(draw: st.DrawFn, trace: str, depth: int, start: int, end: int) -> list[Row]:
    out = []
    for _ in range(draw(st.integers(1 if depth == 0 else 0, MAX_CHILDREN))):
        begin = draw(st.integers(start, end))
        row = draw(_what()) | {"at": [begin, draw(st.integers(begin, end))], "trace": trace}
        if depth == 0 and draw(st.integers(0, 2)) == 0:
            row["parent"] = draw(st.sampled_from(["lost 1", "lost 2"]))
            row["remote"] = draw(st.booleans())
        if depth < MAX_DEPTH:
            row["below"] = draw(_rows(trace, depth + 1, *row["at"]))
        out.append(row)
    return out


@st.composite
def traces(draw: st.DrawFn) -> list[Sent]:
    """The spans of one or two traces."""
    names = ["a", "b"][: draw(st.integers(1, 2))]
    rows = [row for name in names for row in draw(_rows(name, 0, 0, TRACE_S))]
    return tree.spans(rows)


@st.composite
def requests(draw: st.DrawFn, sent: Sequence[Sent]) -> list[list[Sent]]:
    """The spans in any order, cut into requests anywhere."""
    order = draw(st.permutations(sent))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=6)))
    bounds = [0, *cuts, len(order)]
    return [list(order[a:b]) for a, b in itertools.pairwise(bounds) if a < b]


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, head = len(payload), bytearray([number << 3 | 2])
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*head, size]) + payload


def enveloped(spans: Sequence[bytes], resource: bytes = b"", scope: bytes = b"") -> bytes:
    """A request whose parts are any bytes."""
    inner = field(1, scope) + b"".join(field(2, span) for span in spans)
    return field(1, field(1, resource) + field(2, inner))


any_ids = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"", bytes(8), bytes(16), b"\1" * 8, b"\2" * 8, b"\3" * 16]),
)
any_times = st.one_of(
    st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 2**63, 2**64 - 1, tree.EPOCH_NS])
)
plain_values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=8),
)
any_values = st.recursive(
    plain_values,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab.", max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
KNOWN_KEYS = (
    *("gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.request.model", "gen_ai.conversation.id"),
    *("gen_ai.usage.input_tokens", "gen_ai.response.finish_reasons", "gen_ai.tool.call.arguments"),
    *("gen_ai.tool.call.result", "gen_ai.retrieval.documents", "gen_ai.evaluation.score.value"),
    *("error.type", "gen_ai.guardrail.triggered", "gen_ai.provider.name", "operation.cost"),
    *("openinference.span.kind", "traceloop.span.kind", "session.id", "agent_slo.run.id"),
    *("agent_slo.declared.outcome", "agent_slo.declared.confidence", "exception.type"),
)
attributes = st.dictionaries(st.sampled_from(KNOWN_KEYS), any_values, max_size=5)
operations = st.sampled_from([*(operation for operation, _ in tree.GENAI.values()), "unheard"])


@st.composite
def wild_spans(draw: st.DrawFn) -> Span:
    """A span that is valid protobuf and nothing else: any ids, times, types."""
    found = {"gen_ai.operation.name": draw(operations), **draw(attributes)}
    span = Span(
        trace_id=draw(any_ids),
        span_id=draw(any_ids),
        parent_span_id=draw(any_ids),
        name=draw(st.text("ab ", max_size=5)),
        kind=draw(st.integers(0, 9)),  # type: ignore[arg-type]  # open enums take any integer
        flags=draw(st.integers(0, 2**32 - 1)),
        start_time_unix_nano=draw(any_times),
        end_time_unix_nano=draw(any_times),
        attributes=tree.pairs(found),
    )
    span.status.code = draw(st.integers(0, 9))  # type: ignore[assignment]  # the same
    for name in draw(st.lists(st.sampled_from(["exception", "gen_ai.evaluation.result"]))):
        event = span.events.add(name=name, time_unix_nano=draw(any_times))
        event.attributes.extend(tree.pairs(draw(attributes)))
    return span
