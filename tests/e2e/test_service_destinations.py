"""Several destinations: each its own fault domain, and senders hear what the primary says."""

import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import grpc
import pytest
from aiohttp import web
from google.rpc import error_details_pb2, status_pb2
from service_parts import SHIPPED, in_time_order, listening, to, write_config
from span_parts import requests_of, seen
from transport_parts import GrpcSink, HttpSink, until

from agentslo.config.service_file import load
from agentslo.otlp.answer import Signal
from agentslo.service.overview import as_json
from agentslo.service.server import Service
from support.ports import LOOPBACK

ACK_TIMEOUT_S = 0.4
RUNS = {
    "quiet_s": 0.5,
    "quiet_single_s": 0.5,
    "idle_s": 1,
    "hold_max_s": 1,
    "ack_timeout_s": ACK_TIMEOUT_S,
}


async def accept_grpc(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return b""


async def accept_http(request: web.Request, body: bytes) -> web.Response:
    return web.Response(content_type="application/x-protobuf")


@pytest.fixture
async def primary() -> AsyncIterator[GrpcSink]:
    sink = GrpcSink(accept_grpc)
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def secondary() -> AsyncIterator[HttpSink]:
    sink = HttpSink(accept_http)
    await sink.start()
    yield sink
    await sink.stop()


@asynccontextmanager
async def serving(folder: Path, primary: GrpcSink, secondary: HttpSink) -> AsyncIterator[Service]:
    """A service in this process with a gRPC primary and an HTTP destination beside it."""
    destinations = [
        to(f"{LOOPBACK}:{primary.port}", name="primary", primary=True),
        to(f"http://{LOOPBACK}:{secondary.port}", name="second", protocol="http"),
    ]
    config = write_config(folder, listening({"destinations": destinations, "runs": RUNS}))
    service = Service(load(config, {}), lambda: load(config, {}))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


Export = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def client(service: Service) -> AsyncIterator[Export]:
    async with grpc.aio.insecure_channel(f"{LOOPBACK}:{service.grpc.port}") as channel:
        yield channel.unary_unary(Signal.TRACES.grpc_method)


def held(service: Service) -> bool:
    return bool(service.pipeline.assembler.held or service.pipeline.assembler.open_traces)


async def test_where_the_second_is_dead_the_primary_gets_all_and_senders_notice_nothing(
    tmp_path: Path, primary: GrpcSink, secondary: HttpSink
) -> None:
    bodies = in_time_order(SHIPPED)
    sent = seen(requests_of(bodies)).spans
    await secondary.stop()
    async with serving(tmp_path, primary, secondary) as service, client(service) as export:
        for body in bodies:
            await export(body)
        await until(lambda: seen(requests_of(primary.bodies)).spans == sent)
        # Its own queue kept what the dead one missed.
        await secondary.start()
        await until(lambda: seen(requests_of(secondary.bodies)).spans == sent)


async def test_where_the_primary_is_dead_the_second_gets_all_and_senders_are_told_to_come_again(
    tmp_path: Path, primary: GrpcSink, secondary: HttpSink
) -> None:
    bodies = in_time_order(SHIPPED)[:4]
    await primary.stop()
    async with serving(tmp_path, primary, secondary) as service, client(service) as export:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await export(bodies[0])
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert retry_delay_s(refused.value) > 0
        status, headers = await post(service, bodies[1])
        assert (status, int(headers["Retry-After"]) > 0) == (503, True)
        sent = seen(requests_of(bodies[:2])).spans
        await until(lambda: seen(requests_of(secondary.bodies)).spans == sent)
        await primary.start()


def retry_delay_s(error: grpc.aio.AioRpcError) -> float:
    """The pause a refusal asks for: `RetryInfo` in its status details."""
    metadata = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    info = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    alone = error_details_pb2.RetryInfo.FromString(metadata["google.rpc.retryinfo-bin"])
    assert alone == info
    return info.retry_delay.ToNanoseconds() / 1e9


async def post(service: Service, body: bytes) -> tuple[int, dict[str, str]]:
    url = f"http://{LOOPBACK}:{service.http.port}/v1/traces"
    headers = {"Content-Type": "application/x-protobuf"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as r,
    ):
        return r.status, dict(r.headers)


async def test_when_the_primary_comes_back_nothing_is_lost_and_the_second_saw_no_flood(
    tmp_path: Path, primary: GrpcSink, secondary: HttpSink
) -> None:
    bodies = in_time_order(SHIPPED)
    sent = seen(requests_of(bodies)).spans
    await primary.stop()
    async with serving(tmp_path, primary, secondary) as service, client(service) as export:
        open_requests = list(bodies)
        for tries in range(200):
            open_requests = await still_refused(export, open_requests)
            if not open_requests:
                break
            if tries == 2:
                await primary.start()
        assert open_requests == []
        await until(lambda: not held(service))
        await until(lambda: not sent - seen(requests_of(primary.bodies)).spans)
        await until(lambda: not sent - seen(requests_of(secondary.bodies)).spans)
        second = seen(requests_of(secondary.bodies))
        counted = as_json(service.view())["agents"]
    assert second.spans.total() <= sent.total() * 1.1
    assert counted_runs(counted) == len(runs_in(second))


async def still_refused(export: Export, bodies: list[bytes]) -> list[bytes]:
    """Sends requests all at once, as many senders would; gives those to send again."""
    calls = [(body, export(body)) for body in bodies]
    left = []
    for body, call in calls:
        try:
            await call
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            left.append(body)
    return left


def counted_runs(agents: object) -> int:
    rows = json.loads(json.dumps(agents))
    return math.floor(sum(sum(row["outcomes"].values()) for row in rows))


def runs_in(found: object) -> set[str]:
    return {run_id for run_id, _ in found.said}  # type: ignore[attr-defined]
