"""`agentslo probe`: sends one known run to a running service and watches what becomes of it.

In: where the service takes spans and shows metrics; with `--receive`, the address of a destination
of the service, which the probe then is. Out: what was counted, under which outcome, and whether its
spans arrived with the bytes they were sent with. State: none; each probe is a new run of the agent
`agentslo-probe` in the environment `probe`. One probe at a time.
"""

import argparse
import contextlib
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from os import environ

import grpc

from agentslo.cli.live import authorization, text
from agentslo.config.problems import ConfigError
from agentslo.config.service_file import load
from agentslo.demo.spans import Call, Play, request
from agentslo.dialects.ids import read_ids
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import CutError, Request

AGENT, ENVIRONMENT, EXPECTED = "agentslo-probe", "probe", "completed"
TIMEOUT_S, SEND_S, LOOK_S, AFTER_S = 180.0, 20.0, 0.5, 2.0
_RUN = re.compile(r"^agent_slo_runs_total\{([^}]*)\} (\S+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
Spans = dict[bytes, bytes]


@dataclass(slots=True, kw_only=True)
class Probed:
    """What became of the run. Counts are since the probe began; `forwarded` and `altered`, in
    spans, are None where nothing was received here.
    """

    result: str = "inconclusive"
    why: str = ""
    trace_id: str = ""
    spans: int = 0
    expected: str = EXPECTED
    counted: dict[str, int] = field(default_factory=dict)
    forwarded: int | None = None
    altered: int | None = None
    took_s: float = 0.0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "probe",
        help="send a known run to a running service and check what becomes of it",
        description="Sends one run of the agent agentslo-probe and waits until it is counted: once,"
        " as completed. With --receive also until its spans arrive with the bytes they were sent"
        " with. The first probe of a service takes as long as new series are shown at 0"
        " (metrics.zero_hold_s). Shows the bearer token in AGENTSLO_TOKEN, where one is asked for.",
    )
    parser.add_argument("--endpoint", help="OTLP/gRPC address (default: where `run` listens)")
    parser.add_argument("--metrics", metavar="URL", help="default: where `run` serves them")
    parser.add_argument(
        "--receive",
        metavar="HOST:PORT",
        help="listen there for what the service forwards (OTLP/gRPC); name it as a destination",
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=TIMEOUT_S, help="how long to wait"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Probes and says what was found."""
    try:
        listen = load(None, environ).listen
        metrics = arguments.metrics or f"http://{listen.metrics.address}"
        with _receiver(arguments.receive) as arrived:
            endpoint = arguments.endpoint or listen.grpc.address
            found = probe(endpoint, lambda: text(metrics, "/metrics"), arrived, arguments.timeout)
    except (ConfigError, OSError, ValueError) as error:
        sys.stderr.write(f"agentslo probe: {error}\n")
        return 1
    if arguments.json:
        sys.stdout.write(json.dumps(asdict(found), indent=2) + "\n")
    else:
        sys.stdout.write("".join(line + "\n" for line in lines(found)))
    return {"pass": 0, "fail": 2}.get(found.result, 3)


def probe(
    endpoint: str, metrics: Callable[[], str], arrived: Spans | None, timeout_s: float
) -> Probed:
    """Send a run and watch it. `arrived`: spans by id as they come back, None: they do not."""
    before, began_s = counts(metrics()), time.monotonic()
    calls = (Call(tool="lookup", arguments={"probe": 1}, result={"found": 1}),)
    play = Play(agent=AGENT, asked="probe", calls=calls, environment=ENVIRONMENT)
    body = request(play, time.time_ns(), random.Random(0))
    sent, trace_ids = _spans(body)
    found = Probed(trace_id=trace_ids.pop().hex(), spans=len(sent))
    _send(endpoint, body)
    deadline_s, seen_s = began_s + timeout_s, 0.0
    while time.monotonic() < deadline_s:
        found.counted = dict(counts(metrics()) - before)
        if arrived is not None:
            found.forwarded = sum(i in arrived for i in sent)
            found.altered = sum(not arrived.get(i, b).startswith(b) for i, b in sent.items())
        whole = bool(found.counted) and found.forwarded in (None, len(sent))
        seen_s = seen_s or (time.monotonic() if whole else 0.0)
        # What is counted twice would come now.
        if seen_s and time.monotonic() > seen_s + AFTER_S:
            break
        time.sleep(LOOK_S)
    found.took_s = round((seen_s or time.monotonic()) - began_s, 1)
    found.result, found.why = _judged(found, done=bool(seen_s))
    return found


def _judged(found: Probed, *, done: bool) -> tuple[str, str]:
    if found.counted and found.counted != {EXPECTED: 1}:
        return "fail", "it was counted otherwise than once, as completed"
    if found.altered:
        return "fail", "spans arrived with other bytes than they were sent with"
    if done:
        return "pass", ""
    missing = "counted" if not found.counted else "forwarded here in full"
    return "inconclusive", f"it was not {missing} in time"


def counts(exposed: str) -> Counter[str]:
    """How many runs of the probe's agent stand under each outcome on `/metrics`."""
    found: Counter[str] = Counter()
    for labels, value in _RUN.findall(exposed):
        told = dict(_LABEL.findall(labels))
        if told.get("agent", "").endswith(AGENT) and told.get("environment") == ENVIRONMENT:
            found[told.get("outcome", "")] += int(float(value))
    return found


def lines(found: Probed) -> Iterator[str]:
    """What a person reads."""
    yield f"{found.result}: {found.why or 'counted once, as ' + found.expected}"
    counted = ", ".join(f"{n} {outcome}" for outcome, n in found.counted.items()) or "nothing"
    yield f"counted    {counted} after {found.took_s:g} s"
    if found.forwarded is None:
        yield "forwarded  not looked at: give --receive"
    else:
        yield f"forwarded  {found.forwarded} of {found.spans} spans, {found.altered} altered"
    yield f"trace      {found.trace_id}"


def _send(endpoint: str, body: bytes) -> None:
    shown = tuple((name.lower(), value) for name, value in authorization().items())
    with grpc.insecure_channel(endpoint) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            Signal.TRACES.grpc_method
        )
        try:
            export(body, timeout=SEND_S, metadata=shown)
        except grpc.RpcError as error:
            raise OSError(f"{endpoint} did not take the spans: {error.details()}") from error


def _spans(body: bytes) -> tuple[Spans, set[bytes]]:
    """The encoded spans of a request by id, and the ids of their traces."""
    found, traces = Spans(), set()
    for batch in Request(body).batches:
        for encoded in batch.items:
            ids = read_ids(encoded)
            if ids is not None:
                found[ids.span_id] = encoded
                traces.add(ids.trace_id)
    return found, traces


@contextmanager
def _receiver(address: str | None) -> Iterator[Spans | None]:
    """What arrives at an address; None without one. Verdict spans and what others send, too."""
    if address is None:
        yield None
        return
    arrived = Spans()

    def export(body: bytes, _: grpc.ServicerContext) -> bytes:
        with contextlib.suppress(CutError):
            arrived.update(_spans(body)[0])
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Export": grpc.unary_unary_rpc_method_handler(export)
    }
    service = grpc.method_handlers_generic_handler(Signal.TRACES.grpc_service, methods)
    server.add_generic_rpc_handlers((service,))
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"{address} cannot be listened on: {error}") from error
    server.start()
    try:
        yield arrived
    finally:
        server.stop(None).wait()
