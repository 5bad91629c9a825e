"""OTLP over gRPC out.

In: protobuf bytes of one export request. Out: a `SendResult`. State: one channel, opened at the
first send, and anew where nothing is answered in time any more. Source: OTLP specification,
"OTLP/gRPC Response"; performance.md 8 (keepalive).
"""

import asyncio
from urllib.parse import urlsplit

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from agentslo.config.transport import DestinationOptions, TlsOptions
from agentslo.otlp.answer import Signal
from agentslo.otlp.send import SendCode, SendResult, accepted
from agentslo.otlp.status import DETAILS_KEY, RETRY_INFO_KEY
from agentslo.otlp.tls import channel_credentials

DEFAULT_PORT = 4317
LATE_IN_A_ROW = 3
"""Deadlines missed one after the other before another connection is tried: a half-open one takes
all and answers nothing, and keepalive would find it out after minutes."""

RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
ABOUT_THE_PAYLOAD = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)
"""Permanent codes that one payload of a joined request may have caused for all."""

CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Each destination its own connection: one sick peer must not share a socket with another.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Servers allow a ping each 5 minutes. Switching keepalive on also bounds how long the kernel
    # waits on a half-open connection (TCP_USER_TIMEOUT = the keepalive time-out).
    ("grpc.keepalive_time_ms", 360_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


class GrpcSender:
    """Sends to one gRPC endpoint."""

    def __init__(self, options: DestinationOptions) -> None:
        self._target, self._tls = _target(options)
        self._metadata = tuple((key.lower(), value) for key, value in options.headers)
        self._compression = (
            grpc.Compression.Gzip
            if options.compression == "gzip"
            else grpc.Compression.NoCompression
        )
        self._credentials = channel_credentials(self._tls) if self._tls else None
        self._channel: grpc.aio.Channel | None = None
        self._exports: dict[Signal, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._late = 0
        self._closing: set[asyncio.Task[None]] = set()

    async def send(self, signal: Signal, body: bytes, timeout_s: float) -> SendResult:
        """One try."""
        export = self._exports.get(signal) or self._open(signal)
        try:
            response = await export(body, timeout=timeout_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            self._late += 1 if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED else -self._late
            if self._late >= LATE_IN_A_ROW:
                self._leave(timeout_s)
            return _failure(error)
        self._late = 0
        return accepted(response)

    def _leave(self, timeout_s: float) -> None:
        """Connect anew with the next send; calls in flight end by their own deadlines."""
        left, self._channel, self._late = self._channel, None, 0
        self._exports.clear()
        if left is not None:
            closing = asyncio.create_task(left.close(2 * timeout_s))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close the channel; calls in flight are cancelled."""
        for closing in self._closing:
            closing.cancel()
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
            self._exports.clear()

    def _open(self, signal: Signal) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
        if self._channel is None:
            self._channel = self._connect()
        self._exports[signal] = self._channel.unary_unary(signal.grpc_method)
        return self._exports[signal]

    def _connect(self) -> grpc.aio.Channel:
        options: list[tuple[str, int | str]] = list(CHANNEL_OPTIONS)
        if self._credentials is None:
            return grpc.aio.insecure_channel(
                self._target, options=options, compression=self._compression
            )
        if self._tls is not None and self._tls.server_name:
            options.append(("grpc.ssl_target_name_override", self._tls.server_name))
        return grpc.aio.secure_channel(
            self._target, self._credentials, options=options, compression=self._compression
        )


def _target(options: DestinationOptions) -> tuple[str, TlsOptions | None]:
    """Where to connect, and the TLS to use: by `https://`, or a bare `host:port` with `tls` set."""
    endpoint = options.endpoint
    url = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    if url.scheme not in ("", "http", "https") or not url.hostname:
        raise ValueError(f"destination {options.name}: {endpoint!r} is no gRPC endpoint")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    tls = options.tls or (TlsOptions() if url.scheme == "https" else None)
    return f"{host}:{url.port or DEFAULT_PORT}", None if url.scheme == "http" else tls


def _failure(error: grpc.aio.AioRpcError) -> SendResult:
    code, message = error.code(), error.details() or ""
    reason = f"rejected_{code.name.lower()}"
    delay_s = _retry_delay_s(error.trailing_metadata())
    if code in RETRYABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and delay_s is not None):
        return SendResult(
            code=SendCode.RETRY, reason=reason, retry_after_s=delay_s or 0.0, message=message
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return SendResult(code=SendCode.TOO_LARGE, reason="too_large", message=message)
    kind = SendCode.INVALID if code in ABOUT_THE_PAYLOAD else SendCode.REFUSED
    return SendResult(code=kind, reason=reason, message=message)


def _retry_delay_s(trailers: grpc.aio.Metadata | None) -> float | None:
    """The delay of a `RetryInfo` in the trailers; None where there is none."""
    found = dict(trailers or ())
    info = error_details_pb2.RetryInfo()
    try:
        if RETRY_INFO_KEY in found:
            info.ParseFromString(found[RETRY_INFO_KEY])
            return float(info.retry_delay.ToTimedelta().total_seconds())
        status = status_pb2.Status.FromString(found.get(DETAILS_KEY, b""))
        for detail in status.details:
            if detail.Unpack(info):
                return float(info.retry_delay.ToTimedelta().total_seconds())
    except (DecodeError, OverflowError, ValueError):
        return None
    return None
