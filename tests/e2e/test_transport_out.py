"""A destination against real back ends that are down, slow, flapping or refusing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
import pytest
from aiohttp import web
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from transport_parts import GrpcSink, HttpSink, names, options, spans, until

from agentslo.config.transport import DestinationOptions
from agentslo.otlp.answer import Signal
from agentslo.otlp.destination import Destination, DestinationClosed, QueueFull
from agentslo.otlp.send_queue import Delivery
from agentslo.otlp.status import DETAILS_KEY, RETRY_INFO_KEY
from agentslo.otlp.tally import DestinationStats
from agentslo.otlp.transports import sender_for

TRACES = Signal.TRACES
Refuse = Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]


async def accept(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return b""


def refuse(code: grpc.StatusCode, *trailers: tuple[str, bytes]) -> Refuse:
    async def behave(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await context.abort(code, "no", trailers)

    return behave


def answer(
    status: int, body: bytes = b"", **headers: str
) -> Callable[..., Awaitable[web.Response]]:
    async def behave(request: web.Request, content: bytes) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return behave


@asynccontextmanager
async def sending(given: DestinationOptions) -> AsyncIterator[Destination]:
    destination = Destination(given, sender_for(given))
    await destination.start()
    try:
        yield destination
    finally:
        await destination.close()


def balanced(stats: DestinationStats) -> bool:
    return all(
        stats.offered.get(signal, 0)
        == stats.forwarded.get(signal, 0)
        + stats.queued.get(signal, 0)
        + sum(count for (of, _), count in stats.dropped.items() if of is signal)
        for signal in Signal
    )


@pytest.fixture
async def sink() -> AsyncIterator[GrpcSink]:
    sink = GrpcSink(accept)
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def http_sink() -> AsyncIterator[HttpSink]:
    sink = HttpSink(answer(200))
    await sink.start()
    yield sink
    await sink.stop()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "http://127.0.0.1:{}"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_payloads_arrive_byte_for_byte_over_grpc(
    form: str, compression: str, sink: GrpcSink
) -> None:
    given = options(
        form.format(sink.port), compression=compression, headers=(("Authorization", "Bearer x"),)
    )
    async with sending(given) as destination:
        for signal in Signal:
            assert await destination.offer(signal, spans(9), 9) is Delivery.DELIVERED
        assert sink.bodies == [spans(9)] * 3
        assert sink.metadata[0]["authorization"] == "Bearer x"
        stats = destination.stats
        assert (stats.forwarded, stats.held_bytes, stats.in_flight) == (
            dict.fromkeys(Signal, 9),
            0,
            0,
        )
    assert "Bearer" not in repr(given)


@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_payloads_arrive_byte_for_byte_over_http(
    compression: str, http_sink: HttpSink
) -> None:
    given = options(
        f"http://127.0.0.1:{http_sink.port}/otlp/",
        protocol="http",
        compression=compression,
        headers=(("X-Scope", "a"),),
    )
    async with sending(given) as destination:
        for signal in Signal:
            assert await destination.offer(signal, spans(2_000), 9) is Delivery.DELIVERED
    # The sink's server has inflated already what said gzip.
    assert http_sink.bodies == [spans(2_000)] * 3
    assert http_sink.paths == ["/otlp/v1/traces", "/otlp/v1/logs", "/otlp/v1/metrics"]
    first = http_sink.headers[0]
    assert (first["Content-Type"], first["X-Scope"]) == ("application/x-protobuf", "a")
    assert first.get("Content-Encoding") == ("gzip" if compression == "gzip" else None)


async def test_what_waits_is_joined_by_signal_up_to_the_bound(sink: GrpcSink) -> None:
    body = spans(10)
    given = options(f"127.0.0.1:{sink.port}", senders=1, join_bytes=4 * len(body))
    destination = Destination(given, sender_for(given))
    waiting = [destination.offer(TRACES, spans(10, f"p{place}"), 10) for place in range(7)]
    waiting.append(destination.offer(Signal.LOGS, b"\n\0", 1))
    await destination.start()
    assert await asyncio.gather(*waiting) == [Delivery.DELIVERED] * 8
    assert [len(names(sent)) for sent in sink.bodies[:2]] == [40, 30]
    assert sink.bodies[2] == b"\n\0"
    assert names(*sink.bodies[:2]) == [f"p{place}-{n}" for place in range(7) for n in range(10)]
    assert destination.stats.sent_requests == 3
    await destination.close()


async def test_a_back_end_that_is_down_gets_everything_when_it_is_back(sink: GrpcSink) -> None:
    await sink.stop()
    async with sending(options(f"127.0.0.1:{sink.port}", senders=2)) as destination:
        waiting = [destination.offer(TRACES, spans(1, f"p{place}"), 1) for place in range(20)]
        await until(lambda: destination.stats.retries >= 4)
        stats = destination.stats
        assert (stats.queued[TRACES], stats.forwarded, stats.dropped) == (20, {}, {})
        assert stats.oldest_age_s > 0
        await sink.start()
        assert set(await asyncio.gather(*waiting)) == {Delivery.DELIVERED}
        assert sorted(names(*sink.bodies)) == sorted(f"p{place}-0" for place in range(20))
        assert destination.stats.oldest_age_s == 0


async def test_a_flapping_back_end_loses_nothing(sink: GrpcSink) -> None:
    async with sending(options(f"127.0.0.1:{sink.port}", senders=2)) as destination:
        waiting = []
        for flap in range(5):
            await sink.stop()
            waiting += [destination.offer(TRACES, spans(1, f"f{flap}p{n}"), 1) for n in range(5)]
            retries = destination.stats.retries
            await until(lambda retries=retries: destination.stats.retries > retries)
            await sink.start()
            await asyncio.gather(*waiting)
        assert set(names(*sink.bodies)) == {f"f{flap}p{n}-0" for flap in range(5) for n in range(5)}
        assert destination.stats.forwarded == {TRACES: 25}


async def test_a_dropped_response_is_sent_again_byte_for_byte(sink: GrpcSink) -> None:
    async def drop_first(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if len(sink.bodies) == 1:
            await asyncio.Event().wait()
        return b""

    sink.behave = drop_first
    async with sending(options(f"127.0.0.1:{sink.port}", timeout_s=0.2)) as destination:
        assert await destination.offer(TRACES, spans(3), 3) is Delivery.DELIVERED
        assert sink.bodies == [spans(3)] * 2
        assert destination.stats.forwarded == {TRACES: 3}


@pytest.mark.parametrize(
    "code",
    ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"],
)
async def test_a_retryable_code_is_tried_again(code: str, sink: GrpcSink) -> None:
    async def once(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if len(sink.bodies) == 1:
            await context.abort(grpc.StatusCode[code], "later")
        return b""

    sink.behave = once
    async with sending(options(f"127.0.0.1:{sink.port}")) as destination:
        assert await destination.offer(TRACES, spans(1), 1) is Delivery.DELIVERED
        assert (len(sink.bodies), destination.stats.retries) == (2, 1)


@pytest.mark.parametrize("key", [DETAILS_KEY, RETRY_INFO_KEY])
async def test_resource_exhausted_with_retry_info_waits_as_long_as_told(
    key: str, sink: GrpcSink
) -> None:
    info = RetryInfo(retry_delay=Duration(nanos=300_000_000))
    status = Status(code=8)
    status.details.add().Pack(info)
    trailer = (status if key == DETAILS_KEY else info).SerializeToString()

    async def once(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if len(sink.bodies) == 1:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "", ((key, trailer),))
        return b""

    sink.behave = once
    loop = asyncio.get_running_loop()
    async with sending(options(f"127.0.0.1:{sink.port}")) as destination:
        start_s = loop.time()
        assert await destination.offer(TRACES, spans(1), 1) is Delivery.DELIVERED
        assert loop.time() - start_s >= 0.3


@pytest.mark.parametrize(
    "code",
    ["INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED", "INTERNAL"],
)
async def test_a_permanent_code_drops_and_is_counted_by_reason(code: str, sink: GrpcSink) -> None:
    sink.behave = refuse(grpc.StatusCode[code])
    async with sending(options(f"127.0.0.1:{sink.port}")) as destination:
        assert await destination.offer(TRACES, spans(5), 5) is Delivery.DROPPED
        assert destination.stats.dropped == {(TRACES, f"rejected_{code.lower()}"): 5}
        assert len(sink.bodies) == 1


async def test_one_bad_payload_does_not_take_its_neighbours_along(sink: GrpcSink) -> None:
    async def choosy(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if b"bad" in body:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad")
        return b""

    sink.behave = choosy
    given = options(f"127.0.0.1:{sink.port}", senders=1)
    destination = Destination(given, sender_for(given))
    marks = ["a", "b", "bad", "c", "d"]
    waiting = [destination.offer(TRACES, spans(2, mark), 2) for mark in marks]
    await destination.start()
    ends = await asyncio.gather(*waiting)
    assert [end is Delivery.DELIVERED for end in ends] == [mark != "bad" for mark in marks]
    stats = destination.stats
    assert stats.forwarded == {TRACES: 8}
    assert stats.dropped == {(TRACES, "rejected_invalid_argument"): 2}
    await destination.close()


async def test_partial_success_drops_what_was_rejected_and_is_not_resent(sink: GrpcSink) -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 2

    async def partly(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        return response.SerializeToString()

    sink.behave = partly
    async with sending(options(f"127.0.0.1:{sink.port}")) as destination:
        assert await destination.offer(TRACES, spans(5), 5) is Delivery.DELIVERED
        stats = destination.stats
        assert (stats.forwarded, stats.dropped) == ({TRACES: 3}, {(TRACES, "partial_success"): 2})
        assert len(sink.bodies) == 1


async def too_large_over(limit: int, body: bytes, context: grpc.aio.ServicerContext) -> bytes:
    if len(body) > limit:
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max")
    return b""


async def test_a_join_or_payload_that_is_too_large_arrives_in_pieces(sink: GrpcSink) -> None:
    bodies: list[bytes] = []

    async def small_only(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await too_large_over(150_000, body, context)
        bodies.append(body)
        return b""

    sink.behave = small_only
    given = options(f"127.0.0.1:{sink.port}", senders=1)
    destination = Destination(given, sender_for(given))
    large = spans(50, "large", padding=10_000)
    waiting = [destination.offer(TRACES, large, 50), destination.offer(TRACES, spans(3), 3)]
    await destination.start()
    assert set(await asyncio.gather(*waiting)) == {Delivery.DELIVERED}
    assert names(*bodies) == names(large, spans(3))
    assert destination.stats.forwarded == {TRACES: 53}
    await destination.close()


async def test_a_single_span_that_is_too_large_is_dropped_and_the_rest_is_not(
    sink: GrpcSink,
) -> None:
    async def small_only(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        return await too_large_over(150_000, body, context)

    sink.behave = small_only
    mixed = spans(4, padding=30_000) + spans(1, "huge", padding=300_000) + spans(4, padding=30_000)
    async with sending(options(f"127.0.0.1:{sink.port}")) as destination:
        assert await destination.offer(TRACES, mixed, 9) is Delivery.DELIVERED
        stats = destination.stats
        assert (stats.forwarded, stats.dropped) == ({TRACES: 8}, {(TRACES, "too_large"): 1})


async def test_an_overloaded_back_end_without_retry_info_is_not_flooded(sink: GrpcSink) -> None:
    sink.behave = refuse(grpc.StatusCode.RESOURCE_EXHAUSTED)
    async with sending(options(f"127.0.0.1:{sink.port}")) as destination:
        assert await destination.offer(TRACES, spans(500), 500) is Delivery.DROPPED
        assert len(sink.bodies) == 1
        assert destination.stats.dropped == {(TRACES, "too_large"): 500}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_retryable_http_status_waits_as_told(status: int, http_sink: HttpSink) -> None:
    async def once(request: web.Request, body: bytes) -> web.Response:
        if len(http_sink.bodies) == 1:
            return web.Response(status=status, headers={"Retry-After": "1"})
        return web.Response()

    http_sink.behave = once
    given = options(f"http://127.0.0.1:{http_sink.port}", protocol="http")
    loop = asyncio.get_running_loop()
    async with sending(given) as destination:
        start_s = loop.time()
        assert await destination.offer(TRACES, spans(1), 1) is Delivery.DELIVERED
        assert 1.0 <= loop.time() - start_s < 5.0
        assert len(http_sink.bodies) == 2


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "rejected_http_400"),
        (401, "rejected_http_401"),
        (404, "rejected_http_404"),
        (413, "too_large"),
        (418, "rejected_http_4xx"),
        (500, "rejected_http_500"),
        (302, "rejected_http_3xx"),
    ],
)
async def test_a_permanent_http_status_drops_and_is_not_followed(
    status: int, reason: str, http_sink: HttpSink
) -> None:
    http_sink.behave = answer(status, Location=f"http://127.0.0.1:{http_sink.port}/elsewhere")
    given = options(f"127.0.0.1:{http_sink.port}", protocol="http", retry_max_elapsed_s=1.0)
    async with sending(given) as destination:
        assert await destination.offer(TRACES, spans(5), 5) is Delivery.DROPPED
        assert destination.stats.dropped == {(TRACES, reason): 5}
        assert http_sink.paths == ["/v1/traces"]


async def test_partial_success_over_http_and_an_unreadable_answer(http_sink: HttpSink) -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 9
    http_sink.behave = answer(200, response.SerializeToString())
    given = options(f"http://127.0.0.1:{http_sink.port}", protocol="http")
    async with sending(given) as destination:
        await destination.offer(TRACES, spans(5), 5)
        assert destination.stats.dropped == {(TRACES, "partial_success"): 5}
        http_sink.behave = answer(200, b"\xff" * 100_000)
        await destination.offer(TRACES, spans(5), 5)
        assert destination.stats.forwarded == {TRACES: 5}


async def test_an_http_back_end_that_is_down_or_hangs_up_is_tried_again(
    http_sink: HttpSink,
) -> None:
    async def hang_up_once(request: web.Request, body: bytes) -> web.Response:
        if len(http_sink.bodies) == 1:
            assert request.transport is not None
            request.transport.close()
        return web.Response()

    http_sink.behave = hang_up_once
    await http_sink.stop()
    given = options(f"http://127.0.0.1:{http_sink.port}", protocol="http")
    async with sending(given) as destination:
        waiting = destination.offer(TRACES, spans(1), 1)
        await until(lambda: destination.stats.retries >= 2)
        await http_sink.start()
        assert await waiting is Delivery.DELIVERED
        assert len(http_sink.bodies) == 2


async def test_a_half_open_peer_ends_by_the_deadline_and_slows_nobody(sink: GrpcSink) -> None:
    # It takes connections and bytes, and never says anything.
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    dead = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = dead.sockets[0].getsockname()[1]
    sick_options = options(f"127.0.0.1:{port}", timeout_s=0.1)
    sick_http = options(f"http://127.0.0.1:{port}", protocol="http", timeout_s=0.1)
    async with (
        sending(sick_options) as sick,
        sending(sick_http) as sick_too,
        sending(options(f"127.0.0.1:{sink.port}")) as well,
    ):
        for each in (sick, sick_too):
            each.offer(TRACES, spans(1), 1)
        async with asyncio.timeout(5):
            for _ in range(100):
                await well.offer(TRACES, spans(1), 1)
        await until(lambda: sick.stats.retries > 1 and sick_too.stats.retries > 1)
        assert (sick.stats.queued, well.stats.forwarded) == ({TRACES: 1}, {TRACES: 100})
    dead.close()


async def test_the_queue_is_bounded_in_bytes_and_payloads_but_takes_one() -> None:
    given = options("127.0.0.1:9", queue_bytes=100, queue_requests=3)
    destination = Destination(given, sender_for(given))
    assert destination.room(1_000)
    destination.offer(TRACES, b"x" * 60, 1)
    assert destination.room(40)
    assert not destination.room(41)
    with pytest.raises(QueueFull):
        destination.offer(TRACES, b"x" * 41, 1)
    destination.offer(TRACES, b"x" * 41, 1, must_queue=True)
    assert destination.stats.held_bytes == 101
    small = options("127.0.0.1:9", queue_requests=3)
    other = Destination(small, sender_for(small))
    for _ in range(3):
        other.offer(TRACES, b"", 1)
    assert not other.room(0)
    for each in (destination, other):
        assert balanced(each.stats)
        await each.close()
        assert balanced(each.stats)


async def test_a_waiting_payload_can_be_withdrawn_and_one_in_flight_cannot(sink: GrpcSink) -> None:
    gate = asyncio.Event()

    async def held(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await gate.wait()
        return b""

    sink.behave = held
    async with sending(options(f"127.0.0.1:{sink.port}", senders=1)) as destination:
        flying = destination.offer(TRACES, spans(1, "a"), 1)
        await until(lambda: len(sink.bodies) == 1)
        waiting = destination.offer(TRACES, spans(1, "b"), 1)
        waiting.cancel()
        assert destination.withdraw(waiting)
        assert not destination.withdraw(waiting)
        assert not destination.withdraw(flying)
        gate.set()
        assert await flying is Delivery.DELIVERED
        assert names(*sink.bodies) == ["a-0"]
        stats = destination.stats
        assert (stats.dropped, stats.held_bytes) == ({(TRACES, "withdrawn"): 1}, 0)
        assert balanced(stats)


async def test_a_cancelled_waiter_that_is_not_withdrawn_does_no_harm(sink: GrpcSink) -> None:
    async with sending(options(f"127.0.0.1:{sink.port}", senders=1)) as destination:
        destination.offer(TRACES, spans(1), 1).cancel()
        assert await destination.offer(TRACES, spans(1), 1) is Delivery.DELIVERED
        assert destination.stats.forwarded == {TRACES: 2}


async def test_drain_empties_the_queue_and_close_tells_what_is_left(sink: GrpcSink) -> None:
    given = options(f"127.0.0.1:{sink.port}", retry_initial_s=0.05, retry_max_s=60.0)
    async with sending(given) as destination:
        for _ in range(10):
            destination.offer(TRACES, spans(1), 1)
        assert await destination.drain(5)
        assert destination.stats.forwarded == {TRACES: 10}
        await sink.stop()
        left = destination.offer(TRACES, spans(1), 1)
        assert not await destination.drain(0.1)
    assert destination.stats.dropped == {(TRACES, "closed"): 1}
    with pytest.raises(DestinationClosed):
        await left
    with pytest.raises(DestinationClosed):
        destination.offer(TRACES, b"", 0, must_queue=True)
    assert balanced(destination.stats)


async def test_drain_does_not_wait_for_a_long_pause(http_sink: HttpSink) -> None:
    await http_sink.stop()
    endpoint = f"http://127.0.0.1:{http_sink.port}"
    given = options(endpoint, protocol="http", retry_initial_s=0.02, retry_max_s=1e3, senders=1)
    async with sending(given) as destination:
        destination.offer(TRACES, spans(1), 1)
        await until(lambda: destination.stats.retries >= 7)
        await http_sink.start()
        # The pause that has begun lasts 0.64 s to 1.28 s.
        assert await destination.drain(0.5)


async def test_an_age_limit_drops_by_its_own_reason() -> None:
    given = options("127.0.0.1:9", retry_max_elapsed_s=0.05)
    async with sending(given) as destination:
        assert await destination.offer(TRACES, spans(2), 2) is Delivery.DROPPED
        assert destination.stats.dropped == {(TRACES, "retry_deadline"): 2}


@pytest.mark.parametrize("endpoint", ["", "ftp://x", "http://", "unix:///tmp/x"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_an_endpoint_nobody_can_send_to_is_an_error(endpoint: str, protocol: str) -> None:
    with pytest.raises(ValueError, match="backend"):
        sender_for(replace(options("x"), endpoint=endpoint, protocol=protocol))
