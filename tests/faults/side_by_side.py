"""The same oracle, load and faults around a Collector and around agentslo: what each loses.

In: a Collector's binary, a seed, which faults. Out: one line a fault and system. The Collector runs
as it comes (queue in memory), with `file_storage` as it comes, with `file_storage` at its best, and
each of the last and the first also holding spans for five seconds (`groupbytrace`), as agentslo
does. Times are divided by 40 where a deadline is what matters: 20 minutes are 30 seconds, the
Collector's 300 s are 7.5.

    .venv/bin/python tests/faults/side_by_side.py --fault kills --kills 10
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from faults.life import Life  # noqa: E402 - needs the path above
from faults.oracle import BackEnd, Places, Upstream, back_end  # noqa: E402
from faults.test_disk import fill_volume, free_volume, small_volume  # noqa: E402
from support.process import ProcessError, Running  # noqa: E402
from support.wait import DeadlineError, until  # noqa: E402

OURS = Path(sys.executable).with_name("agentslo")
RETRY = {"initial_interval": "100ms", "max_interval": "500ms"}
OUTAGE_S, DEADLINE = 30.0, "7.5s"
RATE = 20.0
FLIPS = 10
MEMORY: Mapping[str, object] = {}
STORED: Mapping[str, object] = {"storage": "file_storage"}
BEST: Mapping[str, object] = {
    **STORED,
    "sizer": "bytes",
    "queue_size": 2**30,
    "block_on_overflow": True,
}


@dataclass(frozen=True)
class Kind:
    """What runs, and how. `queue`: None is agentslo."""

    name: str
    queue: Mapping[str, object] | None
    holds: bool = False


KINDS = (
    Kind("Collector, queue in memory", MEMORY),
    Kind("Collector, file_storage as it comes", STORED),
    Kind("Collector, file_storage at its best", BEST),
    Kind("Collector, groupbytrace 5 s, queue in memory", MEMORY, holds=True),
    Kind("Collector, groupbytrace 5 s, file_storage at its best", BEST, holds=True),
    Kind("agentslo, ack stored, holds roots", None),
)


@dataclass
class System:
    """One life after the other of what runs, between an upstream and a back end."""

    kind: Kind
    folder: Path
    otelcol: Path
    downstream: BackEnd
    places: Places = field(default_factory=Places.free)
    starts: int = 0

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        if self.kind.queue is None:
            self.life = Life(OURS, self.folder, self.downstream, {})
            self.places = self.life.places
        else:
            self.config = self.folder / "collector.yaml"
            self.config.write_text(yaml.safe_dump(self._collector(self.kind.queue)))
        self.upstream = Upstream(self.places.grpc, RATE)

    def start(self) -> Running:
        """Start it, and wait until it takes spans. Raises `ProcessError` where it ends."""
        if self.kind.queue is None:
            return self.life.start()
        self.starts += 1
        log = self.folder / f"{self.starts}.log"
        process = Running([self.otelcol, "--config", self.config], log=log)
        process.await_ready(lambda: "Everything is ready" in process.text(), 30)
        return process

    def _collector(self, queue: Mapping[str, object]) -> dict[str, object]:
        best = "sizer" in queue
        retry = {**RETRY, "max_elapsed_time": 0 if best else DEADLINE}
        exporter = {"endpoint": self.downstream.address, "tls": {"insecure": True}}
        exporter |= {"sending_queue": {"enabled": True, **queue}, "retry_on_failure": retry}
        pipeline: dict[str, object] = {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}
        used: dict[str, object] = {"telemetry": {"metrics": {"level": "none"}}}
        written: dict[str, object] = {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": self.places.grpc}}}},
            "exporters": {"otlp_grpc": {**exporter, "timeout": "5s"}},
        }
        if queue:
            storage = {"directory": str(self.data), "create_directory": True, "fsync": best}
            written["extensions"] = {"file_storage": storage}
            used["extensions"] = ["file_storage"]
        if self.kind.holds:
            written["processors"] = {"groupbytrace": {"wait_duration": "5s"}}
            pipeline["processors"] = ["groupbytrace"]
        return {**written, "service": {**used, "pipelines": {"traces": pipeline}}}

    def reckon(self) -> str:
        """What was acknowledged, and what of it is lost or doubled."""
        quiet(self.downstream)
        copies = [len(self.downstream.copies.get(s, ())) for s in self.upstream.acknowledged]
        lost, twice = copies.count(0), sum(n - 1 for n in copies if n)
        refused = self.upstream.refusals.total()
        told = f"{len(copies)} spans acknowledged, {lost} lost, {twice} duplicates"
        return f"{told}; {refused} refusals"


def quiet(downstream: BackEnd) -> None:
    """Until nothing has arrived for a while."""
    seen, since = -1, time.monotonic()

    def over() -> bool:
        nonlocal seen, since
        now = sum(map(len, downstream.copies.values()))
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > 10

    until(over, timeout_s=180, what="the last span")


def kills(system: System, options: argparse.Namespace) -> str:
    """`kill -9` at random moments while the back end comes and goes."""
    chance, away = random.Random(options.seed), system.downstream.away
    process = system.start()
    system.upstream.start()
    for _ in range(options.kills):
        if chance.random() < 0.7:
            (away.clear if away.is_set() else away.set)()
        time.sleep(chance.uniform(0.0, 4.0))
        process.kill()
        process = system.start()
    away.clear()
    system.upstream.finish(120)
    told = system.reckon()
    process.stop()
    return f"{options.kills} kills: {told}"


def steady(system: System, options: argparse.Namespace) -> str:
    """`kill -9` at random moments; the back end is there all the time."""
    chance, process = random.Random(options.seed), system.start()
    system.upstream.start()
    for _ in range(options.kills):
        time.sleep(chance.uniform(1.0, 4.0))
        process.kill()
        process = system.start()
    system.upstream.finish(120)
    told = system.reckon()
    process.stop()
    return f"{options.kills} kills: {told}"


def outage(system: System, _: argparse.Namespace) -> str:
    """The back end is away for 20 minutes, divided by 40."""
    process = system.start()
    system.upstream.start()
    until(lambda: system.upstream.finished.total() > 20, what="some runs")
    system.downstream.away.set()
    time.sleep(OUTAGE_S)
    before = system.upstream.finished.total()
    system.downstream.away.clear()
    time.sleep(5)
    system.upstream.finish(120)
    told = system.reckon()
    process.stop()
    return f"{before} runs sent until its end: {told}"


def full(system: System, _: argparse.Namespace) -> str:
    """The volume is filled by another program, with the back end away; room; `kill -9`."""
    if system.kind.queue == MEMORY:
        return "keeps nothing on disk"
    with small_volume(system.data):
        process = system.start()
        system.upstream.start()
        until(lambda: system.upstream.finished.total() > 20, what="some runs")
        fill_volume(process.process.pid, system.data)
        before = system.upstream.finished.total()
        time.sleep(8)
        during = system.upstream.finished.total() - before
        free_volume(process.process.pid, system.data)
        time.sleep(12)
        process.kill()
        process = system.start()
        system.upstream.finish(120)
        told = system.reckon()
        process.stop()
    return f"{during} runs acknowledged while full: {told}"


def flips(system: System, options: argparse.Namespace) -> str:
    """A queue on disk, `kill -9`, a flipped bit in the largest file: does it start, what comes."""
    if system.kind.queue == MEMORY:
        return "keeps nothing on disk"
    chance, process = random.Random(options.seed), system.start()
    system.downstream.away.set()
    system.upstream.start()
    until(lambda: system.upstream.finished.total() > 60, what="runs")
    system.upstream.finish(60)
    process.kill()
    kept, ended, lost = system.folder / "kept", 0, []
    shutil.move(system.data, kept)
    system.downstream.away.clear()
    for _ in range(FLIPS):
        shutil.rmtree(system.data, ignore_errors=True)
        shutil.copytree(kept, system.data)
        files = [path for path in system.data.rglob("*") if path.is_file()]
        largest = max(files, key=lambda path: path.stat().st_size)
        data = bytearray(largest.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        largest.write_bytes(data)
        system.downstream.copies.clear()
        try:
            process = system.start()
        except (ProcessError, DeadlineError):
            ended += 1
            continue
        quiet(system.downstream)
        process.kill()
        arrived = system.downstream.copies.keys()
        lost.append(len(system.upstream.acknowledged.keys() - arrived))
    told = f"{FLIPS} flips: {ended} starts failed, of {len(system.upstream.acknowledged)} spans"
    return f"{told} lost at the others {lost}"


FAULTS: Mapping[str, Callable[[System, argparse.Namespace], str]] = {
    "steady": steady,
    "kills": kills,
    "outage": outage,
    "full": full,
    "flips": flips,
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, action="append")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--otelcol", type=Path, default=ROOT / ".tools" / "bin" / "otelcol")
    options = parser.parse_args()
    version = subprocess.run([options.otelcol, "--version"], capture_output=True, check=True)
    sys.stdout.write(f"{version.stdout.decode().strip()}, seed {options.seed}\n")
    for fault in options.fault or FAULTS:
        for kind in KINDS:
            with tempfile.TemporaryDirectory() as place, back_end() as downstream:
                system = System(kind, Path(place), options.otelcol, downstream)
                try:
                    told = FAULTS[fault](system, options)
                except AssertionError as error:
                    told = f"did not come to an end: {error}"
            sys.stdout.write(f"{fault}; {kind.name}: {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
