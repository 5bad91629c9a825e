"""Recorded OTLP: messages out of files, in the order a stream would have brought them.

In: paths (design.md 5, "replay"). Out: `Message`s, merged by the highest time in each file's next
message. State: one open file and one message a path. gzip is told by its magic number. A truncated
last frame is a warning, and so are lines that are no OTLP/JSON among others that are; a file with
no readable message raises `FileError`.
"""

import gzip
import heapq
import io
import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agentslo.dialects.ids import read_ids
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import CutError, Request
from agentslo.otlp.json_codec import logs_from_json, traces_from_json

MAX_FRAME_BYTES = 1 << 30
MAX_OPEN_FILES = 200
"""Of one stream; more files than that are read as they lie on disk, compressed, and closed."""
_TRACES = (".otlp.pb", ".otlp")
_LOGS = (".otlp-logs",)
_JSON = (".json", ".jsonl")
_GZIP = b"\x1f\x8b"

Opener = Callable[[Path], IO[bytes]]


class FileError(ValueError):
    """A file that should hold OTLP has no readable message. The message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One export request from a file. `time_ns`: the highest span end or log time in it."""

    path: str
    signal: Signal
    body: bytes
    time_ns: int


@dataclass(slots=True)
class Report:
    """What was read and what was not."""

    files: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def kind_of(name: str) -> str | None:
    """`traces`, `logs` or `json` by the file's name; None where it is none of ours."""
    plain = name.removesuffix(".gz")
    if plain.endswith(_TRACES):
        return "traces"
    if plain.endswith(_LOGS):
        return "logs"
    return "json" if plain.endswith(_JSON) else None


def expand(paths: Iterable[str], report: Report) -> list[Path]:
    """Files to read: directories recursively, sorted; others are noted as skipped.

    Raises `FileError` where a path does not exist.
    """
    found: list[Path] = []
    for given in paths:
        path = Path(given)
        if not path.exists():
            raise FileError(f"{given}: no such file or directory")
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            if kind_of(file.name) is None:
                report.skipped.append(str(file))
            else:
                found.append(file)
    return found


def messages(path: Path, report: Report) -> Iterator[Message]:
    """All messages of one file, in file order. Raises `FileError` where none can be read."""
    return _messages(path, report, _open)


def _messages(path: Path, report: Report, opened: Opener) -> Iterator[Message]:
    report.files.append(str(path))
    kind, count = kind_of(path.name), 0
    read = _lines if kind == "json" else _frames
    try:
        with opened(path) as stream:
            for signal, body in read(stream, path, report):
                yield _message(path, signal or Signal(str(kind)), body)
                count += 1
    except (OSError, EOFError, ValueError, zlib.error, DecodeError) as error:
        if not count:
            raise FileError(f"{path}: no readable OTLP message: {error}") from error
        report.warnings.append(f"{path}: stopped after {count} messages: {error}")
    if not count:
        raise FileError(f"{path}: holds no OTLP message")


def merged(paths: Iterable[Path], report: Report) -> Iterator[Message]:
    """The messages of all files as one stream."""
    files = list(paths)
    # Merging keeps a place in every file at once, and a process may open only so many.
    opened = _open if len(files) <= MAX_OPEN_FILES else _open_in_memory
    return heapq.merge(*(_messages(p, report, opened) for p in files), key=lambda m: m.time_ns)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as probe:
        zipped = probe.read(len(_GZIP)) == _GZIP
    return cast("IO[bytes]", gzip.open(path) if zipped else path.open("rb"))


def _open_in_memory(path: Path) -> IO[bytes]:
    held = path.read_bytes()
    stream = io.BytesIO(held)
    return cast("IO[bytes]", gzip.open(stream)) if held.startswith(_GZIP) else stream


def _frames(stream: IO[bytes], path: Path, report: Report) -> Iterator[tuple[Signal | None, bytes]]:
    while True:
        size, shift = 0, 0
        while True:
            byte = stream.read(1)
            if not byte:
                if shift:
                    report.warnings.append(f"{path}: the last frame is truncated")
                return
            size |= (byte[0] & 0x7F) << shift
            shift += 7
            if byte[0] < 0x80:
                break
            if shift > 35:
                raise CutError("a frame length is no varint")
        if size > MAX_FRAME_BYTES:
            raise CutError(f"a frame of {size} bytes is over the bound of {MAX_FRAME_BYTES}")
        body = stream.read(size)
        if len(body) < size:
            report.warnings.append(f"{path}: the last frame is truncated")
            return
        yield None, body


def _lines(stream: IO[bytes], path: Path, report: Report) -> Iterator[tuple[Signal | None, bytes]]:
    """OTLP/JSON, one export request a line as the Collector writes it, or one in the whole file.

    A process that was killed leaves half a line, and the next one writes on behind it.
    """
    first = stream.readline()
    lines: Iterable[bytes] = itertools.chain([first], stream)
    if not _is_json(first):
        whole = first + stream.read()
        lines = [whole] if _is_json(whole) else whole.splitlines()
    broken: list[int] = []
    for number, line in enumerate(lines, 1):
        try:
            found = _decoded(line)
        except (ValueError, DecodeError):
            broken.append(number)
            continue
        if found is not None:
            yield found
    if broken:
        what = f"{len(broken)} of its lines cannot be read as OTLP/JSON, the first is {broken[0]}"
        report.warnings.append(f"{path}: {what}")


def _decoded(line: bytes) -> tuple[Signal, bytes] | None:
    """The message of a line; None for blank ones and other signals. Raises ValueError."""
    if b'"resourceSpans"' in line:
        return Signal.TRACES, traces_from_json(line)
    if b'"resourceLogs"' in line:
        return Signal.LOGS, logs_from_json(line)
    if line.strip():
        json.loads(line)
    return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _message(path: Path, signal: Signal, body: bytes) -> Message:
    times = (_time(signal, item) for batch in Request(body).batches for item in batch.items)
    newest = max(times, default=0)
    return Message(path=str(path), signal=signal, body=body, time_ns=newest)


def _time(signal: Signal, item: bytes) -> int:
    if signal is Signal.TRACES:
        ids = read_ids(item)
        return ids.end_ns if ids else 0
    record = LogRecord.FromString(item)
    return record.time_unix_nano or record.observed_time_unix_nano
