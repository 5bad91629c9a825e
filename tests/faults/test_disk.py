"""A disk that fails lowers the promise, visibly; forwarding and counting go on; it heals itself."""

import json
import resource
import sys
import time
import urllib.request
from pathlib import Path

from faults.life import Life
from faults.oracle import KINDS, Scraper, Upstream, back_end, outcomes_expected
from support.wait import until

COMMAND = Path(sys.executable).with_name("agentslo")
SHOWN_S, HEALED_S = 15.0, 30.0


def journal_trouble(life: Life) -> str:
    url = f"http://{life.places.metrics}/readyz"
    with urllib.request.urlopen(url, timeout=10) as reply:
        return str(json.loads(reply.read())["journal"])


def promise(life: Life) -> float:
    with urllib.request.urlopen(f"http://{life.places.metrics}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    (value,) = [x.split()[-1] for x in lines if 'processor_promise{ack="stored"}' in x]
    return float(value)


def file_limit(pid: int, limit: int) -> None:
    """No file of the process may grow beyond so many bytes: to it the disk is full."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def test_a_full_disk_is_told_forwarding_goes_on_and_storage_resumes_without_a_restart(
    tmp_path: Path,
) -> None:
    with back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {})
        upstream, scraper = (
            Upstream(life.places.grpc, 20),
            Scraper(f"http://{life.places.metrics}"),
        )
        service = life.start()
        upstream.start()
        scraper.start()
        until(lambda: upstream.finished.total() > 10, timeout_s=60, what="some runs")
        file_limit(service.process.pid, 4_096)
        began = time.monotonic()
        until(lambda: journal_trouble(life), timeout_s=SHOWN_S, what="the fault to be shown")
        assert promise(life) == 0
        seen = upstream.finished.total()
        until(lambda: upstream.finished.total() > seen + 20, timeout_s=60, what="runs to go on")
        assert time.monotonic() - began < 120
        file_limit(service.process.pid, resource.RLIM_INFINITY)
        until(lambda: not journal_trouble(life), timeout_s=HEALED_S, what="storage to resume")
        assert promise(life) == 1
        # What it knows is on disk again: a kill now costs nothing.
        service.kill()
        service = life.start()
        upstream.finish(60)
        outcomes = outcomes_expected()
        expected = {outcomes[kind] for kind in KINDS}
        until(
            lambda: scraper.total("agent_slo_runs_total").total() == upstream.finished.total(),
            timeout_s=60,
            what="all runs to be counted",
        )
        assert set(+scraper.total("agent_slo_runs_total", "outcome")) <= expected
        until(
            lambda: upstream.acknowledged.keys() <= downstream.copies.keys(),
            timeout_s=30,
            what="all spans to arrive",
        )
        assert not scraper.falls
        service.stop()
        scraper.finish()
