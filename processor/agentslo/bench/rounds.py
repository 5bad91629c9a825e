"""Runs a cell: starts its processes, loads them in turn, checks what arrived, measures.

In: a `Cell`. Out: per process the `Sample`s of its rounds, or why there are none. State: the
processes, ended when the cell is done. The clock of CPU time stops when the sink has every span, so
that a process which answers early does not look cheap. A round whose check fails makes the whole
row void.
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import grpc

from agentslo.bench.cells import Cell
from agentslo.bench.children import LOOPBACK, Child, ChildFailed
from agentslo.bench.payloads import Pass, Shape, fresh, one_pass, unended
from agentslo.bench.sink import SERVICE
from agentslo.bench.subjects import Running, Subject
from agentslo.bench.usage import cpu, memory_mib
from agentslo.bench.verify import Level
from agentslo.otlp.answer import Signal

QUIET_S = 8.0
"""A process that has passed on nothing for so long has lost what is missing."""
POLL_S = 0.05
CALL_S = 120.0
LOAD_S = 120.0
STEPS = 4
"""Of a run that is open while others are measured."""
RUNS_A_REQUEST = 50
TURN = b"agent_slo_processor_loop_turn_cpu_seconds "

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One round of one process."""

    cpu_us: float
    """CPU microseconds a span; the same number as CPU seconds a million spans."""
    spans_per_s: float
    memory_mib: float
    """Peak since it started."""
    ack_ms: dict[str, float]
    late_ms: dict[str, float]
    """From when a span was due to when the sink had it."""
    forwarded_bytes_ratio: float
    forwarded_requests: int
    sent_requests: int
    errors: dict[str, int]
    marked: int
    verdict_spans: int
    turn_ms: float | None
    """Ours: CPU time of the longest turn of the event loop, in the last minute or two."""
    wrong: dict[str, int]
    """What verification found and the row is forgiven."""


@dataclass(slots=True)
class Row:
    """All rounds of one process; void where `trouble` says why."""

    name: str
    ours: bool = False
    samples: list[Sample] = field(default_factory=list)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Driven:
    """What one load came to: spans sent, what generator and sink tell, CPU seconds by process."""

    spans: int
    told: dict[str, Any]
    arrived: dict[str, Any]
    found: dict[str, Any]
    used_s: list[float]


class Bench:
    """Runs cells against one sink. A context manager; `folder` is for logs and state."""

    def __init__(self, folder: Path, seconds_max: float = LOAD_S) -> None:
        self._folder, self._seconds_max = folder, seconds_max
        self._round = int(time.time()) % 30_000
        self._unended = 0xF000_0000
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "agentslo.bench.sink"]
        child = self._stack.enter_context(Child(command, self._folder / "sink.log"))
        self.sink = f"{LOOPBACK}:{child.port()}"
        self._channel = self._stack.enter_context(grpc.insecure_channel(self.sink))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, cell: Cell, rounds: int, say: Say) -> list[Row]:
        """One warm-up round, then `rounds`."""
        rows = {subject.name: Row(subject.name, subject.ours) for subject in cell.subjects}
        sent = one_pass(cell.shape)
        with ExitStack() as stack:
            started = {s.name: self._start(s, stack, rows[s.name]) for s in cell.subjects}
            for number in range(rounds + 1):
                for subject in cell.subjects:
                    row, running = rows[subject.name], started[subject.name]
                    if running is None or row.trouble:
                        continue
                    sample = self._guarded(cell, subject, running, sent, row)
                    if sample is not None and number:
                        row.samples.append(sample)
                    say(f"{cell.name}: round {number} of {rounds}, {subject.name}")
        return list(rows.values())

    def _start(self, subject: Subject, stack: ExitStack, row: Row) -> Running | None:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            running = subject.start(self.sink, folder)
        except (ChildFailed, OSError) as error:
            row.trouble = f"does not start: {error}"
            return None
        stack.enter_context(running.child)
        if subject.open_runs:
            self.open_runs(running, subject.open_runs, STEPS)
        return running

    def open_runs(self, running: Running, runs: int, steps: int) -> None:
        """Send some steps each of runs whose root does not end; returns when the sink has them."""
        body = unended(RUNS_A_REQUEST, steps)
        self._call("Begin", shape=asdict(Shape()), salts=[], level=Level.BYTES)
        with grpc.insecure_channel(running.target) as channel:
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                Signal.TRACES.grpc_method
            )
            for _ in range(-(-runs // RUNS_A_REQUEST)):
                self._unended += 1
                export(fresh(body, self._unended.to_bytes(4, "big")), timeout=CALL_S)
        self._settle([running.child], runs * steps)

    def _guarded(
        self, cell: Cell, subject: Subject, running: Running, sent: Pass, row: Row
    ) -> Sample | None:
        try:
            return self._sample(cell, subject, running, sent)
        except (ChildFailed, VerificationFailed) as error:
            row.trouble = str(error)
            row.samples.clear()
            return None

    def _sample(self, cell: Cell, subject: Subject, running: Running, sent: Pass) -> Sample:
        driven = self.drive(
            running.target,
            cell.shape,
            cell.spans,
            children=[running.child],
            level=subject.level,
            gzip=cell.gzip,
            rate=cell.rate,
        )
        told, arrived, found = driven.told, driven.arrived, driven.found
        _verify(found, subject, driven.spans // sent.spans * sent.agent_spans)
        return Sample(
            cpu_us=driven.used_s[0] / driven.spans * 1e6,
            spans_per_s=driven.spans / told["seconds"],
            memory_mib=memory_mib(running.child.pid),
            ack_ms=told["ack_ms"],
            late_ms=found.get("late_ms", {}),
            forwarded_bytes_ratio=arrived["bytes"] / told["bytes"],
            forwarded_requests=arrived["requests"],
            sent_requests=told["requests"],
            errors=told["errors"],
            marked=found["marked"],
            verdict_spans=found["verdict_spans"],
            turn_ms=_turn_ms(running.metrics) if running.metrics else None,
            wrong=found["wrong"],
        )

    def drive(
        self,
        target: str,
        shape: Shape,
        spans: int,
        *,
        children: Sequence[Child],
        level: Level = Level.BYTES,
        gzip: bool = False,
        rate: float = 0.0,
    ) -> Driven:
        """Send whole passes of at least `spans` to an address; `children` are what carries them."""
        self._round += 1
        sent = one_pass(shape)
        passes = -(-spans // sent.spans)
        salts = [(self._round << 16 | number).to_bytes(4, "big").hex() for number in range(passes)]
        self._call("Begin", shape=asdict(shape), salts=salts, level=level)
        every_ns = int(1e9 / rate) if rate else 0
        load = {
            "target": target,
            "shape": asdict(shape),
            "salts": salts,
            "gzip": gzip,
            "every_ns": every_ns,
            "seconds_max": self._seconds_max,
        }
        total = passes * sent.spans
        with _Load(load) as generator:
            before = [cpu(child.pid) for child in children]
            told = generator.go()
            arrived = self._settle(children, total)
            used_s = [
                cpu(child.pid).since(first) for child, first in zip(children, before, strict=True)
            ]
        found = self._call("Check", first_ns=told["first_ns"], every_ns=every_ns)
        return Driven(total, told, arrived, found, used_s)

    def _settle(self, children: Sequence[Child], total: int) -> dict[str, Any]:
        """Wait until the sink has all spans, or nothing comes any more."""
        seen, since_s = -1, time.monotonic()
        while True:
            arrived = self._call("Count")
            now_s = time.monotonic()
            if arrived["spans"] != seen:
                seen, since_s = arrived["spans"], now_s
            if seen >= total or now_s - since_s > QUIET_S:
                return arrived
            for child in children:
                if child.ended():
                    raise ChildFailed(child.complaint("ended under load"))
            time.sleep(POLL_S)

    def _call(self, method: str, **arguments: object) -> dict[str, Any]:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            f"/{SERVICE}/{method}"
        )
        answer: dict[str, Any] = json.loads(call(json.dumps(arguments).encode(), timeout=CALL_S))
        return answer


class VerificationFailed(Exception):
    """What arrived is not what was sent."""


def _verify(found: dict[str, Any], subject: Subject, agent_spans: int) -> None:
    wrong = dict(found["wrong"])
    marked = agent_spans if subject.marks else 0
    if found["marked"] != marked:
        wrong["marked"] = found["marked"] - marked
    if wrong.keys() - subject.forgiven:
        raise VerificationFailed(f"void, verification failed: {wrong}")


def _turn_ms(metrics: str) -> float | None:
    """What our exposition says of the loop."""
    with urllib.request.urlopen(f"{metrics}/metrics", timeout=CALL_S) as answer:  # noqa: S310 - loopback
        for line in answer:
            if line.startswith(TURN):
                return float(line.split()[1]) * 1e3
    return None


class _Load:
    """The load generator's process, ready to begin."""

    def __init__(self, load: dict[str, Any]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "agentslo.bench.load", json.dumps(load)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        self._line()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def go(self) -> dict[str, Any]:
        """Send everything; gives what the generator tells of it."""
        if self._process.stdin is None:
            raise ChildFailed("the load generator has no standard input")
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise ChildFailed("the load generator ended; what it wrote is above")
        told: dict[str, Any] = json.loads(line)
        return told
