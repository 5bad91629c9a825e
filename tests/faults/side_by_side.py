"""The same oracle and the same kills around a Collector: what it has acknowledged and lost.

In: a Collector's binary, kills, a seed. Out: one line a configuration. Three configurations: its
default, a queue in a memory of its own; `file_storage` as it comes; `file_storage` at its best. The
back end is away half of the time, as in `make faults`.

    .venv/bin/python tests/faults/side_by_side.py --kills 10
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from faults.life import live  # noqa: E402 - needs the path above
from faults.oracle import BackEnd, Places, Upstream, back_end  # noqa: E402
from support.process import Running  # noqa: E402
from support.wait import until  # noqa: E402

RETRY = {"initial_interval": "100ms", "max_interval": "500ms"}
QUEUES = {
    "Collector, defaults (queue in memory)": {},
    "Collector, file_storage as it comes": {"storage": "file_storage"},
    "Collector, file_storage at its best": {
        "storage": "file_storage",
        "sizer": "bytes",
        "queue_size": 2**30,
        "block_on_overflow": True,
    },
}


def config(queue: dict[str, object], places: Places, folder: Path, address: str) -> Path:
    """A Collector that passes traces on, with this queue."""
    best = "sizer" in queue
    retry = {**RETRY, **({"max_elapsed_time": 0} if best else {})}
    exporter = {"endpoint": address, "tls": {"insecure": True}, "timeout": "5s"}
    exporter |= {"sending_queue": {"enabled": True, **queue}, "retry_on_failure": retry}
    storage = {"directory": str(folder / "queue"), "create_directory": True, "fsync": best}
    used = {"extensions": ["file_storage"]} if queue else {}
    written = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": places.grpc}}}},
        "exporters": {"otlp_grpc": exporter},
        "service": {
            **used,
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}},
        },
    }
    if queue:
        written["extensions"] = {"file_storage": storage}
    path = folder / "collector.yaml"
    path.write_text(yaml.safe_dump(written))
    return path


def collector_life(otelcol: Path, queue: dict[str, object], kills: int, seed: int) -> str:
    """Kills under load with outages, then calm, then the reckoning."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place, back_end() as downstream:
        folder, places = Path(place), Places.free()
        path = config(queue, places, folder, downstream.address)

        def start(number: int) -> Running:
            log = folder / f"{number}.log"
            process = Running([otelcol, "--config", path], log=log)
            process.await_ready(lambda: "Everything is ready" in process.text())
            return process

        upstream = Upstream(places.grpc, 20)
        process = start(0)
        upstream.start()
        for number in range(1, kills + 1):
            if chance.random() < 0.7:
                away = downstream.away
                (away.clear if away.is_set() else away.set)()
            time.sleep(chance.uniform(0.0, 4.0))
            process.kill()
            process = start(number)
        downstream.away.clear()
        upstream.finish(120)
        _await_quiet(downstream)
        process.stop()
    copies = [len(downstream.copies.get(span, ())) for span in upstream.acknowledged]
    lost, twice = copies.count(0), sum(n - 1 for n in copies if n)
    return f"{kills} kills, {len(copies)} spans acknowledged, {lost} lost, {twice} duplicates"


def _await_quiet(downstream: BackEnd) -> None:
    """Until nothing has arrived for a while."""
    seen, since = -1, time.monotonic()

    def quiet() -> bool:
        nonlocal seen, since
        now = sum(map(len, downstream.copies.values()))
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > 6

    until(quiet, timeout_s=120, what="the last span")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--otelcol", type=Path, default=ROOT / ".tools" / "bin" / "otelcol")
    options = parser.parse_args()
    for name, queue in QUEUES.items():
        told = collector_life(options.otelcol, queue, options.kills, options.seed)
        sys.stdout.write(f"{name}: {told}\n")
        sys.stdout.flush()
    ours = Path(sys.executable).with_name("agentslo")
    with tempfile.TemporaryDirectory() as place:
        life = live(ours, Path(place), options.kills, options.seed, 20, outages=True)
    sys.stdout.write(
        f"agentslo, ack stored: {life.kills} kills, {life.spans_acknowledged} spans acknowledged, "
        f"{life.spans_lost} lost, {life.duplicates} duplicates; "
        f"{life.runs_counted} of {life.runs} runs counted\n"
    )


if __name__ == "__main__":
    main()
