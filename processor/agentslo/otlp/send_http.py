"""OTLP over HTTP out, protobuf encoding.

In: protobuf bytes of one export request. Out: a `SendResult`. State: one session, opened at the
first send. Redirects are not followed (they would carry the headers' tokens along). Source: OTLP
specification, "OTLP/HTTP Response".
"""

import asyncio
import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from agentslo.config.transport import DestinationOptions, TlsOptions
from agentslo.otlp.answer import Signal
from agentslo.otlp.send import SendCode, SendResult, accepted
from agentslo.otlp.tls import client_context

OTLP_PATHS: Mapping[Signal, str] = {signal: signal.http_path for signal in Signal}
RETRYABLE = frozenset({429, 502, 503, 504})
ABOUT_THE_PAYLOAD = frozenset({400, 422, 500})
NAMED = frozenset({400, 401, 403, 404, 405, 415, 422, 500, 501})
"""Status codes with a reason of their own; the others share one a hundred."""
PAYLOAD_TOO_LARGE = 413

RESPONSE_BYTES = 64 * 1024
"""More of an answer is not read: it holds one message at most."""
GZIP_INLINE_BYTES = 64 * 1024
"""Larger bodies are compressed in a thread: 4 MB take about 40 ms."""


class HttpSender:
    """Sends to one base URL."""

    def __init__(
        self,
        options: DestinationOptions,
        paths: Mapping[Signal, str] = OTLP_PATHS,
        content_type: str = "application/x-protobuf",
    ) -> None:
        """`paths`: what is added to the base URL."""
        base = options.endpoint if "://" in options.endpoint else f"http://{options.endpoint}"
        url = urlsplit(base)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"destination {options.name}: {options.endpoint!r} is no HTTP URL")
        self._urls = {signal: base.rstrip("/") + path for signal, path in paths.items()}
        self._gzip = options.compression == "gzip"
        self._headers = {
            **dict(options.headers),
            "Content-Type": content_type,
            "Accept-Encoding": "identity",
        }
        if self._gzip:
            self._headers["Content-Encoding"] = "gzip"
        tls = options.tls or TlsOptions()
        self._ssl = client_context(tls) if url.scheme == "https" else True
        self._server_name = tls.server_name or None
        self._session: aiohttp.ClientSession | None = None

    async def send(self, signal: Signal, body: bytes, timeout_s: float) -> SendResult:
        """One try."""
        if self._session is None:
            # The destination bounds the requests in flight; a second limit would only stall.
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        if self._gzip:
            body = await _compressed(body)
        try:
            async with self._session.post(
                self._urls[signal],
                data=body,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                ssl=self._ssl,
                server_hostname=self._server_name,
            ) as response:
                answer = await response.content.read(RESPONSE_BYTES)
                return _result(response.status, response.headers, answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return SendResult(
                code=SendCode.RETRY,
                reason="unreachable",
                message=f"{type(error).__name__}: {error}",
            )

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _compressed(body: bytes) -> bytes:
    if len(body) <= GZIP_INLINE_BYTES:
        return gzip.compress(body, compresslevel=1, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)


def _result(status: int, headers: Mapping[str, str], answer: bytes) -> SendResult:
    if 200 <= status < 300:
        return accepted(answer)
    reason = f"rejected_http_{status if status in NAMED else f'{status // 100}xx'}"
    if status in RETRYABLE:
        return SendResult(code=SendCode.RETRY, reason=reason, retry_after_s=_retry_after_s(headers))
    if status == PAYLOAD_TOO_LARGE:
        return SendResult(code=SendCode.TOO_LARGE, reason="too_large")
    kind = SendCode.INVALID if status in ABOUT_THE_PAYLOAD else SendCode.REFUSED
    return SendResult(code=kind, reason=reason)


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """`Retry-After` in seconds, 0 if absent or unreadable; a date counts from the peer's `Date`."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        date = headers.get("Date")
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0
