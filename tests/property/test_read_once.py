"""A span read by its shape is the span read in full: whatever is sent, in whatever encoding."""

import pickle
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import strategies as some
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.demo.hello import CAPTURES
from agentslo.dialects import values
from agentslo.dialects.base import SpanView
from agentslo.dialects.read import Reader
from agentslo.dialects.shapes import Known, Shapes
from agentslo.model import Resource, Scope, Step
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import Request
from agentslo.otlp.files import Report, expand, messages
from scenarios import tree

ANY_SCOPE = Scope(name="pydantic-ai", version="1")
slow = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Both:
    """Reads spans both ways, and counts how many were read by their shape."""

    def __init__(self) -> None:
        self.reader = Reader(hashes_requests=True)
        self.shapes = Shapes(self.reader)
        self.known = self.read = 0

    def check(self, encoded: bytes, resource: Resource, scope: Scope) -> None:
        shapes = self.shapes.of(resource, scope)
        known = shapes.known(encoded, 7)
        view = _view(encoded, resource, scope)
        self.read += 1
        if known is None:
            if view is not None:
                assert self.shapes.read(view, encoded, shapes, 7) == self.reader.step(view, 7)
            return
        self.known += 1
        assert view is not None
        assert not view.links
        _same(known, view, self.reader.step(view, 7))


def _view(encoded: bytes, resource: Resource, scope: Scope) -> SpanView | None:
    try:
        return values.span(encoded, resource, scope)
    except DecodeError:
        return None


def _same(known: Known, view: SpanView, expected: Step | None) -> None:
    step, sent = known
    assert step == expected
    assert all(view.attributes[key] == value for key, value in sent.items())


def _spans(folder: Path) -> Iterator[tuple[bytes, Resource, Scope]]:
    report = Report()
    found = (m for path in expand([str(folder)], report) for m in messages(path, report))
    for message in found:
        if message.signal is Signal.TRACES:
            for batch in Request(message.body).batches:
                resource, scope = values.resource(batch.resource), values.scope(batch.scope)
                yield from ((item, resource, scope) for item in batch.items)


def _checked(spans: Iterable[tuple[bytes, Resource, Scope]]) -> Both:
    both = Both()
    for encoded, resource, scope in spans:
        both.check(encoded, resource, scope)
    return both


def test_every_shipped_recording_reads_the_same_by_shape() -> None:
    spans = list(_spans(CAPTURES / "data"))
    both = _checked([*spans, *spans])
    assert both.known > both.read / 4


def test_recordings_and_labelled_runs_beside_the_project_read_the_same(shared_dir: Path) -> None:
    for folder in (shared_dir / "captures" / "data", shared_dir / "corpora"):
        both = _checked(_spans(folder))
        assert both.known > 0


# ---- anything that can be sent

text = st.one_of(
    st.sampled_from(
        [
            *("", "a", '{"a": 1}', '{"status": "error"}', "\u00e4\u4f60", "gen_ai.operation.name"),
            *("J\x1b\n\x15gen_ai.operation.name\x12\x06\n\x04chat", "x" * 126, "x" * 127),
            *("x" * 128, "y" * 5000, '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'),
            '[{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"t","arguments":{}}]}]',
            '[{"role":"tool","parts":[{"type":"tool_call_response","id":"c","response":"ok"}]}]',
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
numbers = st.one_of(st.integers(-2, 300), st.sampled_from([2**21, 2**28, 2**28 - 1, 2**40]))
OWN: dict[str, st.SearchStrategy[object]] = {
    **dict.fromkeys(("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), numbers),
    **dict.fromkeys(("gen_ai.usage.cache_read.input_tokens",), numbers),
    **dict.fromkeys(("gen_ai.input.messages", "gen_ai.output.messages"), text),
    **dict.fromkeys(("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"), text),
    **dict.fromkeys(("gen_ai.conversation.id", "gen_ai.response.id", "session.id"), text),
    **dict.fromkeys(("input.value", "output.value", "gen_ai.tool.call.id"), text),
    "operation.cost": st.floats(),
}
SHARED: dict[str, st.SearchStrategy[object]] = {
    "gen_ai.operation.name": st.sampled_from(["chat", "invoke_agent", "execute_tool", "unheard"]),
    "gen_ai.request.model": st.sampled_from(["m", "n"]),
    "gen_ai.tool.name": st.sampled_from(["t", "u"]),
    "gen_ai.response.finish_reasons": st.sampled_from([["stop"], ["tool_calls"], "stop"]),
    "openinference.span.kind": st.sampled_from(["LLM", "GUARDRAIL", "TOOL", "CHAIN"]),
    "traceloop.span.kind": st.sampled_from(["tool", "agent"]),
    "error.type": st.sampled_from(["TimeoutError", "CancelledError"]),
    "agent_slo.declared.outcome": st.sampled_from(["success"]),
    "evaluations.0.evaluation.name": st.sampled_from(["q"]),
    "gen_ai.system_instructions": st.sampled_from(["p" * 300, "q" * 300, "short"]),
    "metadata": st.sampled_from(['{"session_id": "s"}', "{}"]),
    "noise": st.one_of(text, numbers, st.floats(), st.booleans()),
}


@st.composite
def shape_of_spans(draw: st.DrawFn) -> list[str]:
    """Keys in an order; the operation mostly among them."""
    keys = draw(st.lists(st.sampled_from([*OWN, *SHARED]), max_size=7, unique=True))
    return draw(st.permutations(sorted({*keys, "gen_ai.operation.name"})))


@st.composite
def encoded_spans(draw: st.DrawFn, keys: list[str]) -> bytes:
    """A span of those keys, mostly as an SDK writes it."""
    found = {key: draw((OWN | SHARED)[key]) for key in keys}
    span = Span(
        trace_id=draw(st.sampled_from([b"\1" * 16, bytes(16), b"\2" * 15])),
        span_id=draw(st.sampled_from([b"\3" * 8, b"\4" * 8, bytes(8)])),
        parent_span_id=draw(st.sampled_from([b"", bytes(8), b"\5" * 8])),
        name=draw(st.sampled_from(["chat", "execute_tool t", "\u00e4"])),
        start_time_unix_nano=draw(st.sampled_from([0, 5, 9])),
        end_time_unix_nano=draw(st.sampled_from([0, 5, 9])),
        flags=draw(st.sampled_from([0, 0x101, 0x300])),
        trace_state=draw(st.sampled_from(["", "", "v=1", "v=1,ot=th:c"])),
    )
    span.status.code = draw(st.sampled_from([0, 0, 1, 2]))  # type: ignore[assignment]  # open
    if draw(st.integers(0, 9)) == 0:
        span.events.add(name="exception").attributes.extend(
            tree.pairs({"exception.type": "TimeoutError"})
        )
    if draw(st.integers(0, 9)) == 0:
        span.links.add(trace_id=b"\6" * 16, span_id=b"\7" * 8)
    head = span.SerializeToString()
    attributes = [pair.SerializeToString() for pair in tree.pairs(found)]
    return head + b"".join(some.field(9, draw(odd(pair))) for pair in attributes)


@st.composite
def odd(draw: st.DrawFn, pair: bytes) -> bytes:
    """An encoded attribute, seldom in a form no SDK writes, or none that can be read."""
    kind = draw(st.integers(0, 60))
    size = pair[1]
    key, value = pair[: 2 + size], pair[2 + size :]
    forms = {
        0: value + key,
        1: pair + key,
        2: pair + value,
        3: pair + some.field(1, b"gen_ai.tool.name"),
        4: pair + some.field(12, b"unknown"),
        5: pair[:-1],
        6: pair + b"\xff",
        7: key,
        8: some.field(1, key[2:] + b"\xff") + value,
        9: b"\n" + bytes([size | 0x80, 0]) + key[2:] + value,
        10: key + some.field(2, some.field(1, b"\xc3\x28")),
        11: key + some.field(2, some.field(1, b"a") + some.field(1, b"b")),
        12: key + some.field(2, b"\x18\x81\x00"),
        13: key + some.field(2, b"\x18\x05\x18\x07"),
        14: key + some.field(2, some.field(7, b"bytes")),
        15: key + some.field(2, b""),
    }
    return forms.get(kind, pair)


@slow
@given(st.data())
def test_spans_of_one_shape_read_the_same_whatever_they_hold(data: st.DataObject) -> None:
    keys = data.draw(shape_of_spans())
    both = Both()
    for encoded in data.draw(st.lists(encoded_spans(keys), min_size=2, max_size=12)):
        both.check(encoded, Resource(), ANY_SCOPE)


@slow
@given(st.lists(some.wild_spans(), min_size=2, max_size=6))
def test_wild_spans_read_the_same(spans: list[Span]) -> None:
    both = Both()
    for span in (*spans, *spans):
        both.check(span.SerializeToString(), Resource(), ANY_SCOPE)


def test_spans_as_sdks_write_them_are_read_by_their_shape() -> None:
    both, rng = Both(), random.Random(1)
    for number in range(100):
        found = {
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": rng.randint(1, 100_000),
            "gen_ai.conversation.id": f"conversation {number}",
            "gen_ai.input.messages": f'[{{"role": "user", "content": "question {number}"}}]',
            "server.port": rng.randint(1, 60_000),
        }
        span = Span(trace_id=rng.randbytes(16), span_id=rng.randbytes(8), name="chat m")
        span.attributes.extend(tree.pairs(found))
        both.check(span.SerializeToString(), Resource(), ANY_SCOPE)
    assert (both.known, both.read) == (99, 100)


def test_of_a_prompt_only_a_digest_is_kept() -> None:
    both = Both()
    for text in ("one " * 100, "two " * 100, "one " * 100, "two " * 100):
        found = {"gen_ai.operation.name": "chat", "gen_ai.system_instructions": text}
        span = Span(trace_id=b"\1" * 16, span_id=b"\2" * 8, attributes=tree.pairs(found))
        both.check(span.SerializeToString(), Resource(), ANY_SCOPE)
    assert both.known == 2
    assert b"one one" not in pickle.dumps(both.shapes.of(Resource(), ANY_SCOPE)._layouts)
