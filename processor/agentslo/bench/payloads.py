"""The spans a benchmark sends, from a fixed seed.

In: a `Shape`. Out: a pass: whole traces of 20 spans, in the order their spans end, cut into
requests as an exporter cuts them. An agent run has 1 agent span, 6 chats with messages, 5 tool
calls and 8 HTTP or database spans; another trace has 20 of the latter. Each trace id begins with
`SALT`, which `fresh` replaces by four bytes of the same length, so that a pass can be sent again
as new traces. Pure.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Value = str | int | float | tuple[str, ...]

SALT = b"TRID"
SPANS_A_TRACE = 20
LEAST_SPANS = 2_000
"""A pass has at least so many, so that a share of its traces can be agent runs."""
START_NS = 1_750_000_000_000_000_000
GAP_NS = 700_000_000
"""Between the starts of two traces: some twenty are under way at a time."""
SCOPES = ("opentelemetry.instrumentation.openai_v2", "opentelemetry.instrumentation.httpx")
RESOURCE: dict[str, Value] = {
    "service.name": "support",
    "service.version": "2026.05.1",
    "service.instance.id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "deployment.environment.name": "production",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.45.2",
    "host.name": "node-17.internal.example",
    "process.pid": 4242,
}
TEXT = (
    "please reset the password for my account and tell me when it is done because the invoice "
    "total does not match the order we placed last week so check the refund status and escalate "
    "to a human agent if the policy does not allow it thanks"
)
WORDS = TEXT.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is sent."""

    batch: int = 512
    """Spans a request."""
    mix: float = 0.3
    """Share of traces that are agent runs, 0 to 1."""
    words: int = 60
    """Of the message to the model; its answer has two thirds of them."""
    agents: int = 1
    """Names among which the runs are shared out."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass sends."""

    requests: tuple[bytes, ...]
    spans: int
    agent_spans: int


def one_pass(shape: Shape) -> Pass:
    """All requests of a pass; the same for the same shape."""
    traces = lcm(SPANS_A_TRACE, shape.batch) // SPANS_A_TRACE
    traces *= -(-LEAST_SPANS // (traces * SPANS_A_TRACE))
    draw = random.Random(f"{shape.mix} {shape.words} {shape.agents}")
    spans: list[Span] = []
    for number in range(traces):
        agent = int((number + 1) * shape.mix) > int(number * shape.mix)
        start_ns = START_NS + number * GAP_NS
        trace = _Trace(draw, start_ns, shape.words, f"agent-{number % shape.agents}")
        spans += trace.agent_run() if agent else trace.plain()
    spans.sort(key=lambda span: span.end_time_unix_nano)
    cuts = range(0, len(spans), shape.batch)
    requests = tuple(_request(spans[at : at + shape.batch]) for at in cuts)
    return Pass(requests, len(spans), sum(is_agent(span) for span in spans))


def unended(runs: int, steps: int) -> bytes:
    """A request with the first steps of some runs whose root has not ended; three of five are chats
    with a model, the others tool calls.
    """
    draw = random.Random("unended")
    spans: list[Span] = []
    for number in range(runs):
        trace = _Trace(draw, START_NS + number * GAP_NS, Shape().words, "agent-0")
        spans += trace.steps(steps)
    return _request(spans)


def fresh(body: bytes, salt: bytes) -> bytes:
    """The same request as other traces; `salt` has the length of `SALT`."""
    return body.replace(SALT, salt)


def is_agent(span: Span) -> bool:
    """Whether a span is one of an agent framework."""
    return any(attribute.key.startswith("gen_ai.") for attribute in span.attributes)


def attribute(key: str, value: Value) -> KeyValue:
    """An attribute."""
    made = KeyValue(key=key)
    if isinstance(value, str):
        made.value.string_value = value
    elif isinstance(value, int):
        made.value.int_value = value
    elif isinstance(value, float):
        made.value.double_value = value
    else:
        made.value.array_value.values.extend([attribute("", one).value for one in value])
    return made


def _request(spans: list[Span]) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend([attribute(k, v) for k, v in RESOURCE.items()])
    for scope, wanted in zip(SCOPES, (True, False), strict=True):
        chosen = [span for span in spans if is_agent(span) is wanted]
        if chosen:
            holder = group.scope_spans.add(spans=chosen)
            holder.scope.name, holder.scope.version = scope, "0.60b0"
    return request.SerializeToString()


class _Trace:
    """Spans of one trace, each after the one before."""

    def __init__(self, draw: random.Random, start_ns: int, words: int, agent: str) -> None:
        self._draw, self._now_ns, self._words, self._agent = draw, start_ns, words, agent
        self._id = SALT + draw.randbytes(16 - len(SALT))

    def agent_run(self) -> Iterator[Span]:
        """One agent span with all below it."""
        root = self._draw.randbytes(8)
        start_ns = self._now_ns
        for step in range(6):
            yield self._chat(root)
            if step < 5:
                yield from self._tool(root)
            if step % 2:
                yield self._db(root)
        about: dict[str, Value] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self._agent,
            "gen_ai.agent.id": f"asst_{self._draw.getrandbits(32):08x}",
            "gen_ai.agent.version": "2026.05.1",
            "gen_ai.provider.name": "openai",
            "gen_ai.usage.input_tokens": self._draw.randint(1_000, 20_000),
            "gen_ai.usage.output_tokens": self._draw.randint(100, 4_000),
        }
        yield self._span(b"", f"invoke_agent {self._agent}", 10**6, about, root, start_ns)

    def steps(self, count: int) -> Iterator[Span]:
        """Agent steps below a root that has not ended."""
        root = self._draw.randbytes(8)
        for step in range(count):
            yield (
                self._chat(root)
                if step % 5 < 3
                else next(span for span in self._tool(root) if is_agent(span))
            )

    def plain(self) -> Iterator[Span]:
        """A request that no agent is part of."""
        root = self._draw.randbytes(8)
        start_ns = self._now_ns
        for step in range(SPANS_A_TRACE - 1):
            yield self._http(root) if step % 2 else self._db(root)
        yield self._http(b"", root, start_ns)

    def _span(
        self,
        parent: bytes,
        name: str,
        mean_ns: int,
        about: dict[str, Value],
        own: bytes = b"",
        start_ns: int = 0,
        kind: Span.SpanKind.ValueType = Span.SPAN_KIND_INTERNAL,
    ) -> Span:
        start_ns = start_ns or self._now_ns
        self._now_ns += int(mean_ns * self._draw.uniform(0.2, 1.8))
        return Span(
            trace_id=self._id,
            span_id=own or self._draw.randbytes(8),
            parent_span_id=parent,
            flags=0x101,
            name=name,
            kind=kind,
            start_time_unix_nano=start_ns,
            end_time_unix_nano=self._now_ns,
            attributes=[attribute(key, value) for key, value in about.items()],
        )

    def _chat(self, root: bytes) -> Span:
        draw = self._draw
        asked, answered = self._text(self._words), self._text(self._words * 2 // 3)
        about: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.response.id": f"chatcmpl-{draw.getrandbits(64):016x}",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": draw.randint(100, 4_000),
            "gen_ai.usage.output_tokens": draw.randint(10, 800),
            "gen_ai.request.temperature": 0.2,
            "gen_ai.conversation.id": f"conv-{draw.getrandbits(32):08x}",
            "gen_ai.input.messages": _message("user", asked),
            "gen_ai.output.messages": _message("assistant", answered),
        }
        return self._span(root, "chat gpt-4o-mini", 10**9, about, kind=Span.SPAN_KIND_CLIENT)

    def _tool(self, root: bytes) -> Iterator[Span]:
        draw, own, start_ns = self._draw, self._draw.randbytes(8), self._now_ns
        yield self._http(own)
        tool = draw.choice(("lookup_order", "issue_refund", "search_kb"))
        about: dict[str, Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.call.id": f"call_{draw.getrandbits(64):016x}",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.arguments": f'{{"order_id": {draw.randint(1, 10**6)}, "reason": '
            f'"{self._text(6)}"}}',
            "gen_ai.tool.call.result": f'{{"status":"ok","note":"{self._text(20)}"}}',
        }
        span = self._span(root, f"execute_tool {tool}", 10**7, about, own, start_ns)
        if draw.random() < 0.05:
            span.status.code, span.status.message = span.status.STATUS_CODE_ERROR, "timed out"
            span.attributes.append(attribute("error.type", "timeout"))
        yield span

    def _http(self, parent: bytes, own: bytes = b"", start_ns: int = 0) -> Span:
        about: dict[str, Value] = {
            "http.request.method": "GET",
            "url.full": "https://orders.internal.example/api/orders/"
            f"{self._draw.randint(1, 10**6)}?expand=lines",
            "server.address": "orders.internal.example",
            "server.port": 443,
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
            "user_agent.original": "python-httpx/0.27.0",
        }
        kind = Span.SPAN_KIND_CLIENT
        return self._span(parent, "GET /api/orders/{id}", 10**8, about, own, start_ns, kind)

    def _db(self, parent: bytes) -> Span:
        about: dict[str, Value] = {
            "db.system.name": "postgresql",
            "db.namespace": "shop",
            "db.query.text": "SELECT id, total, status FROM orders WHERE customer_id = $1 "
            "ORDER BY created_at DESC LIMIT 20",
            "db.operation.name": "SELECT",
            "server.address": "pg-primary.internal.example",
            "server.port": 5432,
        }
        return self._span(parent, "SELECT shop.orders", 10**7, about, kind=Span.SPAN_KIND_CLIENT)

    def _text(self, words: int) -> str:
        return " ".join(self._draw.choice(WORDS) for _ in range(words))


def _message(role: str, text: str) -> str:
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":"{text}"}}]}}]'
