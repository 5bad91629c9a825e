"""Real ends for transport tests: an ingest that records, sinks that misbehave as told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import grpc
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentslo.config.transport import DestinationOptions
from agentslo.otlp.answer import ACCEPTED, Reply, Signal

Behave = Callable[[bytes], Awaitable[bytes]]


def spans(count: int, mark: str = "span", padding: int = 0) -> bytes:
    """A trace request of so many spans, each named by `mark` and its number."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = group.scope_spans.add()
    scope.scope.name = "demo"
    for number in range(count):
        span = scope.spans.add(name=f"{mark}-{number}", trace_id=b"t" * 16, span_id=b"s" * 8)
        if padding:
            span.attributes.add(key="text").value.string_value = "x" * padding
    return request.SerializeToString()


def names(*bodies: bytes) -> list[str]:
    """The span names in some requests, in order."""
    return [
        span.name
        for body in bodies
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


async def until(condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    """Wait for something to become true; fails at the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.002)


@dataclass
class Recorder:
    """An ingest that keeps what it is given and answers as told."""

    reply: Reply = ACCEPTED
    refusal: Reply | None = None
    fault: Exception | None = None
    hold: asyncio.Event | None = None
    bodies: list[tuple[Signal, bytes, str]] = field(default_factory=list)
    admitted: list[int] = field(default_factory=list)
    cancelled: int = 0

    def admit(self, size_bytes: int) -> Reply | None:
        self.admitted.append(size_bytes)
        return self.refusal

    async def ingest(self, signal: Signal, body: bytes, listener: str) -> Reply:
        self.bodies.append((signal, body, listener))
        if self.fault is not None:
            raise self.fault
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return self.reply


class GrpcSink:
    """An OTLP/gRPC back end on a port that survives stop and start."""

    def __init__(
        self, behave: Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]
    ) -> None:
        self.bodies: list[bytes] = []
        self.metadata: list[dict[str, object]] = []
        self.behave = behave
        self.port = 0
        self._server: grpc.aio.Server | None = None

    async def start(self, credentials: grpc.ServerCredentials | None = None) -> None:
        async def export(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
            self.bodies.append(body)
            self.metadata.append(dict(context.invocation_metadata() or ()))
            return await self.behave(body, context)

        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        for signal in Signal:
            method = grpc.unary_unary_rpc_method_handler(export)
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(signal.grpc_service, {"Export": method}),)
            )
        place = f"127.0.0.1:{self.port}"
        self.port = (
            server.add_secure_port(place, credentials)
            if credentials
            else server.add_insecure_port(place)
        )
        await server.start()
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None


class HttpSink:
    """An OTLP/HTTP back end that answers as told."""

    def __init__(self, behave: Callable[[web.Request, bytes], Awaitable[web.Response]]) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.behave = behave
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            self.bodies.append(body)
            self.paths.append(request.path)
            self.headers.append(dict(request.headers))
            return await self.behave(request, body)

        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def options(endpoint: str, **changes: object) -> DestinationOptions:
    """Destination options with short pauses."""
    values: dict[str, object] = {
        "name": "backend",
        "endpoint": endpoint,
        "retry_initial_s": 0.01,
        "retry_max_s": 0.05,
        "timeout_s": 2.0,
    }
    return DestinationOptions(**(values | changes))  # type: ignore[arg-type]
