"""The spill log of one destination: requests it has not taken yet, on disk, in segments.

In: requests. Out: a future each, done when it is on disk; later the requests again, oldest first.
State: the segments, bounded in bytes, and where each undelivered request is. Segments are only
appended to, but for one byte a record that says it was delivered, and removed when all of theirs
were. Each record carries a checksum; behind a damaged one the next is found again, and what was
lost is counted.
"""

import asyncio
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentslo.store.group_commit import GroupCommit
from agentslo.store.private import flush_folder, make_folder

MAGIC = b"aslo"
HEAD = struct.Struct("<4sIIIQBB")
"""Magic, CRC-32 of all behind it but the last byte of the head, length, items, stored (unix ns),
signal, 1 once delivered."""
DELIVERED_AT = HEAD.size - 1
SEGMENT_BYTES = 16 * 1024 * 1024
SEGMENTS = 8
"""At least so many make up the bound: what was delivered must make room."""


@dataclass(slots=True)
class Segment:
    """One file. `open`: records in it that were not delivered."""

    number: int
    path: Path
    size_bytes: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spilled:
    """One request and where it is."""

    segment: Segment
    offset: int
    size_bytes: int
    items: int
    signal: int
    stored_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    segment: Segment
    record: bytes


class Spill:
    """Owned by the event loop; files are appended to by its thread alone."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._segment_bytes = min(SEGMENT_BYTES, max_bytes // SEGMENTS)
        self._segments: list[Segment] = []
        self.waiting: deque[Spilled] = deque()
        """What nobody has taken in hand, oldest first."""
        self.waiting_items = 0
        self.size_bytes = 0
        self.damaged = 0
        self.trouble = ""
        self._commits: GroupCommit[_Write] = GroupCommit("spill", self._append)

    # ---- at start

    def open(self) -> None:
        """Find what is there. Raises `OSError`."""
        make_folder(self._folder)
        for path in sorted(self._folder.glob("*.seg")):
            segment = Segment(int(path.stem), path, path.stat().st_size)
            for found in self._records(segment):
                segment.open += 1
                self.put_back(found)
            if segment.open:
                self._segments.append(segment)
                self.size_bytes += segment.size_bytes
            else:
                path.unlink()
        # Never append behind what a crash may have cut.
        self._add_segment()
        self._commits.start()

    def _records(self, segment: Segment) -> Iterator[Spilled]:
        data, at, end = segment.path.read_bytes(), 0, 0
        while (at := data.find(MAGIC, at)) >= 0 and at + HEAD.size <= len(data):
            _, checksum, size, items, stored_ns, signal, delivered = HEAD.unpack_from(data, at)
            if _checksum(data, at, at + HEAD.size + size) != checksum:
                at += 1
                continue
            self.damaged += at > end
            if delivered != 1:
                yield Spilled(
                    segment=segment,
                    offset=at,
                    size_bytes=size,
                    items=items,
                    signal=signal,
                    stored_ns=stored_ns,
                )
            at = end = at + HEAD.size + size
        self.damaged += not _is_cut(data[end:])

    # ---- while running

    def room(self, size_bytes: int) -> bool:
        """Whether a request of this size can be stored."""
        return not self.trouble and self.size_bytes + size_bytes + HEAD.size <= self._max_bytes

    async def store(self, signal: int, items: int, payload: bytes, now_ns: int) -> Spilled | None:
        """Put a request on disk; None, with `trouble` set, where that failed."""
        segment = self._segments[-1]
        if segment.size_bytes + len(payload) > self._segment_bytes and segment.size_bytes:
            segment = self._add_segment()
        head = HEAD.pack(MAGIC, 0, len(payload), items, now_ns, signal, 0)
        record = head + payload
        checksum = _checksum(record, 0, len(record))
        record = HEAD.pack(MAGIC, checksum, len(payload), items, now_ns, signal, 0) + payload
        found = Spilled(
            segment=segment,
            offset=segment.size_bytes,
            size_bytes=len(payload),
            items=items,
            signal=signal,
            stored_ns=now_ns,
        )
        segment.size_bytes += len(record)
        segment.open += 1
        self.size_bytes += len(record)
        try:
            await asyncio.shield(self._commits.submit(_Write(segment=segment, record=record)))
        except Exception as error:  # noqa: BLE001 - whatever the disk said, it is not stored
            self.trouble = str(error)
            self.done(found)
            # Where the failed one ends nobody knows: the next goes into a file of its own.
            self._add_segment()
            return None
        return found

    def retry(self) -> None:
        """Trust the disk again: the next request will show."""
        self.trouble = ""

    def put_back(self, spilled: Spilled) -> None:
        """Nobody has it in hand: it waits for its turn."""
        self.waiting.append(spilled)
        self.waiting_items += spilled.items

    def put_first(self, spilled: Spilled) -> None:
        """It could not be read now: it stays the oldest that waits."""
        self.waiting.appendleft(spilled)
        self.waiting_items += spilled.items

    def take(self) -> Spilled | None:
        """The oldest that waits, to be taken in hand."""
        if not self.waiting:
            return None
        spilled = self.waiting.popleft()
        self.waiting_items -= spilled.items
        return spilled

    def read(self, spilled: Spilled) -> bytes | None:
        """Its bytes; None, counted, where the disk no longer gives what was written.

        Raises `OSError` where the file cannot be opened or read now: it may be later.
        """
        try:
            with spilled.segment.path.open("rb") as file:
                file.seek(spilled.offset)
                data = file.read(HEAD.size + spilled.size_bytes)
        except FileNotFoundError:
            data = b""
        whole = len(data) == HEAD.size + spilled.size_bytes
        if not whole or _checksum(data, 0, len(data)) != HEAD.unpack_from(data)[1]:
            self.damaged += 1
            return None
        return data[HEAD.size :]

    def done(self, spilled: Spilled) -> None:
        """It was delivered, or refused for good."""
        segment = spilled.segment
        segment.open -= 1
        last = segment is self._segments[-1]
        if segment.open == 0 and last and segment.size_bytes > self._segment_bytes // 2:
            # Nobody waits in it: the next one begins with all the room there is.
            self._add_segment()
            return
        if segment.open == 0 and not last:
            self._segments.remove(segment)
            self.size_bytes -= segment.size_bytes
            segment.path.unlink(missing_ok=True)
            return
        try:
            handle = os.open(segment.path, os.O_WRONLY)
            try:
                os.pwrite(handle, b"\1", spilled.offset + DELIVERED_AT)
            finally:
                os.close(handle)
        except OSError as error:
            # It will be delivered twice after a restart, which is allowed.
            self.trouble = str(error)

    def oldest_ns(self) -> int:
        """When the oldest that waits was stored, unix ns; 0 where none waits."""
        return self.waiting[0].stored_ns if self.waiting else 0

    def stop(self, timeout_s: float) -> None:
        """Write what waits and end; an empty last segment goes."""
        self._commits.stop(timeout_s)
        last = self._segments[-1]
        if last.open == 0:
            last.path.unlink(missing_ok=True)

    def _add_segment(self) -> Segment:
        number = self._segments[-1].number + 1 if self._segments else 1
        segment = Segment(number, self._folder / f"{number:010}.seg")
        last = self._segments[-1] if self._segments else None
        if last is not None and last.open == 0:
            self._segments.remove(last)
            self.size_bytes -= last.size_bytes
            last.path.unlink(missing_ok=True)
        self._segments.append(segment)
        return segment

    # ---- on the thread

    def _append(self, writes: list[_Write]) -> None:
        by_file: dict[Path, list[bytes]] = {}
        for write in writes:
            by_file.setdefault(write.segment.path, []).append(write.record)
        for path, records in by_file.items():
            made = not path.exists()
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                data = b"".join(records)
                if os.write(handle, data) != len(data):
                    raise OSError(f"{path}: no room")
                os.fdatasync(handle)
            finally:
                os.close(handle)
            if made:
                flush_folder(path.parent)


def _checksum(data: bytes, start: int, end: int) -> int:
    """Over length, items, time, signal and payload: what follows the checksum, but for the mark."""
    head = zlib.crc32(data[start + 8 : start + DELIVERED_AT])
    return zlib.crc32(data[start + HEAD.size : end], head)


def _is_cut(rest: bytes) -> bool:
    """Whether this is nothing, or a record that a crash cut short: it was never acknowledged."""
    if len(rest) < HEAD.size:
        return True
    return rest.startswith(MAGIC) and HEAD.unpack_from(rest)[2] + HEAD.size > len(rest)
