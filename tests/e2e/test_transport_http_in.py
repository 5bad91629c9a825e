"""OTLP/HTTP in, by aiohttp requests and by raw sockets."""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest
from google.rpc import error_details_pb2, status_pb2
from transport_parts import Recorder, names, spans, until

from agentslo.config.transport import ListenerOptions
from agentslo.otlp.answer import Reply, ReplyCode, Signal
from agentslo.otlp.listen import PortTaken
from agentslo.otlp.receive_http import HttpReceiver

LIMIT = 1024 * 1024
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
GZIP = {**PROTOBUF, "Content-Encoding": "gzip"}


@pytest.fixture
def ingest() -> Recorder:
    return Recorder()


def listener(**changes: object) -> ListenerOptions:
    values: dict[str, object] = {
        "name": "http",
        "protocol": "http",
        "address": "127.0.0.1:0",
        "max_bytes": LIMIT,
        "buffer_bytes": 4 * LIMIT,
    }
    return ListenerOptions(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
async def receiver(ingest: Recorder) -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver(listener(), ingest)
    await receiver.start()
    yield receiver
    await receiver.stop(0.1)


@pytest.fixture
async def client(receiver: HttpReceiver) -> AsyncIterator[aiohttp.ClientSession]:
    base = f"http://127.0.0.1:{receiver.port}"
    async with aiohttp.ClientSession(base, auto_decompress=False) as session:
        yield session


async def post(
    client: aiohttp.ClientSession, body: object, headers: dict[str, str], path: str = "/v1/traces"
) -> tuple[int, bytes, aiohttp.ClientResponse]:
    async with client.post(
        path,
        data=body,
        headers=headers,
        skip_auto_headers=("Content-Type",),
        timeout=aiohttp.ClientTimeout(total=10),
    ) as response:
        return response.status, await response.read(), response


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize("packed", [False, True])
async def test_every_signal_arrives_byte_for_byte(
    signal: Signal, packed: bool, client: aiohttp.ClientSession, ingest: Recorder
) -> None:
    body = spans(50)
    sent = gzip.compress(body) if packed else body
    headers = GZIP if packed else {"Content-Type": "application/x-protobuf; charset=utf-8"}
    status, answer, response = await post(client, sent, headers, signal.http_path)
    assert (status, answer, response.content_type) == (200, b"", "application/x-protobuf")
    assert ingest.bodies == [(signal, body, "http")]


@pytest.mark.parametrize("size", [3, 3_000], ids=["inline", "in a thread"])
async def test_json_arrives_as_protobuf_and_is_answered_in_json(
    size: int, client: aiohttp.ClientSession, ingest: Recorder
) -> None:
    listed = [{"name": f"span-{number}", "traceId": "0a" * 16} for number in range(size)]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": listed}]}]})
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "identity"}
    status, answer, response = await post(client, body, headers)
    assert (status, answer, response.content_type) == (200, b"{}", "application/json")
    assert names(ingest.bodies[0][1]) == [f"span-{number}" for number in range(size)]


@pytest.mark.parametrize(("headers", "answer"), [(PROTOBUF, b""), (GZIP, b"")])
async def test_an_empty_request_is_a_success(
    headers: dict[str, str], answer: bytes, client: aiohttp.ClientSession
) -> None:
    assert (await post(client, b"", headers))[:2] == (200, answer)
    assert (await post(client, b"{}", JSON))[:2] == (200, b"{}")


async def test_a_full_pipeline_answers_503_with_retry_after(
    client: aiohttp.ClientSession, ingest: Recorder, receiver: HttpReceiver
) -> None:
    ingest.refusal = Reply(code=ReplyCode.RETRY, message="queue full", retry_after_s=2.5)
    status, answer, response = await post(client, spans(1), PROTOBUF)
    assert (status, response.headers["Retry-After"]) == (503, "3")
    info = error_details_pb2.RetryInfo()
    assert status_pb2.Status.FromString(answer).details[0].Unpack(info)
    assert ingest.bodies == []
    status, answer, response = await post(client, b"{}", JSON)
    assert (status, json.loads(answer)) == (503, {"code": 14, "message": "queue full"})
    assert receiver.answers.requests == {(Signal.TRACES, "retry"): 2}


@pytest.mark.parametrize(
    ("code", "http", "rpc"),
    [
        (ReplyCode.INVALID, 400, 3),
        (ReplyCode.TOO_LARGE, 413, 8),
        (ReplyCode.UNAUTHENTICATED, 401, 16),
    ],
)
async def test_a_permanent_refusal_has_a_status_body(
    code: ReplyCode, http: int, rpc: int, client: aiohttp.ClientSession, ingest: Recorder
) -> None:
    ingest.reply = Reply(code=code, message="why")
    status, answer, response = await post(client, spans(1), PROTOBUF)
    said = status_pb2.Status.FromString(answer)
    assert (status, said.code, said.message) == (http, rpc, "why")
    assert "Retry-After" not in response.headers


async def test_a_bug_in_the_pipeline_is_retryable_and_counted(
    client: aiohttp.ClientSession, ingest: Recorder, receiver: HttpReceiver
) -> None:
    ingest.fault = KeyError("secret text")
    status, answer, _ = await post(client, spans(1), PROTOBUF)
    assert status == 503
    assert b"secret" not in answer
    assert receiver.answers.faults == 1


@pytest.mark.parametrize(
    ("headers", "body", "wanted"),
    [
        pytest.param({}, b"", 415, id="no content type"),
        pytest.param({"Content-Type": "text/plain"}, b"", 415, id="text"),
        pytest.param({**PROTOBUF, "Content-Encoding": "zstd"}, b"", 415, id="zstd"),
        pytest.param({**PROTOBUF, "Content-Encoding": "deflate"}, b"", 415, id="deflate"),
        pytest.param({**PROTOBUF, "Content-Encoding": "gzip, gzip"}, b"", 415, id="gzip twice"),
        pytest.param(GZIP, gzip.compress(b"x" * 999)[:-9], 400, id="truncated gzip"),
        pytest.param(GZIP, b"not gzip", 400, id="not gzip"),
        pytest.param(GZIP, gzip.compress(b"") * 10_000, 400, id="10,000 empty members"),
        pytest.param(GZIP, gzip.compress(b"\0" * 300 * LIMIT), 413, id="bomb"),
        pytest.param(GZIP, gzip.compress(os.urandom(LIMIT + 1)), 413, id="both over"),
        pytest.param(PROTOBUF, b"\0" * (LIMIT + 1), 413, id="one byte over"),
        pytest.param(JSON, b"[" * 100_000, 400, id="deep JSON"),
        pytest.param(JSON, b"{", 400, id="half JSON"),
        pytest.param(JSON, b'{"resourceSpans": "\\ud800"}', 400, id="wrong type"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_a_status_body(
    headers: dict[str, str],
    body: bytes,
    wanted: int,
    client: aiohttp.ClientSession,
    ingest: Recorder,
    receiver: HttpReceiver,
) -> None:
    status, answer, response = await post(client, body, headers)
    assert status == wanted
    if headers is JSON:
        assert json.loads(answer)["message"]
        assert response.content_type == "application/json"
    else:
        assert status_pb2.Status.FromString(answer).message
    assert ingest.bodies == []
    assert receiver.answers.faults == 0
    assert (await post(client, spans(1), PROTOBUF))[0] == 200


async def test_a_body_of_exactly_the_limit_is_taken(client: aiohttp.ClientSession) -> None:
    body = os.urandom(LIMIT)
    assert (await post(client, body, PROTOBUF))[0] == 200
    assert (await post(client, gzip.compress(b"\0" * LIMIT), GZIP))[0] == 200


async def test_a_chunked_body_without_length_is_bounded_too(
    client: aiohttp.ClientSession, ingest: Recorder
) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"\0" * 65_536

    assert (await post(client, chunks(16), PROTOBUF))[0] == 200
    assert (await post(client, chunks(17), PROTOBUF))[0] == 413
    assert len(ingest.bodies) == 1


async def test_other_paths_and_methods_have_status_bodies(client: aiohttp.ClientSession) -> None:
    status, answer, _ = await post(client, b"", PROTOBUF, "/v1/profiles")
    assert (status, status_pb2.Status.FromString(answer).message) == (404, "no such path")
    async with client.get("/v1/traces") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        assert status_pb2.Status.FromString(await response.read()).message


async def raw(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD + b"Content-Length: 99999999999999\r\n\r\n", id="absurd length"),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="broken chunk"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS on a plain port"),
        pytest.param(b"POST /" + b"a" * 100_000, id="endless request line"),
    ],
)
async def test_broken_http_is_refused_and_the_next_request_is_served(
    data: bytes, receiver: HttpReceiver, client: aiohttp.ClientSession, ingest: Recorder
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    writer.write(data)
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    assert line.split()[1] in (b"400", b"413", b"414")
    assert (await post(client, spans(1), PROTOBUF))[0] == 200
    assert len(ingest.bodies) == 1
    assert receiver.answers.faults == 0


async def test_expect_continue_is_answered_before_the_body(receiver: HttpReceiver) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"\n\0")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_slow_bodies_and_silent_connections_end(ingest: Recorder) -> None:
    receiver = HttpReceiver(listener(read_timeout_s=0.2), ingest)
    await receiver.start()
    silent, slow = await asyncio.gather(
        raw(receiver.port, b"POST /v1/tr"), raw_first_line(receiver.port)
    )
    assert silent == b""
    assert slow.startswith(b"HTTP/1.1 503")
    await receiver.stop(0.1)


async def raw_first_line(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Content-Length: 100\r\n\r\nabc")
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    return line


async def test_connections_beyond_the_bound_are_closed(ingest: Recorder) -> None:
    receiver = HttpReceiver(listener(max_connections=2), ingest)
    await receiver.start()
    open_ones = [await asyncio.open_connection("127.0.0.1", receiver.port) for _ in range(2)]
    assert await raw(receiver.port, b"") == b""
    open_ones[0][1].close()
    await until(lambda: len(receiver._connections.connections) < 2)  # type: ignore[union-attr]
    assert (await raw_first(receiver.port)).startswith(b"HTTP/1.1 200")
    open_ones[1][1].close()
    await receiver.stop(0.1)


async def raw_first(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    return line


async def test_bodies_held_at_once_share_one_budget(ingest: Recorder) -> None:
    receiver = HttpReceiver(listener(buffer_bytes=LIMIT + LIMIT // 2), ingest)
    await receiver.start()
    ingest.hold = asyncio.Event()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{receiver.port}") as client:
        first = asyncio.create_task(post(client, b"\0" * LIMIT, PROTOBUF))
        await until(lambda: len(ingest.bodies) == 1)
        assert (await post(client, b"\0" * LIMIT, PROTOBUF))[0] == 503
        ingest.hold.set()
        assert (await first)[0] == 200
        assert (await post(client, b"\0" * LIMIT, PROTOBUF))[0] == 200
    await receiver.stop(0.1)


async def test_ingest_is_cancelled_when_the_client_leaves(
    receiver: HttpReceiver, ingest: Recorder
) -> None:
    ingest.hold = asyncio.Event()
    _, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
    await until(lambda: len(ingest.bodies) == 1)
    writer.close()
    await until(lambda: ingest.cancelled == 1)


async def test_a_taken_port_is_an_error_that_names_it(
    receiver: HttpReceiver, ingest: Recorder
) -> None:
    address = f"127.0.0.1:{receiver.port}"
    with pytest.raises(PortTaken, match=f"{address}.*--http-address"):
        await HttpReceiver(listener(address=address, option="--http-address"), ingest).start()
