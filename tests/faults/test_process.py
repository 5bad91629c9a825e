"""What happens to the process: paused, stopped in a hurry, short of memory or descriptors."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc

from faults.life import RUNS, Life, expectation, standing
from faults.oracle import EXPORT, BackEnd, Scraper, Upstream, back_end, run_requests, spans_in
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
