"""OTLP over gRPC in.

In: unary Export calls of the three signals, raw bytes (gRPC inflates them, within `max_bytes`).
Out: an empty response, or a refusal with `google.rpc.Status` details. State: the requests being
answered, and the counts in `answers`. Source: OTLP specification, "OTLP/gRPC".
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from agentslo.config.transport import ListenerOptions
from agentslo.otlp.access import Denied, Failures, Guard
from agentslo.otlp.answer import (
    BUSY,
    LOCKED,
    NO_TOKEN,
    Answers,
    Ingest,
    Reply,
    ReplyCode,
    Signal,
    ask,
)
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
Refuse = Callable[[AsyncIterator[bytes], Context], Awaitable[bytes]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
SIGNALS = {signal.grpc_method: signal for signal in Signal}


class GrpcReceiver:
    """One OTLP/gRPC listener; `start` before `port` is known, `stop` once."""

    def __init__(self, options: ListenerOptions, ingest: Ingest) -> None:
        self.answers = Answers()
        self.port = 0
        self._options = options
        self._ingest = ingest
        self._active = 0
        self.guard = Guard(Path(options.token_file), Failures()) if options.token_file else None
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listen; raises `PortTaken` or another `ListenFailed`."""
        gates = [_Gate(self.guard, self.answers)] if self.guard else []
        server = grpc.aio.server(options=_server_options(self._options), interceptors=gates)
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
                await _abort(context, reply)
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


class _Gate(grpc.aio.ServerInterceptor):
    """Refuses exports without a token before a byte of their message is read."""

    def __init__(self, guard: Guard, answers: Answers) -> None:
        self._guard, self._answers = guard, answers

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The call's own handler behind the question for a token; health checks need none."""
        handler = await continuation(handler_call_details)
        signal = SIGNALS.get(handler_call_details.method)
        if handler is None or handler.unary_unary is None or signal is None:
            return handler
        metadata = handler_call_details.invocation_metadata
        shown = [str(value) for key, value in metadata if key == "authorization"]
        authorization = shown[0] if len(shown) == 1 else ""
        if not self._guard.knows(authorization):
            # A handler of a stream, because those run before the message has come.
            return grpc.stream_unary_rpc_method_handler(self._refusing(signal, authorization))
        return grpc.unary_unary_rpc_method_handler(
            self._asking(signal, authorization, cast("Export", handler.unary_unary))
        )

    def _refusing(self, signal: Signal, authorization: str) -> Refuse:
        async def refuse(_messages: AsyncIterator[bytes], context: Context) -> bytes:
            await self._ask(signal, authorization, context)
            return RESPONSE

        return refuse

    def _asking(self, signal: Signal, authorization: str, export: Export) -> Export:
        async def asked(body: bytes, context: Context) -> bytes:
            await self._ask(signal, authorization, context)
            return await export(body, context)

        return asked

    async def _ask(self, signal: Signal, authorization: str, context: Context) -> None:
        denied = self._guard.check(authorization, _host(context.peer()), monotonic())
        if denied is not None:
            reply = LOCKED if denied is Denied.LIMITED else NO_TOKEN
            self._answers.requests[signal, reply.code] += 1
            await _abort(context, reply)


async def _abort(context: Context, reply: Reply) -> None:
    await context.abort(GRPC_CODE[reply.code], reply.message[:MESSAGE_CHARACTERS], trailers(reply))


def _host(peer: str) -> str:
    """The address in `ipv4:127.0.0.1:80` or `ipv6:%5B::1%5D:80`, as gRPC names its peers."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


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
