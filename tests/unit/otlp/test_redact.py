"""What leaves for a destination that is told to redact, and what does not."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.config.transport import RedactRule
from agentslo.otlp.answer import Signal
from agentslo.otlp.redact import Redactor

DETECT = RedactRule(detect=("email", "card", "iban", "credential"))
KEYS = RedactRule(keys=("*api_key*", "gen_ai.input.messages", "status.message"))
PLANTED = {
    "email": "jane.roe@example.org",
    "card": "4111 1111 1111 1111",
    "iban": "GB33 BUKB 2020 1555 5555 55",
    "bearer": "Bearer abcdefgh12345678",
    "key": "sk-live4eC39HqLyjWDarjtT1",
    "cloud": "AKIAIOSFODNN7EXAMPLE",
}


def request(*spans: Span) -> bytes:
    made = ExportTraceServiceRequest()
    made.resource_spans.add().scope_spans.add().spans.extend(spans)
    return made.SerializeToString()


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def redacted(body: bytes, *rules: RedactRule) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(Redactor(rules).request(Signal.TRACES, body))


def attribute_after(key: str, value: str, *rules: RedactRule) -> str | None:
    """What an attribute's text becomes; None where it is gone."""
    found = redacted(request(Span(attributes=[text(key, value)])), *rules)
    kept = found.resource_spans[0].scope_spans[0].spans[0].attributes
    return kept[0].value.string_value if kept else None


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "my secret is {}, keep it",
        '{{"a": {{"b": ["x", "{}"]}}}}',
        json.dumps({"inner": json.dumps({"deeper": json.dumps({"deepest": "<{}>"})})})
        .replace("{", "{{")
        .replace("}", "}}")
        .replace("<{{}}>", "{}"),
        '{{"cut": "in the middle {}',
        '{{"twice": "{}", "twice": "harmless"}}',
    ],
)
def test_what_is_detected_leaves_from_no_place(name: str, around: str) -> None:
    secret = PLANTED[name]
    span = Span(name=around.format(secret))
    span.status.message = around.format(secret)
    span.attributes.append(text("k", around.format(secret)))
    span.attributes.add(key="l").value.array_value.values.add(string_value=around.format(secret))
    inner = span.attributes.add(key="m").value.kvlist_value.values.add(key="n")
    inner.value.string_value = around.format(secret)
    span.events.add().attributes.append(text("exception.message", around.format(secret)))
    span.links.add().attributes.append(text("why", around.format(secret)))
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    group.resource.attributes.append(text("process.command_line", around.format(secret)))
    holder = group.scope_spans.add()
    holder.scope.attributes.append(text("build", around.format(secret)))
    holder.spans.append(span)
    leaving = Redactor([DETECT]).request(Signal.TRACES, made.SerializeToString())
    assert secret.encode() not in leaving
    assert leaving.count(b"[redacted]") >= 9


@pytest.mark.parametrize(
    "value",
    [
        "4111 1111 1111 1112",
        "GB34 BUKB 2020 1555 5555 55",
        "1234567890123456789012345678901234567890",
        "user at example dot org",
        "a basic idea",
        "{} [] not JSON {",
        '{"order": 4111111111111112, "email": "none"}',
    ],
)
def test_what_only_looks_so_stays_as_it_is(value: str) -> None:
    assert attribute_after("k", value, DETECT) == value


def test_values_are_dropped_by_their_key_at_any_depth() -> None:
    assert attribute_after("OPENAI_API_KEY", "x", KEYS) is None
    assert attribute_after("gen_ai.input.messages", "[]", KEYS) is None
    assert attribute_after("gen_ai.input.messages2", "[]", KEYS) == "[]"
    nested = json.dumps({"a": [{"my_api_key_1": "x", "b": 1}]})
    assert json.loads(attribute_after("k", nested, KEYS) or "") == {"a": [{"b": 1}]}
    assert "topsecret" not in (attribute_after("k", '{"api_key": "topsecret", "cut', KEYS) or "")
    failing = Span()
    failing.status.message = "password=hunter2"
    failing.status.code = failing.status.STATUS_CODE_ERROR
    found = redacted(request(failing), KEYS).resource_spans[0].scope_spans[0].spans[0]
    assert (found.status.message, found.status.code) == ("", failing.status.code)


def test_values_are_cut_or_hashed_under_a_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef")
    cut = RedactRule(keys=("stack",), action="truncate", length=4)
    secret = str(tmp_path / "secret")
    hashing = RedactRule(keys=("user",), detect=("email",), action="hash", key_file=secret)
    assert attribute_after("stack", "abcdefgh", cut) == "abcd"
    first, again = (attribute_after("user", "jane", hashing) for _ in range(2))
    assert first == again and (first or "").startswith("hmac:") and "jane" not in (first or "")
    assert attribute_after("user", "joan", hashing) != first
    assert "@" not in (attribute_after("k", "mail jane@example.org now", hashing) or "@")


def test_logs_are_redacted_and_metrics_left_alone() -> None:
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = f"said {PLANTED['email']}"
    record.attributes.append(text("k", PLANTED["key"]))
    body = Redactor([DETECT]).request(Signal.LOGS, logs.SerializeToString())
    assert b"jane.roe" not in body and PLANTED["key"].encode() not in body
    assert Redactor([DETECT]).request(Signal.METRICS, b"anything") == b"anything"


def test_a_span_that_cannot_be_searched_does_not_leave() -> None:
    made = ExportTraceServiceRequest()
    made.resource_spans.add().scope_spans.add()
    good = Span(name="good").SerializeToString()
    broken = b"\x0a\xff jane.roe@example.org"
    scope = b"".join(b"\x12" + bytes([len(one)]) + one for one in (good, broken))
    body = b"\x0a" + bytes([len(scope) + 2]) + b"\x12" + bytes([len(scope)]) + scope
    redactor = Redactor([DETECT])
    leaving = redactor.request(Signal.TRACES, body)
    assert b"good" in leaving and b"jane" not in leaving
    assert redactor.unreadable == 1


@given(st.lists(st.tuples(st.text('abc{}[]":, 1', max_size=30), st.binary(max_size=8)), max_size=5))
def test_what_no_rule_touches_leaves_byte_for_byte(rows: list[tuple[str, bytes]]) -> None:
    spans = []
    for name, ident in rows:
        span = Span(name=name, span_id=ident, attributes=[text("k", name)])
        # A field of a later OTLP stays where it is.
        spans.append(Span.FromString(span.SerializeToString() + b"\xa2\x3e\x02hi"))
    body = request(*spans)
    assert Redactor([DETECT, KEYS]).request(Signal.TRACES, body) == body


def test_the_time_grows_with_the_text() -> None:
    for piece in ("1 ", "a@", "A1", '{"a":"', "sk-a", "Bearer ", "eyJa.", "[", '"'):
        body = request(Span(attributes=[text("k", piece * (200_000 // len(piece)))]))
        begin = time.process_time()
        Redactor([DETECT, KEYS]).request(Signal.TRACES, body)
        assert time.process_time() - begin < 3, piece
