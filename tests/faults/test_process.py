"""What happens to the process: paused, stopped in a hurry, short of memory or descriptors."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from faults.life import QUICK, RUNS, Life, expectation, standing
from faults.oracle import EXPORT, BackEnd, Scraper, Upstream, back_end, run_requests, spans_in
from faults.test_backlog import peak_bytes
from support.wait import until

COMMAND = Path(sys.executable).with_name("agentslo")
LONG = bool(os.environ.get("FAULTS_LONG"))
PAUSE_S = 60.0 if LONG else 6.0
ROOTS = 10_000 if LONG else 500
GRACE_S = 2.0
COUNTED = "agent_slo_runs_total"


def settle(life: Life, upstream: Upstream, scraper: Scraper, downstream: BackEnd) -> None:
    """Wait until all is counted and arrived; then nothing may be there twice."""
    upstream.finish(120)
    expected = expectation(upstream)
    until(lambda: standing(scraper) == expected, timeout_s=90, what=f"{expected} to be counted")
    until(
        lambda: upstream.acknowledged.keys() <= downstream.copies.keys(),
        timeout_s=60,
        what="all spans to arrive",
    )
    assert scraper.total(COUNTED).total() == upstream.finished.total()
    assert scraper.falls == []
    assert life.process is not None
    life.process.stop()
    scraper.finish()


def test_a_pause_closes_no_run_whose_spans_wait_at_the_door(tmp_path: Path) -> None:
    # A run without its root closes when it is idle: sooner than the pause ends.
    runs = {**RUNS, "idle_s": 5, "hold_max_s": 5}
    with back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {"runs": runs})
        upstream = Upstream(life.places.grpc, 40, life.places.page)
        scraper = Scraper(f"http://{life.places.metrics}")
        service = life.start()
        upstream.start()
        scraper.start()
        until(lambda: upstream.finished.total() > 20, timeout_s=60, what="some runs")
        service.process.send_signal(signal.SIGSTOP)
        time.sleep(PAUSE_S)
        service.process.send_signal(signal.SIGCONT)
        seen = upstream.finished.total()
        until(lambda: upstream.finished.total() > seen + 20, timeout_s=60, what="runs to go on")
        settle(life, upstream, scraper, downstream)


def test_a_stop_with_many_held_roots_and_little_time_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    runs = {"quiet_s": 60, "quiet_single_s": 60, "idle_s": 600, "hold_max_s": 300}
    with back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {"runs": runs})
        service = life.start()
        with grpc.insecure_channel(life.places.grpc) as channel:
            export = channel.unary_unary(EXPORT)
            for start in range(0, ROOTS, 50):
                export(b"".join(b"".join(run_requests(n)) for n in range(start, start + 50)))
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        try:
            code = service.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            code = service.kill()
        sys.stdout.write(f"{ROOTS} roots: code {code} after {time.monotonic() - began:.1f} s\n")
        life.configure({"runs": {**runs, "quiet_s": 1, "quiet_single_s": 1}})
        service = life.start()
        scraper = Scraper(f"http://{life.places.metrics}")
        scraper.start()
        until(lambda: scraper.total(COUNTED).total() == ROOTS, timeout_s=120, what="all runs")
        sent = {s for n in range(ROOTS) for body in run_requests(n) for s in spans_in(body)}
        until(lambda: sent <= downstream.copies.keys(), timeout_s=60, what="all spans")
        service.stop()
        scraper.finish()
        assert scraper.total(COUNTED).total() == ROOTS


@contextmanager
def no_more_files(pid: int, places: list[str]) -> Iterator[None]:
    """The process may open no further file, and strangers take what it has left."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    in_use = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (in_use + 4, before[1]))
    strangers = []
    for number in range(40):
        host, _, port = places[number % len(places)].rpartition(":")
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((host, int(port)))
        strangers.append(one)
    yield
    for one in strangers:
        one.close()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@contextmanager
def no_more_threads(pid: int, _: list[str]) -> Iterator[None]:
    """The process may start no further thread."""
    group = Path(f"/sys/fs/cgroup/pids/agentslo-test-{pid}")
    try:
        group.mkdir()
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        pytest.skip(f"no control group may be made here: {error}")
    (group / "pids.max").write_text(str(sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())))
    yield
    (group / "pids.max").write_text("max")
    (group.parent / "cgroup.procs").write_text(str(pid))
    group.rmdir()


@pytest.mark.skipif(not LONG, reason="make faults")
@pytest.mark.parametrize("none_left", [no_more_files, no_more_threads])
def test_without_files_or_threads_nothing_is_lost_and_all_goes_on_once_there_are_some(
    tmp_path: Path, none_left: object
) -> None:
    with back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {})
        upstream = Upstream(life.places.grpc, 40, life.places.page)
        scraper = Scraper(f"http://{life.places.metrics}")
        service = life.start()
        upstream.start()
        scraper.start()
        until(lambda: upstream.finished.total() > 20, timeout_s=60, what="some runs")
        # What cannot leave goes to disk; what is there is read back with nothing to open it by.
        downstream.away.set()
        time.sleep(2)
        with none_left(service.process.pid, [life.places.grpc, life.places.http]):  # type: ignore[operator]  # a function
            time.sleep(4)
            downstream.away.clear()
            time.sleep(6)
        seen = upstream.finished.total()
        until(lambda: upstream.finished.total() > seen + 20, timeout_s=60, what="runs to go on")
        settle(life, upstream, scraper, downstream)


@pytest.mark.skipif(not LONG, reason="make faults")
def test_a_destination_whose_name_nobody_knows_costs_the_others_nothing(tmp_path: Path) -> None:
    with back_end() as downstream:
        known = {"name": "sink", "endpoint": downstream.address, "primary": True, **QUICK}
        lost = {"name": "lost", "endpoint": "nowhere.invalid:4317", **QUICK}
        life = Life(COMMAND, tmp_path, downstream, {"destinations": [known, lost]})
        upstream = Upstream(life.places.grpc, 40, life.places.page)
        scraper = Scraper(f"http://{life.places.metrics}")
        life.start()
        upstream.start()
        scraper.start()
        until(lambda: upstream.finished.total() > 40, timeout_s=60, what="runs")
        assert upstream.refusals.total() == 0
        settle(life, upstream, scraper, downstream)


@pytest.mark.skipif(not LONG, reason="make faults")
def test_open_runs_beyond_their_bound_close_and_memory_stays_below_its_number(
    tmp_path: Path,
) -> None:
    bound = 2 * 2**20
    runs = {"quiet_s": 60, "quiet_single_s": 60, "idle_s": 600, "max_state_bytes": bound}
    with back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {"runs": runs})
        service = life.start()
        before = peak_bytes(service.process.pid)
        with grpc.insecure_channel(life.places.grpc) as channel:
            export = channel.unary_unary(EXPORT)
            for start in range(0, 20_000, 50):
                export(b"".join(run_requests(n)[0] for n in range(start, start + 50)))
        grown = peak_bytes(service.process.pid) - before
        sys.stdout.write(f"grown by {grown / 2**20:.0f} MiB at a bound of 2 MiB\n")
        scraper = Scraper(f"http://{life.places.metrics}")
        scraper.start()
        until(lambda: scraper.total(COUNTED).total() > 1_000, what="the oldest to close")
        sent = {s for n in range(20_000) for s in spans_in(run_requests(n)[0])}
        until(lambda: len(sent - downstream.copies.keys()) < 20_000, what="spans to arrive")
        service.stop()
        scraper.finish()
        assert grown < 200 * 2**20
