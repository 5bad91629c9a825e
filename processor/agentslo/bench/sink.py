"""The back end of a benchmark, a process of its own: keeps what arrives, and checks it afterwards.

    python -m agentslo.bench.sink

In: OTLP/gRPC requests, and control calls with JSON: `Begin` names what one round sends, `Count`
tells how many of its spans have come, `Check` compares them and gives how late they were. On
standard output: the port. State: the requests of one round, at most `MAX_BYTES`. Nothing is parsed
while the round runs, so that the sink is no part of what is measured.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import asdict
from typing import Any

import grpc

from agentslo.bench.payloads import SALT, Pass, Shape, one_pass
from agentslo.bench.quantiles import quantiles
from agentslo.bench.verify import OWN_SCOPE, Check, Level
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import Request

SERVICE = "agentslo.bench.Sink"
MAX_BYTES = 1024**3
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]


class Sink:
    """What one round left here."""

    def __init__(self) -> None:
        self._arrived: list[tuple[int, bytes]] = []
        self._bytes = self._spans = self._requests = 0
        self._plan: dict[str, Any] = {}
        self._passes: dict[str, Pass] = {}

    def export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        """Take one request."""
        now_ns = time.monotonic_ns()
        self._bytes += len(body)
        if self._bytes > MAX_BYTES:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the sink holds all it may")
        batches = Request(body).batches
        self._spans += sum(len(b.items) for b in batches if OWN_SCOPE not in b.scope)
        self._requests += 1
        self._arrived.append((now_ns, body))
        return b""

    def begin(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Forget the last round. `plan`: the shape, the salts and the level of the check."""
        self._plan = plan
        self._arrived, self._bytes, self._spans, self._requests = [], 0, 0, 0
        self._sent()
        return {}

    def count(self, _: dict[str, Any]) -> dict[str, Any]:
        """How much has come."""
        return {"spans": self._spans, "bytes": self._bytes, "requests": self._requests}

    def check(self, schedule: dict[str, Any]) -> dict[str, Any]:
        """Compare. `schedule`: when the first request was due (monotonic, ns) and how long after
        it the next (0: no schedule).
        """
        sent = self._sent()
        salts = [bytes.fromhex(salt) for salt in self._plan["salts"]]
        check = Check(sent, salts, Level(self._plan["level"]))
        for _, body in self._arrived:
            check.arrived(body)
        found = asdict(check.result())
        if schedule.get("every_ns"):
            found["late_ms"] = quantiles(self._late_ms(sent, salts, schedule))
        return found

    def _sent(self) -> Pass:
        key = json.dumps(self._plan["shape"])
        if key not in self._passes:
            self._passes = {key: one_pass(Shape(**self._plan["shape"]))}
        return self._passes[key]

    def _late_ms(self, sent: Pass, salts: list[bytes], schedule: dict[str, Any]) -> list[float]:
        """Per span, how long after its request was due it came. Roots of agent runs are left out:
        they may be held for their outcome.
        """
        place = {
            encoded[6:28]: number
            for number, body in enumerate(sent.requests)
            for batch in Request(body).batches
            for encoded in batch.items
            if b"invoke_agent" not in encoded
        }
        turn = {salt: number for number, salt in enumerate(salts)}
        first_ns, every_ns = schedule["first_ns"], schedule["every_ns"]
        late = []
        for now_ns, body in self._arrived:
            for batch in Request(body).batches:
                for encoded in batch.items:
                    number, again = place.get(encoded[6:28]), turn.get(encoded[2:6])
                    if number is not None and again is not None:
                        due = again * len(sent.requests) + number
                        late.append((now_ns - first_ns - due * every_ns) / 1e6)
        return late


def _control(
    method: Callable[[dict[str, Any]], dict[str, Any]],
) -> "grpc.RpcMethodHandler[Any, Any]":
    def call(body: bytes, _context: grpc.ServicerContext) -> bytes:
        return json.dumps(method(json.loads(body or b"{}"))).encode()

    return grpc.unary_unary_rpc_method_handler(call)


def main() -> None:
    """Serve until told to stop."""
    sink = Sink()
    server = grpc.server(futures.ThreadPoolExecutor(4), options=OPTIONS)
    export: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(sink.export)
    controls = {"Begin": sink.begin, "Count": sink.count, "Check": sink.check}
    handlers = {name: _control(method) for name, method in controls.items()}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(Signal.TRACES.grpc_service, {"Export": export}),
            grpc.method_handlers_generic_handler(SERVICE, handlers),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"port {port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


assert len(SALT) == 4  # noqa: S101 - the slices above and in verify are cut for it

if __name__ == "__main__":
    main()
