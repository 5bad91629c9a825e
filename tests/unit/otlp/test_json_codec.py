"""OTLP/JSON to protobuf, after the examples of the OTLP specification."""

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.otlp.json_codec import (
    DEPTH_LIMIT,
    logs_from_json,
    metrics_from_json,
    nests_deeper_than,
    traces_from_json,
)


def one_span(**fields: object) -> bytes:
    span = {"name": "s", **fields}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def read_span(body: bytes) -> Span:
    request = ExportTraceServiceRequest.FromString(traces_from_json(body))
    return request.resource_spans[0].scope_spans[0].spans[0]


def test_ids_are_hex_in_either_case() -> None:
    span = read_span(
        one_span(
            traceId="5B8EFFF798038103d269b633813fc60c",
            spanId="EEE19B7EC3C1B174",
            parentSpanId="eee19b7ec3c1b173",
            links=[{"traceId": "00" * 15 + "01", "spanId": "00" * 7 + "02"}],
        )
    )
    assert span.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert span.span_id.hex() == "eee19b7ec3c1b174"
    assert span.parent_span_id.hex() == "eee19b7ec3c1b173"
    assert span.links[0].span_id == b"\0" * 7 + b"\2"


@pytest.mark.parametrize("kind", [2, "SPAN_KIND_SERVER", "2", 2.0])
def test_an_enum_is_a_number_or_its_name(kind: object) -> None:
    assert read_span(one_span(kind=kind)).kind == Span.SPAN_KIND_SERVER


@pytest.mark.parametrize("time", ["1544712660000000001", 1544712660000000001])
def test_a_64_bit_integer_is_a_string_or_a_number_and_stays_exact(time: object) -> None:
    assert read_span(one_span(startTimeUnixNano=time)).start_time_unix_nano == 1544712660000000001


def test_every_kind_of_attribute_value_is_read() -> None:
    values = [
        {"stringValue": ""},
        {"boolValue": False},
        {"intValue": "-7"},
        {"doubleValue": 1.5},
        {"bytesValue": "AP8="},
        {"arrayValue": {"values": [{"intValue": 1}]}},
        {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}},
        {"arrayValue": {}},
        {},
    ]
    attributes = [{"key": str(place), "value": value} for place, value in enumerate(values)]
    read = [each.value for each in read_span(one_span(attributes=attributes)).attributes]
    assert [value.WhichOneof("value") for value in read] == [
        "string_value",
        "bool_value",
        "int_value",
        "double_value",
        "bytes_value",
        "array_value",
        "kvlist_value",
        "array_value",
        None,
    ]
    assert (read[2].int_value, read[4].bytes_value) == (-7, b"\0\xff")
    assert read[6].kvlist_value.values[0].value.string_value == "v"


def test_unknown_fields_and_null_are_ignored_and_snake_case_is_read() -> None:
    span = read_span(one_span(futureField={"a": [1]}, status=None, trace_state="a=b"))
    assert (span.name, span.trace_state) == ("s", "a=b")
    assert not span.HasField("status")


def test_an_empty_object_is_an_empty_request() -> None:
    assert traces_from_json(b"{}") == b""


def test_logs_and_metrics_are_read() -> None:
    log = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"' + b"0a" * 16
    log += b'","severityNumber":9,"body":{"stringValue":"hi"}}]}]}]}'
    record = ExportLogsServiceRequest.FromString(logs_from_json(log)).resource_logs[0]
    assert record.scope_logs[0].log_records[0].trace_id == b"\x0a" * 16
    metric = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","histogram":'
    metric += b'{"dataPoints":[{"count":"3","bucketCounts":["1",2],"explicitBounds":[0.5],'
    metric += b'"sum":"NaN","exemplars":[{"spanId":"0000000000000001"}]}]}}]}]}]}'
    request = ExportMetricsServiceRequest.FromString(metrics_from_json(metric))
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]
    assert (list(point.bucket_counts), point.count) == ([1, 2], 3)
    assert point.sum != point.sum
    assert point.exemplars[0].span_id == b"\0" * 7 + b"\1"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "Expecting value", id="nothing"),
        pytest.param(b"[]", "must be an object", id="not an object"),
        pytest.param(b'{"resourceSpans":{}}', "must be an array", id="not an array"),
        pytest.param(b'{"resourceSpans":[1]}', "must be an object, not number", id="number"),
        pytest.param(one_span(traceId="xyz"), "spans: traceId", id="ids that are no hex"),
        pytest.param(one_span(traceId=5), "must be a string, not number", id="id a number"),
        pytest.param(one_span(name=["a"]), "must be a string, not array", id="name an array"),
        pytest.param(one_span(kind="NO_KIND"), "kind", id="unknown enum name"),
        pytest.param(one_span(kind=True), "not boolean", id="enum a boolean"),
        pytest.param(one_span(kind=1.5), "fraction", id="enum a fraction"),
        pytest.param(one_span(startTimeUnixNano=-1), "startTimeUnixNano", id="below unsigned"),
        pytest.param(one_span(startTimeUnixNano=2**64), "startTimeUnixNano", id="above 64 bits"),
        pytest.param(one_span(startTimeUnixNano=float("inf")), "not JSON", id="infinity"),
        pytest.param(one_span(name="\ud800"), "name", id="lone surrogate"),
        pytest.param(b'{"a":' + b"9" * 10**7 + b"}", ".", id="ten million digits"),
        pytest.param(b'{"a":NaN}', "NaN is not JSON", id="NaN"),
        pytest.param('{"resourceSpans":[]}'.encode("utf-16"), ".", id="UTF-16"),
        pytest.param(b'{"a":"\xff"}', ".", id="no UTF-8"),
        pytest.param(b"[" * 100_000, "deeper", id="arrays that never close"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "deeper", id="10,000 deep"),
    ],
)
def test_what_cannot_be_read_is_a_value_error_that_says_where(body: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        traces_from_json(body)


def test_nesting_up_to_the_limit_is_read_and_one_deeper_is_not() -> None:
    levels = DEPTH_LIMIT - 1
    assert traces_from_json(b'{"a":' + b"[" * levels + b"]" * levels + b"}") == b""
    with pytest.raises(ValueError, match="deeper"):
        traces_from_json(b'{"a":[' + b"[" * levels + b"]" * levels + b"]}")


@pytest.mark.parametrize(
    "text", [r'["[[[["]', r'["\"[[[["]', r'["\\\"[[["]', r'["\\", "[["]', r'{"[[": "\\\\\"[["}']
)
def test_brackets_in_strings_do_not_nest(text: str) -> None:
    json.loads(text)
    assert not nests_deeper_than(text.encode(), 1)
