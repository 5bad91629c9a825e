"""How long the page takes at 200 agents, against an empty one, while spans come in.

    .venv/bin/python benchmarks/page.py [--agents 200] [--runs 100000]

Two services run side by side, one with a single agent and one that took the runs (with a ledger on
disk). Both get spans all the time; each is asked for its page in turn, ten times a second. Printed
are the median time to the first and to the last byte, how long an export takes with and without
pages being asked for, and the ratios. Only the ratios mean something: all is on one machine.
"""

import argparse
import http.client
import itertools
import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
ASKED, PAUSE_S, BATCH, PORTS = 100, 0.1, 200, 14000


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to the first byte of the page.")
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--runs", type=int, default=100_000)
    asked = parser.parse_args()
    with service(PORTS) as empty, service(PORTS + 100) as full:
        fill(asked.agents, asked.runs, full)
        agents = {empty: 1, full: asked.agents}
        quiet = exports(agents, lambda: time.sleep(ASKED * PAUSE_S))
        pages: dict[int, list[tuple[float, float, int]]] = {empty: [], full: []}
        busy = exports(agents, lambda: ask(pages))
    found = {
        name: figures(pages[offset])
        | {"export_ms": quiet[offset], "export_with_page_ms": busy[offset]}
        for name, offset in (("empty", empty), ("full", full))
    }
    ratios = {
        "first_byte_ratio": found["full"]["first_byte_ms"] / found["empty"]["first_byte_ms"],
        "export_with_page_ratio": busy[full] / quiet[full],
    }
    print(json.dumps(found | {name: round(ratio, 2) for name, ratio in ratios.items()}, indent=1))


@contextmanager
def service(offset: int) -> Iterator[int]:
    """A service at these ports; gives the offset."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "agentslo.yaml"
        config.write_text(
            f"port_offset: {offset}\nstorage: {{directory: {folder}/data, sync: normal}}\n"
            "runs: {quiet_s: 1, quiet_single_s: 1}\n"
        )
        command = [Path(sys.executable).with_name("agentslo"), "run", "--config", config]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await_up(offset)
            yield offset
        finally:
            process.terminate()
            process.wait()


def await_up(offset: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{9464 + offset}/readyz", timeout=2).read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the service did not start")


def request(agents: int, count: int) -> bytes:
    """Finished runs of one span each, spread over agents and environments."""
    made = ExportTraceServiceRequest()
    now_ns = time.time_ns()
    for number in range(count):
        group = made.resource_spans.add()
        group.resource.attributes.extend(
            (pair("service.name", "bench"), pair("deployment.environment.name", "production"))
        )
        holder = group.scope_spans.add()
        agent = f"agent-{(number * 7) % max(1, agents):03d}"
        holder.spans.append(
            Span(
                trace_id=secrets.token_bytes(16),
                span_id=secrets.token_bytes(8),
                name=f"invoke_agent {agent}",
                kind=Span.SPAN_KIND_INTERNAL,
                start_time_unix_nano=now_ns - 10**9,
                end_time_unix_nano=now_ns,
                attributes=[
                    pair("gen_ai.operation.name", "invoke_agent"),
                    pair("gen_ai.agent.name", agent),
                ],
                status={"code": 2 if number % 20 == 0 else 0},
            )
        )
    return made.SerializeToString()


def pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def fill(agents: int, runs: int, offset: int) -> None:
    """Send the runs and wait until all are counted."""
    with grpc.insecure_channel(f"127.0.0.1:{4317 + offset}") as channel:
        export = channel.unary_unary(EXPORT)
        for _ in range(runs // BATCH):
            export(request(agents, BATCH), timeout=60)
    deadline = time.monotonic() + 300
    while counted(offset) < runs and time.monotonic() < deadline:
        time.sleep(0.5)


def counted(offset: int) -> int:
    """Runs of all agents so far."""
    address = f"http://127.0.0.1:{9465 + offset}/api/v1/status"
    with urllib.request.urlopen(address, timeout=60) as reply:
        agents = json.load(reply)["agents"]
    return sum(sum(agent["outcomes"].values()) for agent in agents)


def exports(agents: dict[int, int], meanwhile: Callable[[], None]) -> dict[int, float]:
    """Send spans to each service in turn while something goes on; median milliseconds of each."""
    stop, answers_ms = threading.Event(), {offset: [] for offset in agents}

    def send() -> None:
        bodies = {o: [request(count, 20) for _ in range(100)] for o, count in agents.items()}
        channels = {o: grpc.insecure_channel(f"127.0.0.1:{4317 + o}") for o in agents}
        for number in itertools.count():
            for offset, channel in channels.items():
                start = time.perf_counter()
                channel.unary_unary(EXPORT)(bodies[offset][number % 100], timeout=60)
                answers_ms[offset].append((time.perf_counter() - start) * 1000)
            if stop.wait(0.05):
                break
        for channel in channels.values():
            channel.close()

    sender = threading.Thread(target=send)
    sender.start()
    meanwhile()
    stop.set()
    sender.join()
    return {offset: round(statistics.median(found), 2) for offset, found in answers_ms.items()}


def ask(pages: dict[int, list[tuple[float, float, int]]]) -> None:
    """Ask each service for its page, in turn."""
    for _ in range(ASKED):
        for offset, found in pages.items():
            found.append(page_ms(offset))
        time.sleep(PAUSE_S)


def figures(pages: list[tuple[float, float, int]]) -> dict[str, float]:
    """Medians of pages."""
    first, last, size = zip(*pages, strict=True)
    return {
        "first_byte_ms": round(statistics.median(first), 2),
        "last_byte_ms": round(statistics.median(last), 2),
        "page_kb": round(statistics.median(size) / 1000, 1),
    }


def page_ms(offset: int) -> tuple[float, float, int]:
    """Milliseconds to the first and to the last byte of the body, and its bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", 9465 + offset, timeout=60)
    start = time.perf_counter()
    connection.request("GET", "/")
    reply = connection.getresponse()
    begun = reply.read(1)
    first = time.perf_counter()
    rest = reply.read()
    last = time.perf_counter()
    connection.close()
    return (first - start) * 1000, (last - start) * 1000, len(begun) + len(rest)


if __name__ == "__main__":
    main()
