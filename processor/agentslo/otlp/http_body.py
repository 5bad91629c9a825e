"""Reads the body of one OTLP/HTTP request within every bound, or refuses it.

In: an aiohttp request with automatic inflation off. Out: the plain body, or `Refused` with the HTTP
status and the reply. State: `Budget`, the bytes all open requests of a listener hold. Source: OTLP
specification, "OTLP/HTTP Request"; reliability.md S1, S2, S5.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from agentslo.otlp.answer import Reply, ReplyCode
from agentslo.otlp.inflate import InflateError, Inflater, InflateTooLarge
from agentslo.otlp.status import HTTP_STATUS

UNREADABLE = (ClientPayloadError, web.RequestPayloadError, HttpProcessingError, ConnectionError)
"""What aiohttp raises on broken chunks and on a client that is gone."""


class Refused(Exception):
    """The request ends here with this answer."""

    def __init__(self, http_status: int, reply: Reply) -> None:
        super().__init__(reply.message)
        self.http_status = http_status
        self.reply = reply


def refuse(code: ReplyCode, message: str, retry_after_s: float = 0.0) -> Refused:
    """A refusal with the HTTP status that belongs to the code."""
    reply = Reply(code=code, message=message, retry_after_s=retry_after_s)
    return Refused(HTTP_STATUS[code], reply)


def unsupported(message: str) -> Refused:
    """415: the media type or encoding is not taken."""
    return Refused(415, Reply(code=ReplyCode.INVALID, message=message))


@dataclass(slots=True)
class Budget:
    """Bytes held by all requests of one listener, bounded."""

    limit_bytes: int
    held_bytes: int = 0


class Lease:
    """What one request holds of the budget; give it back with `release`."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Hold at least this much; refuses (retryable) when the budget is spent."""
        more = size_bytes - self._held_bytes
        if more <= 0:
            return
        if self._budget.held_bytes + more > self._budget.limit_bytes:
            raise refuse(ReplyCode.RETRY, "too many bytes are being received", 1.0)
        self._budget.held_bytes += more
        self._held_bytes = size_bytes

    def release(self) -> None:
        """Give everything back."""
        self._budget.held_bytes -= self._held_bytes
        self._held_bytes = 0


def is_gzip(request: web.BaseRequest) -> bool:
    """Whether the body is gzip; anything but gzip and identity is refused."""
    text = ",".join(request.headers.getall("Content-Encoding", []))
    encodings = [part.strip().lower() for part in text.split(",")]
    applied = [part for part in encodings if part not in ("", "identity")]
    if applied not in ([], ["gzip"]):
        raise unsupported("Content-Encoding must be gzip or none")
    return bool(applied)


async def read_body(
    request: web.BaseRequest, lease: Lease, *, max_bytes: int, timeout_s: float
) -> bytes:
    """The body, inflated; never holds more than `max_bytes` of it, plain or compressed."""
    too_large = refuse(ReplyCode.TOO_LARGE, f"body is larger than {max_bytes} bytes")
    gzip = is_gzip(request)
    if (request.content_length or 0) > max_bytes:
        raise too_large
    try:
        async with asyncio.timeout(timeout_s):
            if gzip:
                return await _read_gzip(request, lease, max_bytes, too_large)
            return await _read_plain(request, lease, max_bytes, too_large)
    except TimeoutError:
        # Not 408: OTLP clients retry on 503.
        raise refuse(ReplyCode.RETRY, f"body took longer than {timeout_s:g} s", 1.0) from None
    except InflateTooLarge as error:
        raise refuse(ReplyCode.TOO_LARGE, str(error)) from None
    except InflateError as error:
        raise refuse(ReplyCode.INVALID, str(error)) from None
    except UNREADABLE as error:
        raise refuse(ReplyCode.INVALID, f"body cannot be read: {error}") from None


async def _read_plain(
    request: web.BaseRequest, lease: Lease, max_bytes: int, too_large: Refused
) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > max_bytes:
            raise too_large
        lease.grow(size)
        parts.append(part)
    return b"".join(parts)


async def _read_gzip(
    request: web.BaseRequest, lease: Lease, max_bytes: int, too_large: Refused
) -> bytes:
    inflater = Inflater(max_bytes)
    received = 0
    async for part in request.content.iter_any():
        received += len(part)
        if received > max_bytes:
            raise too_large
        inflater.feed(part)
        lease.grow(inflater.size_bytes)
    return inflater.finish()
