"""The load generator, a process of its own.

    python -m agentslo.bench.load '{"target": "127.0.0.1:4317", "salts": ["00000001"], ...}'

In: a `Load` as JSON; then, on standard input, a line to begin. Out, as JSON lines: `ready`; what
was sent, answered and how fast. Two ways: closed loop (`every_ns` 0): each of `connections` times
`in_flight` callers sends its next request when the last was answered, for cost; open loop: a
request every `every_ns`, whose latency counts from when it was due, for latency. Bounded: as many
passes as there are salts, `seconds_max` at most. A request that is refused retryably is sent
again.
"""

import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from agentslo.bench.payloads import Shape, fresh, one_pass
from agentslo.bench.quantiles import quantiles
from agentslo.otlp.answer import Signal

TIMEOUT_S = 60.0
TRIES = 200
PAUSE_S = 0.05
AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One round of one process under test."""

    target: str
    shape: dict[str, Any]
    salts: list[str]
    """One a pass, in hex."""
    connections: int = 4
    in_flight: int = 4
    gzip: bool = False
    every_ns: int = 0
    seconds_max: float = 120.0


@dataclass(slots=True)
class Sent:
    """What became of it."""

    requests: int = 0
    spans: int = 0
    sent_bytes: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)
    first_ns: int = 0


class Generator:
    """Sends one load. Its threads share the state under a lock."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._pass = one_pass(Shape(**load.shape))
        self._lock = threading.Lock()
        self._sent = Sent()
        compression = grpc.Compression.Gzip if load.gzip else grpc.Compression.NoCompression
        self._channels = [
            grpc.insecure_channel(load.target, options=OPTIONS, compression=compression)
            for _ in range(load.connections)
        ]
        for channel in self._channels:
            grpc.channel_ready_future(channel).result(TIMEOUT_S)
        self._exports: list[grpc.UnaryUnaryMultiCallable[bytes, bytes]] = [
            channel.unary_unary(Signal.TRACES.grpc_method) for channel in self._channels
        ]

    def run(self) -> Sent:
        """Send everything and wait for the answers."""
        self._sent.first_ns = time.monotonic_ns()
        deadline_s = time.monotonic() + self._load.seconds_max
        if self._load.every_ns:
            self._open(deadline_s)
        else:
            self._closed(deadline_s)
        return self._sent

    def _bodies(self) -> Iterator[bytes]:
        for salt in self._load.salts:
            for body in self._pass.requests:
                yield fresh(body, bytes.fromhex(salt))

    def _closed(self, deadline_s: float) -> None:
        bodies = self._bodies()

        def work(export: "grpc.UnaryUnaryMultiCallable[bytes, bytes]") -> None:
            while time.monotonic() < deadline_s:
                with self._lock:
                    body = next(bodies, None)
                if body is None:
                    return
                began_ns = time.monotonic_ns()
                self._send(export, body)
                self._answered(body, began_ns)

        exports = itertools.islice(
            itertools.cycle(self._exports), self._load.in_flight * len(self._exports)
        )
        threads = [threading.Thread(target=work, args=(export,)) for export in exports]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _open(self, deadline_s: float) -> None:
        waiting = threading.Semaphore(0)
        calls = 0
        for export, body in zip(itertools.cycle(self._exports), self._bodies(), strict=False):
            due_ns = self._sent.first_ns + calls * self._load.every_ns
            if time.monotonic() > deadline_s:
                break
            time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
            calls += 1

            def done(
                future: "grpc.Future[bytes]", body: bytes = body, due_ns: int = due_ns
            ) -> None:
                error = future.exception()
                if error is None:
                    self._answered(body, due_ns)
                elif isinstance(error, grpc.RpcError):
                    self._refused(error.code())
                waiting.release()

            export.future(body, timeout=TIMEOUT_S).add_done_callback(done)
        for _ in range(calls):
            waiting.acquire()

    def _send(self, export: "grpc.UnaryUnaryMultiCallable[bytes, bytes]", body: bytes) -> None:
        for _ in range(TRIES):
            try:
                export(body, timeout=TIMEOUT_S)
            except grpc.RpcError as error:
                self._refused(error.code())
                if error.code() not in AGAIN:
                    raise
                time.sleep(PAUSE_S)
            else:
                return

    def _refused(self, code: grpc.StatusCode) -> None:
        with self._lock:
            self._sent.errors[code.name] += 1

    def _answered(self, body: bytes, began_ns: int) -> None:
        now_ns = time.monotonic_ns()
        with self._lock:
            self._sent.requests += 1
            self._sent.sent_bytes += len(body)
            self._sent.took_ms.append((now_ns - began_ns) / 1e6)


def main() -> None:
    """One load, told on the command line."""
    load = Load(**json.loads(sys.argv[1]))
    generator = Generator(load)
    _say({"ready": True})
    sys.stdin.readline()
    began_s = time.monotonic()
    sent = generator.run()
    _say(
        {
            "requests": sent.requests,
            "bytes": sent.sent_bytes,
            "errors": sent.errors,
            "ack_ms": quantiles(sent.took_ms),
            "first_ns": sent.first_ns,
            "seconds": time.monotonic() - began_s,
        }
    )


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
