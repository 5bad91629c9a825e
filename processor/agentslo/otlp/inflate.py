"""gzip bodies, inflated with a bound on everything a sender can choose.

In: compressed chunks as they arrive. Out: the plain body. State: one stream a request. The bounds
follow CVE-2024-36129 (size), CVE-2026-128131 (members) and reliability.md S1 (ratio).
"""

import zlib

STEP_BYTES = 1024 * 1024
"""Most output asked of zlib at once, so that a bomb is seen before it is in memory."""
MEMBERS_LIMIT = 64
"""Members of one gzip body; senders write one."""
RATIO_LIMIT = 500
"""Output per input byte beyond `RATIO_FLOOR_BYTES`. Spans with fresh ids stay below 20;
deflate ends at 1,032."""
RATIO_FLOOR_BYTES = 4 * STEP_BYTES
"""Below this any ratio passes: small, and repetitive attributes exist."""

GZIP_WINDOW = 16 + zlib.MAX_WBITS


class InflateError(ValueError):
    """The body is not the gzip it claims to be."""


class InflateTooLarge(InflateError):
    """The body would pass its bound on size or ratio."""


class Inflater:
    """Inflates one body; after an exception it is of no further use."""

    def __init__(self, limit_bytes: int) -> None:
        self.size_bytes = 0
        self._limit_bytes = limit_bytes
        self._read_bytes = 0
        self._members = 1
        self._stream = zlib.decompressobj(GZIP_WINDOW)
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Inflate one more chunk of the compressed body."""
        while chunk:
            if self._stream.eof:
                self._next_member()
            chunk = self._step(chunk)

    def finish(self) -> bytes:
        """The whole plain body; an empty compressed body is an empty body."""
        if self._read_bytes == 0:
            return b""
        before = -1
        while not self._stream.eof and self.size_bytes != before:
            # zlib may hold back output although it has read all input.
            before = self.size_bytes
            self._step(b"")
        if not self._stream.eof:
            raise InflateError("gzip body ends in the middle")
        return b"".join(self._parts)

    def _next_member(self) -> None:
        self._members += 1
        if self._members > MEMBERS_LIMIT:
            raise InflateError(f"gzip body has more than {MEMBERS_LIMIT} members")
        self._stream = zlib.decompressobj(GZIP_WINDOW)

    def _step(self, chunk: bytes) -> bytes:
        """Inflate a step's worth; gives what is left of the chunk."""
        stream = self._stream
        try:
            part = stream.decompress(chunk, STEP_BYTES)
        except zlib.error as error:
            raise InflateError(f"gzip body cannot be inflated: {error}") from None
        rest = stream.unused_data if stream.eof else stream.unconsumed_tail
        # What was taken, not what came: else a large chunk of a bomb allows much output.
        self._read_bytes += len(chunk) - len(rest)
        self.size_bytes += len(part)
        if self.size_bytes > self._limit_bytes:
            raise InflateTooLarge(f"body inflates to more than {self._limit_bytes} bytes")
        if self.size_bytes > max(RATIO_FLOOR_BYTES, RATIO_LIMIT * self._read_bytes):
            raise InflateTooLarge(f"body inflates by more than {RATIO_LIMIT}:1")
        self._parts.append(part)
        return rest


def inflate(data: bytes, limit_bytes: int) -> bytes:
    """Inflate one gzip body held in memory; `InflateError` or `InflateTooLarge` if it will not."""
    inflater = Inflater(limit_bytes)
    inflater.feed(data)
    return inflater.finish()
