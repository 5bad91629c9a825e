"""What `ack: stored` costs: CPU time of the service for the same spans, against `ack: received`.

In: numbers of runs and rounds. Out: a table and the ratio. The modes take turns, so that a machine
that slows down slows all of them. CPU time is the service's own, all its threads, from the first
request until every run has closed; sender and back end are another process.

    .venv/bin/python benchmarks/durability.py --runs 400 --rounds 3
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from concurrent import futures
from pathlib import Path

import grpc

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

from service_parts import agentslo, listening, sink, to  # noqa: E402 - needs the path above

from agentslo.otlp.answer import Signal  # noqa: E402
from agentslo.otlp.cut import Request  # noqa: E402
from scenarios import tree  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
RUNS_A_REQUEST = 10


def requests(runs: int) -> list[bytes]:
    """Runs of seven agent spans each beside as many of no agent, ten runs a request."""
    out = []
    for first in range(0, runs, RUNS_A_REQUEST):
        rows = []
        for number in range(first, first + RUNS_A_REQUEST):
            steps = [{"chat": "m", "at": [n, n + 1], "finish": "stop"} for n in range(3)]
            steps += [{"tool": "lookup", "at": [n, n + 1], "result": "x" * 200} for n in range(3)]
            rows.append({"agent": "support", "trace": f"t{number}", "at": [0, 5], "below": steps})
            rows += [
                {"name": "SELECT", "trace": f"p{number}", "id": f"q{number}.{n}", "at": [0, 1]}
                for n in range(7)
            ]
        out.append(tree.request(tree.spans(rows)))
    return out


def cpu_s(pid: int) -> float:
    """User and system time of a process, all threads."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICKS


def measure(mode: str, bodies: list[bytes]) -> float:
    """CPU seconds for all requests and for the closes of their runs."""
    with tempfile.TemporaryDirectory() as place, sink() as back_end:
        ack = "stored" if mode == "stored" else "received"
        config = listening({"destinations": [to(back_end.address)]})
        config["listen"]["grpc"]["ack"] = ack
        if mode != "received":
            config["storage"] = {"directory": f"{place}/data"}
        with agentslo(Path(place), config) as service:
            pid = service.process.process.pid
            began = cpu_s(pid)
            with grpc.insecure_channel(service.grpc) as channel:
                export = channel.unary_unary(Signal.TRACES.grpc_method)
                with futures.ThreadPoolExecutor(8) as senders:
                    list(senders.map(lambda body: export(body, timeout=60), bodies))
            deadline = time.monotonic() + 60
            while not service.settled() and time.monotonic() < deadline:
                time.sleep(1)
            return cpu_s(pid) - began


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    bodies = requests(options.runs)
    spans = sum(len(batch.items) for body in bodies for batch in Request(body).batches)
    modes = ("received", "received, journal on", "stored")
    found: dict[str, list[float]] = {mode: [] for mode in modes}
    for _ in range(options.rounds):
        for mode in modes:
            found[mode].append(measure(mode, bodies))
    print(f"{spans} spans, {options.runs} runs, {os.cpu_count()} CPUs, Python {sys.version[:6]}")
    base = statistics.median(found["received"])
    for mode in modes:
        median = statistics.median(found[mode])
        each = ", ".join(f"{s:.2f}" for s in found[mode])
        print(f"{mode:22} {median / spans * 1e6:7.1f} us a span  x{median / base:.2f}  ({each} s)")


if __name__ == "__main__":
    main()
