"""What a foe sends, and what it costs the service: memory, processor time, the answer.

In: a running service. Out: a `Cost` an attack, from `/proc` of the service's process. State: none.
"""

import gzip
import http.client
import os
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from service_parts import Service, get

MIB = 1024 * 1024
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one attack took: growth of the peak of resident memory, processor time, the answer."""

    answer: str
    rss_mib: float
    cpu_s: float

    def told(self, name: str) -> Self:
        """The same, written as a row of docs/security.md."""
        cpu_ms = self.cpu_s * 1000
        sys.stdout.write(f"\n| {name} | {self.answer} | {self.rss_mib:.0f} | {cpu_ms:.0f} |\n")
        return self


def measured(service: Service, attack: Callable[[], str]) -> Cost:
    """The cost of an attack."""
    pid = service.process.process.pid
    # Sets the peak (VmHWM) back to what is resident now.
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before, cpu_before = _status(pid, "VmRSS"), _cpu_s(pid)
    answer = attack()
    return Cost(
        answer=answer,
        rss_mib=(_status(pid, "VmHWM") - before) / 1024,
        cpu_s=_cpu_s(pid) - cpu_before,
    )


def _status(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def _cpu_s(pid: int) -> float:
    # The second field is the command in brackets and may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def health_s(service: Service) -> float:
    """How long health takes to answer."""
    begin = time.monotonic()
    assert get(f"{service.metrics}/healthz") == "ok\n"
    return time.monotonic() - begin


# ---- bodies over HTTP


def posted(
    service: Service, body: bytes | Iterator[bytes], path: str = "/v1/traces", **headers: str
) -> str:
    """The status of the answer to one body; an iterator is sent in chunks."""
    where = urlsplit(service.http)
    typed = {"Content-Type": "application/x-protobuf"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    try:
        client.request("POST", path, body, {**typed, **named})
        return str(client.getresponse().status)
    except (BrokenPipeError, ConnectionResetError):
        return "closed"
    finally:
        client.close()


def zeros_gzipped(size: int) -> bytes:
    """That many zeros as gzip, made without holding them."""
    maker = zlib.compressobj(9, wbits=31)
    block = bytes(MIB)
    return b"".join(maker.compress(block) for _ in range(size // MIB)) + maker.flush()


def empty_members(count: int) -> bytes:
    """So many gzip members of nothing."""
    return gzip.compress(b"") * count


# ---- raw HTTP/2, for what no client would do


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, RST_STREAM, PING = 4, 1, 3, 6


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One HTTP/2 frame."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def export_headers() -> bytes:
    """The header block of an export call, as literals that need no table."""

    def literal(index: int, value: bytes) -> bytes:
        start = bytes([index]) if index < 15 else bytes([0x0F, index - 15])
        return start + bytes([len(value)]) + value

    path = b"/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    trailers = b"\x00\x02te\x08trailers"
    return (
        b"\x83\x86"
        + literal(4, path)
        + literal(1, b"x")
        + literal(31, b"application/grpc")
        + (trailers)
    )


def flood(service: Service, frames: Iterator[bytes]) -> int:
    """Sends frames on one connection until it is over or closed; gives how many were taken."""
    host, port = service.grpc.rsplit(":", 1)
    sent = 0
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(PREFACE + frame(SETTINGS, 0, 0))
        try:
            for one in frames:
                line.sendall(one)
                sent += 1
        except (OSError, TimeoutError):
            pass
    return sent
