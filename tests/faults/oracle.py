"""The oracle: upstream and downstream of a service that is killed, and what must be true after.

In: a rate of runs. Out: what was acknowledged, what arrived, what `/metrics` showed. It issues
every id itself and lives in a process that is never killed, so that its memory is the measure. What
must hold: nothing acknowledged is lost, each run is counted once, no counter falls, copies of a
span are byte-equal.
"""

import hashlib
import json
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

import grpc

from agentslo.config.service_file import ServiceConfig
from agentslo.dialects.ids import read_ids
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import Request
from agentslo.otlp.files import Message
from agentslo.service.events import Corrected, Counted
from agentslo.service.feedback import read as read_feedback
from agentslo.service.stream import Stream
from scenarios import tree
from support.ports import LOOPBACK

Span = tuple[bytes, bytes]
EXPORT = Signal.TRACES.grpc_method
RETRY_S = 0.2
SENDERS = 12
KINDS = ("completed", "failed tool", "cut off", "below infrastructure")
JUDGED_EVERY = 3
"""Which runs people complain about: every so many; with four kinds, some of each."""
JUDGED_WITHIN_S = 12.0
"""So late at the latest: before their runs close, and after."""


def run_requests(number: int) -> list[bytes]:
    """The requests of one run, the root last; passing spans beside it."""
    label, kind = f"run {number}", KINDS[number % len(KINDS)]
    root = {"agent": "support", "id": f"root {number}", "at": [0, 5], "trace": label}
    chat = {"chat": "m", "at": [1, 2], "trace": label, "parent": f"root {number}"}
    chat |= {"id": f"chat {number}", "finish": "length" if kind == "cut off" else "stop"}
    tool = {"tool": "lookup", "at": [2, 3], "trace": label, "parent": f"root {number}"}
    tool |= {"id": f"tool {number}"}
    if kind == "failed tool":
        tool |= {"error": "TimeoutError"}
    above = {"name": "GET /chat", "kind": "server", "at": [0, 6], "trace": label}
    above |= {"id": f"server {number}"}
    passing = {"name": "SELECT", "at": [0, 1], "trace": f"other {number}", "id": f"sql {number}"}
    if kind == "below infrastructure":
        root |= {"parent": f"server {number}"}
        parts = [[chat, passing], [tool], [above], [root]]
    else:
        parts = [[chat, tool, passing], [root]]
    return [tree.request(tree.spans(part)) for part in parts]


def spans_in(body: bytes) -> dict[Span, bytes]:
    """The spans of a request, encoded, by trace and span id."""
    found = {}
    for batch in Request(body).batches:
        for encoded in batch.items:
            ids = read_ids(encoded)
            assert ids is not None
            found[ids.trace_id, ids.span_id] = encoded
    return found


def complaint(number: int) -> bytes:
    """What a person says of a run after the fact; the same each time it is said."""
    about = {"trace_id": tree.trace_id(f"run {number}").hex(), "id": f"complaint {number}"}
    return json.dumps({**about, "kind": "complaint"}).encode()


def outcomes_expected() -> dict[str, str]:
    """The outcome of each kind of run, as replay gives it."""
    found = {}
    for number, kind in enumerate(KINDS):
        (found[kind],) = [c.verdict.outcome.value for c in _played(number)[1]]
    return found


def outcomes_judged() -> dict[str, str]:
    """The outcome of each kind of run once a person has complained."""
    found = {}
    for number, kind in enumerate(KINDS):
        stream, (counted,) = _played(number)
        said = stream.pipeline.heard.judgement(*read_feedback(complaint(number)), tree.at_ns(60))
        corrected = [h.after.outcome.value for h in said if isinstance(h, Corrected)]
        found[kind] = corrected[0] if corrected else counted.verdict.outcome.value
    return found


def _played(number: int) -> tuple[Stream, list[Counted]]:
    messages = [
        Message(path="f", signal=Signal.TRACES, body=body, time_ns=tree.at_ns(6))
        for body in run_requests(number)
    ]
    stream = Stream(ServiceConfig())
    return stream, [h for h in stream.play(messages) if isinstance(h, Counted)]


@dataclass
class BackEnd:
    """The downstream: keeps a digest of every copy of every span."""

    address: str = ""
    copies: dict[Span, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    away: threading.Event = field(default_factory=threading.Event)
    refused: int = 0
    requests: Counter[bytes] = field(default_factory=Counter)
    """How often each request came, by digest."""

    def export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        """Takes one request, unless it is away."""
        if self.away.is_set():
            self.refused += 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        self.requests[hashlib.blake2b(body, digest_size=8).digest()] += 1
        for span, encoded in spans_in(body).items():
            self.copies[span].append(hashlib.blake2b(encoded, digest_size=8).digest())
        return b""


@contextmanager
def back_end() -> Iterator[BackEnd]:
    """The downstream, in threads of this process."""
    kept = BackEnd()
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    handler = grpc.unary_unary_rpc_method_handler(kept.export)
    service = Signal.TRACES.grpc_service
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
    )
    kept.address = f"{LOOPBACK}:{server.add_insecure_port(f'{LOOPBACK}:0')}"
    server.start()
    try:
        yield kept
    finally:
        server.stop(None).wait()


@dataclass
class Upstream:
    """Senders that retry the same bytes until they are acknowledged, as a Collector does.

    `feedback`: where people complain of every third run, as stubborn as the senders.
    """

    address: str
    rate: float
    feedback: str = ""
    acknowledged: dict[Span, bytes] = field(default_factory=dict)
    finished: Counter[str] = field(default_factory=Counter)
    """Runs of which every request was acknowledged, by kind."""
    complained: Counter[str] = field(default_factory=Counter)
    """Runs of which a complaint was acknowledged, by kind."""
    refusals: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[float, float]] = field(default_factory=list)
    """When each request was sent that was taken, and how long that took, in s."""
    issued: int = 0

    def __post_init__(self) -> None:
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(SENDERS)]
        self._unjudged: list[tuple[float, int]] = []
        self._judge = threading.Thread(target=self._complain, daemon=True)
        self._threads += [self._judge] if self.feedback else []

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def finish(self, timeout_s: float) -> None:
        """Begin no further run, and wait until all that began is acknowledged."""
        self._stop.set()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), "a request was never acknowledged"

    def _work(self) -> None:
        # Reconnects at once: a channel's own back-off would hide the time after a restart.
        options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.address, options=options) as channel:
            export = channel.unary_unary(EXPORT)
            while not self._stop.is_set():
                with self._lock:
                    number, self.issued = self.issued, self.issued + 1
                for body in run_requests(number):
                    self._send(export, body)
                    time.sleep(random.random() * 0.05)
                with self._lock:
                    self.finished[KINDS[number % len(KINDS)]] += 1
                    if self.feedback and number % JUDGED_EVERY == 0:
                        later_s = random.random() * JUDGED_WITHIN_S
                        self._unjudged.append((time.monotonic() + later_s, number))
                time.sleep(SENDERS / self.rate)

    def _complain(self) -> None:
        while True:
            with self._lock:
                due = [one for one in self._unjudged if one[0] <= time.monotonic()]
                self._unjudged = [one for one in self._unjudged if one not in due]
                over = self._stop.is_set() and not due and not self._unjudged
            senders = [t for t in self._threads if t is not self._judge]
            if over and not any(t.is_alive() for t in senders):
                return
            for _, number in due:
                self._tell(number)
            time.sleep(0.05)

    def _tell(self, number: int) -> None:
        asked = urllib.request.Request(
            f"http://{self.feedback}/v1/feedback",
            complaint(number),
            {"Content-Type": "application/json"},
        )
        while True:
            try:
                with urllib.request.urlopen(asked, timeout=20):
                    break
            except (OSError, HTTPException):
                time.sleep(RETRY_S)
        with self._lock:
            self.complained[KINDS[number % len(KINDS)]] += 1

    def _send(self, export: grpc.UnaryUnaryMultiCallable, body: bytes) -> None:
        while True:
            began_s = time.monotonic()
            try:
                export(body, timeout=20)
            except grpc.RpcError as error:
                with self._lock:
                    self.refusals[error.code().name] += 1
                time.sleep(RETRY_S)
                continue
            with self._lock:
                self.acknowledged.update(spans_in(body))
                self.answers.append((began_s, time.monotonic() - began_s))
            return


@dataclass
class Scraper:
    """A scraper that never forgets: the last value of every counter, and every fall."""

    url: str
    values: dict[str, float] = field(default_factory=dict)
    falls: list[str] = field(default_factory=list)
    scrapes: int = 0
    held: int = 0
    """Spans held at the last scrape."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin to scrape."""
        self._thread.start()

    def finish(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join(30)

    def _work(self) -> None:
        while not self._stop.wait(0.05):
            try:
                with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as reply:
                    self.read(reply.read().decode())
            except (OSError, HTTPException):
                continue

    def read(self, text: str) -> None:
        """One scrape; a cut one is no scrape."""
        kind = ""
        self.scrapes += 1
        for line in text.splitlines():
            if line.startswith("# TYPE"):
                kind = line.split()[-1]
            if line.startswith("agent_slo_processor_spans_held{"):
                self.held = int(float(line.split()[-1]))
            if line.startswith("#") or kind not in ("counter", "histogram"):
                continue
            name, _, value = line.rpartition(" ")
            if not name.startswith("agent_slo_") or name.startswith("agent_slo_processor_"):
                continue
            if float(value) < self.values.get(name, 0.0):
                self.falls.append(f"{name}: {self.values[name]} -> {value}")
            self.values[name] = float(value)

    def total(self, name: str, label: str = "") -> Counter[str]:
        """The values of a family by one label."""
        found: Counter[str] = Counter()
        for row, value in self.values.items():
            if row.startswith(name + "{"):
                key = row.split(f'{label}="')[1].split('"')[0] if label else ""
                found[key] += int(value)
        return found


@dataclass(frozen=True)
class Places:
    """Ports that stay the same over restarts."""

    grpc: str
    http: str
    metrics: str
    page: str

    @classmethod
    def free(cls) -> "Places":
        """Four free ones below the range that outgoing connections take theirs from: while the
        service is down nobody else gets one.
        """
        free: list[str] = []
        while len(free) < 4:
            port = random.randrange(15_000, 30_000)
            with socket.socket() as one:
                if one.connect_ex((LOOPBACK, port)) != 0:
                    free.append(f"{LOOPBACK}:{port}")
        return cls(*free)
