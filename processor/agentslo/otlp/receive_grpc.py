"""OTLP over gRPC in.

In: unary Export calls of the three signals, raw bytes (gRPC inflates them, within `max_bytes`).
Out: an empty response, or a refusal with `google.rpc.Status` details. State: the requests being
answered, and the counts in `answers`. Source: OTLP specification, "OTLP/gRPC".
"""

from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from agentslo.config.transport import ListenerOptions
from agentslo.otlp.answer import BUSY, Answers, Ingest, Reply, ReplyCode, Signal, ask
from agentslo.otlp.listen import split_address, why_not
from agentslo.otlp.status import GRPC_CODE, MESSAGE_CHARACTERS, trailers
from agentslo.otlp.tls import listener_credentials

RESPONSE = b""
"""A serialized `Export*ServiceResponse` without partial success."""

MIN_PING_INTERVAL_MS = 10_000
"""How often clients may ping; gRPC's own 5 minutes answers faster ones with GOAWAY."""
HANDSHAKE_TIMEOUT_MS = 20_000

Context = grpc.aio.ServicerContext[bytes, bytes]
Export = Callable[[bytes, Context], Awaitable[bytes]]


class GrpcReceiver:
    """One OTLP/gRPC listener; `start` before `port` is known, `stop` once."""

    def __init__(self, options: ListenerOptions, ingest: Ingest) -> None:
        self.answers = Answers()
        self.port = 0
        self._options = options
        self._ingest = ingest
        self._active = 0
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listen; raises `PortTaken` or another `ListenFailed`."""
        server = grpc.aio.server(options=_server_options(self._options))
        for signal in Signal:
            server.add_generic_rpc_handlers((self._handler(signal),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        self.port = self._bind(server)
        await server.start()
        self._server = server

    async def set_serving(self, *, serving: bool) -> None:
        """Tell health checks whether spans are welcome."""
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if serving else states.NOT_SERVING
        for service in ("", *(signal.grpc_service for signal in Signal)):
            await self._health.set(service, state)

    async def stop(self, grace_s: float) -> None:
        """Take no new calls; those being answered get `grace_s`."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(grace_s)
            self._server = None

    def _bind(self, server: grpc.aio.Server) -> int:
        address, tls = self._options.address, self._options.tls
        host, port = split_address(address)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if tls is None:
                return server.add_insecure_port(place)
            return server.add_secure_port(place, listener_credentials(tls))
        except RuntimeError:
            raise why_not(address, self._options.option or self._options.name) from None

    def _handler(self, signal: Signal) -> grpc.GenericRpcHandler:
        # No (de)serializers: handlers see the bytes of the message.
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            self._export(signal)
        )
        return grpc.method_handlers_generic_handler(signal.grpc_service, {"Export": method})

    def _export(self, signal: Signal) -> Export:
        async def export(body: bytes, context: Context) -> bytes:
            reply = await self._answer(signal, body)
            self.answers.requests[signal, reply.code] += 1
            if reply.code is not ReplyCode.ACCEPTED:
                await context.abort(
                    GRPC_CODE[reply.code], reply.message[:MESSAGE_CHARACTERS], trailers(reply)
                )
            return RESPONSE

        return export

    async def _answer(self, signal: Signal, body: bytes) -> Reply:
        if self._active >= self._options.max_requests:
            # Not `maximum_concurrent_rpcs`: gRPC answers RESOURCE_EXHAUSTED, which is permanent.
            return BUSY
        self._active += 1
        try:
            return await ask(self._ingest, self.answers, signal, body, self._options.name)
        finally:
            self._active -= 1


def _server_options(options: ListenerOptions) -> list[tuple[str, int]]:
    return [
        # Else a second process shares the port silently and each gets half of the spans.
        ("grpc.so_reuseport", 0),
        # Holds for the message as received and, in gRPC core, while it is being inflated.
        ("grpc.max_receive_message_length", options.max_bytes),
        ("grpc.max_concurrent_streams", options.max_requests),
        ("grpc.max_allowed_incoming_connections", options.max_connections),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", MIN_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
