"""OTLP/gRPC in, by raw calls of grpcio."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from transport_parts import Recorder, spans, until

from agentslo.config.transport import ListenerOptions
from agentslo.otlp.answer import Reply, ReplyCode, Signal
from agentslo.otlp.listen import PortTaken
from agentslo.otlp.receive_grpc import GrpcReceiver
from agentslo.otlp.status import DETAILS_KEY, RETRY_INFO_KEY

LIMIT = 1024 * 1024


@pytest.fixture
def ingest() -> Recorder:
    return Recorder()


@pytest.fixture
async def receiver(ingest: Recorder) -> AsyncIterator[GrpcReceiver]:
    options = ListenerOptions(name="grpc", address="127.0.0.1:0", max_bytes=LIMIT, max_requests=4)
    receiver = GrpcReceiver(options, ingest)
    await receiver.start()
    yield receiver
    await receiver.stop(0)


@pytest.fixture
async def channel(receiver: GrpcReceiver) -> AsyncIterator[grpc.aio.Channel]:
    options = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{receiver.port}", options=options) as channel:
        yield channel


async def refused(
    channel: grpc.aio.Channel,
    body: bytes = b"",
    compression: grpc.Compression | None = None,
    method: str = Signal.TRACES.grpc_method,
) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary(method)(body, timeout=10, compression=compression)
    return caught.value


def details(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    return status_pb2.Status.FromString(dict(error.trailing_metadata())[DETAILS_KEY])


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_every_signal_arrives_byte_for_byte(
    signal: Signal,
    compression: grpc.Compression,
    channel: grpc.aio.Channel,
    ingest: Recorder,
    receiver: GrpcReceiver,
) -> None:
    body = spans(50)
    assert await channel.unary_unary(signal.grpc_method)(body, compression=compression) == b""
    assert ingest.bodies == [(signal, body, "grpc")]
    assert ingest.admitted == [len(body)]
    assert receiver.answers.requests == {(signal, "accepted"): 1}
    assert receiver.answers.received_bytes == len(body)


async def test_an_empty_request_is_a_success(channel: grpc.aio.Channel) -> None:
    assert await channel.unary_unary(Signal.TRACES.grpc_method)(b"") == b""


async def test_a_full_pipeline_answers_unavailable_with_both_retry_hints(
    channel: grpc.aio.Channel, ingest: Recorder
) -> None:
    ingest.refusal = Reply(code=ReplyCode.RETRY, message="queue full", retry_after_s=2.5)
    error = await refused(channel)
    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "queue full")
    info = error_details_pb2.RetryInfo()
    assert details(error).code == 14
    assert details(error).details[0].Unpack(info)
    assert (info.retry_delay.seconds, info.retry_delay.nanos) == (2, 500_000_000)
    trailer = dict(error.trailing_metadata())[RETRY_INFO_KEY]
    assert error_details_pb2.RetryInfo.FromString(trailer) == info
    assert ingest.bodies == []


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ReplyCode.INVALID, grpc.StatusCode.INVALID_ARGUMENT),
        (ReplyCode.TOO_LARGE, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (ReplyCode.UNAUTHENTICATED, grpc.StatusCode.UNAUTHENTICATED),
    ],
)
async def test_a_permanent_refusal_says_why_and_asks_for_no_retry(
    code: ReplyCode, status: grpc.StatusCode, channel: grpc.aio.Channel, ingest: Recorder
) -> None:
    ingest.reply = Reply(code=code, message="why\nü" + "\U0001f9ea" * 5_000)
    error = await refused(channel)
    assert error.code() is status
    assert details(error).message.startswith("why\nü")
    assert not details(error).details
    assert RETRY_INFO_KEY not in dict(error.trailing_metadata())


async def test_a_bug_in_the_pipeline_is_retryable_and_counted(
    channel: grpc.aio.Channel, ingest: Recorder, receiver: GrpcReceiver
) -> None:
    ingest.fault = KeyError("secret text")
    error = await refused(channel)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "secret" not in (error.details() or "")
    assert receiver.answers.faults == 1


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_the_limit_holds_for_the_body_as_sent_and_inflated(
    compression: grpc.Compression, channel: grpc.aio.Channel, ingest: Recorder
) -> None:
    export = channel.unary_unary(Signal.TRACES.grpc_method)
    await export(b"\0" * LIMIT, compression=compression)
    error = await refused(channel, b"\0" * (LIMIT + 1), compression)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert RETRY_INFO_KEY not in dict(error.trailing_metadata() or ())
    assert len(ingest.bodies) == 1


async def test_too_many_calls_at_once_are_told_to_come_again(
    channel: grpc.aio.Channel, ingest: Recorder, receiver: GrpcReceiver
) -> None:
    ingest.hold = asyncio.Event()
    export = channel.unary_unary(Signal.TRACES.grpc_method)
    held = [asyncio.ensure_future(export(b"")) for _ in range(4)]
    await until(lambda: len(ingest.bodies) == 4)
    # A second connection: the first one's streams are used up and would wait.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{receiver.port}", options=options) as other:
        assert (await refused(other)).code() is grpc.StatusCode.UNAVAILABLE
    ingest.hold.set()
    assert await asyncio.gather(*held) == [b""] * 4


async def test_ingest_is_cancelled_when_the_client_leaves(
    channel: grpc.aio.Channel, ingest: Recorder
) -> None:
    ingest.hold = asyncio.Event()
    call = channel.unary_unary(Signal.TRACES.grpc_method)(b"")
    await until(lambda: len(ingest.bodies) == 1)
    call.cancel()
    await until(lambda: ingest.cancelled == 1)


async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel) -> None:
    error = await refused(channel, method="/opentelemetry.proto.collector.trace.v1.TraceService/X")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_health_follows_set_serving(
    channel: grpc.aio.Channel, receiver: GrpcReceiver
) -> None:
    check = health_pb2_grpc.HealthStub(channel).Check
    states = health_pb2.HealthCheckResponse
    assert (await check(health_pb2.HealthCheckRequest())).status == states.SERVING
    await receiver.set_serving(serving=False)
    request = health_pb2.HealthCheckRequest(service=Signal.LOGS.grpc_service)
    assert (await check(request)).status == states.NOT_SERVING
    await receiver.set_serving(serving=True)
    assert (await check(request)).status == states.SERVING


async def test_a_taken_port_is_an_error_that_names_it(
    receiver: GrpcReceiver, ingest: Recorder
) -> None:
    address = f"127.0.0.1:{receiver.port}"
    options = ListenerOptions(name="grpc", address=address, option="--grpc-address")
    second = GrpcReceiver(options, ingest)
    try:
        with pytest.raises(PortTaken, match=f"{address}.*--grpc-address"):
            await second.start()
    finally:
        await second.stop(0)


BOMB_SERVER = """
import asyncio, resource, sys
sys.path.insert(0, sys.argv[1])
from agentslo.config.transport import ListenerOptions
from agentslo.otlp.receive_grpc import GrpcReceiver
from transport_parts import Recorder

async def main():
    receiver = GrpcReceiver(ListenerOptions(name="g", address="127.0.0.1:0"), Recorder())
    await receiver.start()
    print(receiver.port, flush=True)
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = peak()
    await asyncio.to_thread(sys.stdin.readline)
    print(peak() - before, flush=True)
    await receiver.stop(0)

asyncio.run(main())
"""


def test_a_gzip_bomb_costs_no_more_memory_than_the_limit() -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", BOMB_SERVER, str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin and server.stdout
    options = [("grpc.max_send_message_length", -1)]
    try:
        place = f"127.0.0.1:{int(server.stdout.readline())}"
        with grpc.insecure_channel(place, options=options) as channel:
            export = channel.unary_unary(Signal.TRACES.grpc_method)
            with pytest.raises(grpc.RpcError) as caught:
                export(b"\0" * (400 * LIMIT), timeout=60, compression=grpc.Compression.Gzip)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        server.stdin.write("\n")
        server.stdin.flush()
        assert int(server.stdout.readline()) <= (64 + 8) * 1024
    finally:
        server.stdin.close()
        server.wait(10)
        server.stdout.close()
