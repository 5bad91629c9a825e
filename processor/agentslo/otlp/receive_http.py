"""OTLP over HTTP in.

In: `POST /v1/traces|logs|metrics`, protobuf or JSON, none or gzip. Out: 200 with an empty
response, or a refusal with a `google.rpc.Status` body, both in the request's encoding. State: the
connections, the bytes being read, and the counts in `answers`. Source: OTLP specification,
"OTLP/HTTP".
"""

import asyncio
import logging
from pathlib import Path
from time import monotonic

from aiohttp import web

from agentslo.config.transport import ListenerOptions
from agentslo.otlp.access import Denied, Failures, Guard
from agentslo.otlp.answer import (
    BUSY,
    FAULT_RETRY_S,
    LOCKED,
    NO_TOKEN,
    Answers,
    Ingest,
    Reply,
    ReplyCode,
    Signal,
    ask,
)
from agentslo.otlp.http_body import Budget, Lease, Refused, read_body, refuse, unsupported
from agentslo.otlp.json_codec import logs_from_json, metrics_from_json, traces_from_json
from agentslo.otlp.listen import listen_error, split_address
from agentslo.otlp.status import HTTP_STATUS, retry_after_s, rpc_status, status_json
from agentslo.otlp.tls import listener_context

logger = logging.getLogger(__name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
SIGNALS = {signal.http_path: signal for signal in Signal}
FROM_JSON = {
    Signal.TRACES: traces_from_json,
    Signal.LOGS: logs_from_json,
    Signal.METRICS: metrics_from_json,
}
METHOD_NOT_ALLOWED = 405
JSON_INLINE_BYTES = 64 * 1024
"""Larger JSON is decoded in a thread: 1 MiB takes about 0.1 s and would stall the loop."""


class HttpReceiver:
    """One OTLP/HTTP listener; `start` before `port` is known, `stop` once."""

    def __init__(self, options: ListenerOptions, ingest: Ingest) -> None:
        self.answers = Answers()
        self.port = 0
        self._options = options
        self._ingest = ingest
        self.guard = Guard(Path(options.token_file), Failures()) if options.token_file else None
        self._budget = Budget(limit_bytes=options.buffer_bytes)
        self._active = 0
        self._silent: dict[web.RequestHandler, asyncio.TimerHandle] = {}
        self._connections: web.Server | None = None
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises `PortTaken` or another `ListenFailed`."""
        options = self._options
        host, port = split_address(options.address)
        context = listener_context(options.tls) if options.tls else None
        self._connections = web.Server(
            self._handle,
            handler_cancellation=True,
            # We inflate ourselves: aiohttp bounds neither members nor ratio.
            auto_decompress=False,
            access_log=None,
        )
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(
                self._accept, host, port, ssl=context, reuse_port=False
            )
        except OSError as error:
            option = options.option or options.name
            raise listen_error(options.address, option, error) from None
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self, grace_s: float) -> None:
        """Take no new connections; requests being answered get `grace_s`."""
        if self._listener is None or self._connections is None:
            return
        self._listener.close()
        self._connections.pre_shutdown()
        await self._connections.shutdown(grace_s)
        for timer in self._silent.values():
            timer.cancel()
        self._silent.clear()
        self._listener = None

    def _accept(self) -> asyncio.BaseProtocol:
        connections = self._connections
        if connections is None or len(connections.connections) >= self._options.max_connections:
            return _HangUp()
        protocol = connections()
        # aiohttp waits for ever for a first request; its keep-alive covers the later ones.
        self._silent[protocol] = asyncio.get_running_loop().call_later(
            self._options.read_timeout_s, self._close_silent, protocol
        )
        return protocol

    def _close_silent(self, protocol: web.RequestHandler) -> None:
        del self._silent[protocol]
        protocol.force_close()

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()
        signal = SIGNALS.get(request.path)
        try:
            self._ask_for_token(request)
            if signal is None:
                raise Refused(404, Reply(code=ReplyCode.INVALID, message="no such path"))
            reply = await self._answer(request, signal)
            status = HTTP_STATUS[reply.code]
        except Refused as refused:
            status, reply = refused.http_status, refused.reply
        except Exception:
            self.answers.faults += 1
            logger.exception("listener %s failed; answering retryable", self._options.name)
            status = HTTP_STATUS[ReplyCode.RETRY]
            reply = Reply(code=ReplyCode.RETRY, message="fault", retry_after_s=FAULT_RETRY_S)
        self.answers.requests[signal or "other", reply.code] += 1
        return _response(status, reply, JSON if request.content_type == JSON else PROTOBUF)

    def _ask_for_token(self, request: web.BaseRequest) -> None:
        """Refuse who shows none of the tokens, before the path or the body is looked at."""
        if self.guard is None:
            return
        shown = request.headers.getall("Authorization", [])
        authorization = shown[0] if len(shown) == 1 else ""
        denied = self.guard.check(authorization, request.remote or "", monotonic())
        if denied is not None:
            reply = LOCKED if denied is Denied.LIMITED else NO_TOKEN
            raise Refused(HTTP_STATUS[reply.code], reply)

    async def _answer(self, request: web.BaseRequest, signal: Signal) -> Reply:
        if request.method != "POST":
            raise Refused(405, Reply(code=ReplyCode.INVALID, message="only POST is allowed"))
        if request.content_type not in (PROTOBUF, JSON):
            raise unsupported(f"Content-Type must be {PROTOBUF} or {JSON}")
        refusal = self._ingest.admit(request.content_length or 0)
        if refusal is not None:
            return refusal
        if self._active >= self._options.max_requests:
            return BUSY
        lease = Lease(self._budget)
        self._active += 1
        try:
            return await self._take(request, signal, lease)
        finally:
            self._active -= 1
            lease.release()

    async def _take(self, request: web.BaseRequest, signal: Signal, lease: Lease) -> Reply:
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        options = self._options
        body = await read_body(
            request, lease, max_bytes=options.max_bytes, timeout_s=options.read_timeout_s
        )
        if request.content_type == JSON:
            body = await _from_json(signal, body)
        return await ask(self._ingest, self.answers, signal, body, options.name)


async def _from_json(signal: Signal, body: bytes) -> bytes:
    decode = FROM_JSON[signal]
    try:
        if len(body) <= JSON_INLINE_BYTES:
            return decode(body)
        return await asyncio.to_thread(decode, body)
    except ValueError as error:
        # Lone surrogates may stand in the text; the answer must still be UTF-8.
        text = str(error).encode("utf-8", "replace").decode()
        raise refuse(ReplyCode.INVALID, f"not OTLP/JSON: {text}") from None


def _response(status: int, reply: Reply, content_type: str) -> web.Response:
    if reply.code is ReplyCode.ACCEPTED:
        body = b"{}" if content_type == JSON else b""
        return web.Response(status=status, body=body, content_type=content_type)
    error = rpc_status(reply)
    body = status_json(error) if content_type == JSON else error.SerializeToString()
    response = web.Response(status=status, body=body, content_type=content_type)
    if reply.code is ReplyCode.RETRY:
        response.headers["Retry-After"] = str(retry_after_s(reply))
    if status == METHOD_NOT_ALLOWED:
        response.headers["Allow"] = "POST"
    if reply.code is ReplyCode.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


class _HangUp(asyncio.Protocol):
    """What a connection beyond the bound gets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
