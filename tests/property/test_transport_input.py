"""Random bytes on every way in: always a right answer, never a crash."""

import asyncio
import gzip
import json

import aiohttp
import grpc
from google.protobuf.json_format import MessageToDict
from google.rpc import status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentslo.config.transport import ListenerOptions
from agentslo.otlp.answer import ACCEPTED, Reply, ReplyCode, Signal
from agentslo.otlp.cut import CutError, Request
from agentslo.otlp.halve import halve
from agentslo.otlp.inflate import InflateError, inflate
from agentslo.otlp.json_codec import (
    logs_from_json,
    metrics_from_json,
    nests_deeper_than,
    traces_from_json,
)
from agentslo.otlp.receive_grpc import GrpcReceiver
from agentslo.otlp.receive_http import HttpReceiver

KEYS = [
    "resourceSpans",
    "scopeSpans",
    "spans",
    "traceId",
    "kind",
    "attributes",
    "key",
    "value",
    "stringValue",
    "intValue",
    "arrayValue",
    "kvlistValue",
    "values",
    "bytesValue",
    "startTimeUnixNano",
    "status",
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "body",
    "resourceMetrics",
    "metrics",
    "sum",
    "dataPoints",
    "asDouble",
    "unknown",
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_read_or_is_a_value_error(value: object) -> None:
    body = json.dumps(value).encode()
    for decode in (traces_from_json, logs_from_json, metrics_from_json):
        try:
            assert isinstance(decode(body), bytes)
        except ValueError as error:
            assert str(error)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]"\\:,a1', max_size=40).map(str.encode))
def test_any_bytes_as_json_are_read_or_are_a_value_error(body: bytes) -> None:
    try:
        traces_from_json(body)
    except ValueError as error:
        assert str(error)


@given(json_values, st.integers(0, 8))
def test_the_depth_found_before_parsing_is_the_depth_after(value: object, limit: int) -> None:
    def depth(node: object) -> int:
        if not isinstance(node, list | dict):
            return 0
        inner = node.values() if isinstance(node, dict) else node
        return 1 + max(map(depth, inner), default=0)

    assert nests_deeper_than(json.dumps(value).encode(), limit) == (depth(value) > limit)


ids = st.binary(min_size=8, max_size=8)
any_spans = st.lists(
    st.tuples(ids, st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**64 - 1)),
    max_size=9,
)


def request_of(groups: list[list[list[tuple[bytes, str, int]]]]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for group in groups:
        scopes = request.resource_spans.add()
        for listed in group:
            scope = scopes.scope_spans.add()
            for span_id, name, time in listed:
                scope.spans.add(span_id=span_id, name=name, start_time_unix_nano=time)
    return request


@given(st.lists(st.lists(any_spans, max_size=3), max_size=3))
def test_json_says_the_same_as_the_protobuf_it_was_made_from(
    groups: list[list[list[tuple[bytes, str, int]]]],
) -> None:
    request = request_of(groups)
    tree = MessageToDict(request)
    for group in tree.get("resourceSpans", []):
        for scope in group.get("scopeSpans", []):
            for span in scope.get("spans", []):
                # protobuf writes ids in base64, OTLP in hex.
                span.pop("spanId", None)
    stripped = ExportTraceServiceRequest.FromString(request.SerializeToString())
    for resource in stripped.resource_spans:
        for holder in resource.scope_spans:
            for each in holder.spans:
                each.span_id = b""
    assert ExportTraceServiceRequest.FromString(traces_from_json(json.dumps(tree).encode())) == (
        stripped
    )


@given(st.lists(st.lists(any_spans, max_size=3), max_size=3))
def test_two_halves_hold_the_same_spans_in_the_same_order(
    groups: list[list[list[tuple[bytes, str, int]]]],
) -> None:
    body = request_of(groups).SerializeToString()
    spans = [item for batch in Request(body).batches for item in batch.items]
    halves = halve(body)
    if len(spans) < 2:
        assert halves is None
        return
    assert halves is not None
    found = [
        [item for batch in Request(part).batches for item in batch.items] for part, _ in halves
    ]
    assert [len(part) for part in found] == [count for _, count in halves]
    assert found[0] + found[1] == spans


@given(st.binary(max_size=300))
def test_any_bytes_are_halved_or_left(body: bytes) -> None:
    halve(body)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_damaged_gzip_is_inflated_or_is_an_inflate_error(
    plain: bytes, place: int, value: int
) -> None:
    packed = bytearray(gzip.compress(plain))
    packed[place % len(packed)] = value
    for data in (bytes(packed), bytes(packed[: place % len(packed)])):
        try:
            inflate(data, 1_000)
        except InflateError as error:
            assert str(error)


class Parsing:
    """An ingest as strict as the pipeline's: what is no request is invalid."""

    def admit(self, size_bytes: int) -> Reply | None:
        return None

    async def ingest(self, signal: Signal, body: bytes, listener: str) -> Reply:
        try:
            Request(body)
        except CutError:
            return Reply(code=ReplyCode.INVALID, message="not OTLP")
        return ACCEPTED


def is_request(body: bytes) -> bool:
    try:
        Request(body)
    except CutError:
        return False
    return True


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=5, max_size=25))
def test_random_bodies_over_http_get_200_or_400(bodies: list[bytes]) -> None:
    async def work() -> None:
        options = ListenerOptions(name="h", address="127.0.0.1:0")
        receiver = HttpReceiver(options, Parsing())
        await receiver.start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{receiver.port}") as client:
            for body in bodies:
                for headers in (
                    {"Content-Type": "application/x-protobuf"},
                    {"Content-Type": "application/json"},
                    {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"},
                ):
                    async with client.post("/v1/traces", data=body, headers=headers) as response:
                        said = await response.read()
                        assert response.status in (200, 400)
                        if headers == {"Content-Type": "application/x-protobuf"}:
                            assert (response.status == 200) == is_request(body)
                            if response.status == 400:
                                assert status_pb2.Status.FromString(said).code == 3
        assert receiver.answers.faults == 0
        await receiver.stop(0)

    asyncio.run(work())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=5, max_size=25))
def test_random_bodies_over_grpc_are_taken_or_invalid(bodies: list[bytes]) -> None:
    async def work() -> None:
        receiver = GrpcReceiver(ListenerOptions(name="g", address="127.0.0.1:0"), Parsing())
        await receiver.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{receiver.port}") as channel:
            export = channel.unary_unary(Signal.TRACES.grpc_method)
            for body in bodies:
                try:
                    await export(body, timeout=10)
                    assert is_request(body)
                except grpc.aio.AioRpcError as error:
                    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
                    assert not is_request(body)
        assert receiver.answers.faults == 0
        await receiver.stop(0)

    asyncio.run(work())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5))
def test_random_bytes_on_either_port_leave_the_listener_alive(junk: list[bytes]) -> None:
    async def work() -> None:
        over_grpc = GrpcReceiver(ListenerOptions(name="g", address="127.0.0.1:0"), Parsing())
        over_http = HttpReceiver(ListenerOptions(name="h", address="127.0.0.1:0"), Parsing())
        for receiver in (over_grpc, over_http):
            await receiver.start()
            for data in junk:
                _, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
                writer.write(data)
                await writer.drain()
                writer.close()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{over_grpc.port}") as channel:
            assert await channel.unary_unary(Signal.LOGS.grpc_method)(b"", timeout=10) == b""
        url = f"http://127.0.0.1:{over_http.port}/v1/logs"
        headers = {"Content-Type": "application/x-protobuf"}
        async with (
            aiohttp.ClientSession() as client,
            client.post(url, data=b"", headers=headers) as response,
        ):
            assert response.status == 200
        assert over_grpc.answers.faults == over_http.answers.faults == 0
        await over_grpc.stop(0)
        await over_http.stop(0)

    asyncio.run(work())
