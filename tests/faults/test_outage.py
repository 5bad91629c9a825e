"""A destination away for long: answers go on until the spill log is full, then senders are told to
come again; afterwards all of it leaves beside what comes in.

20 minutes at 200 runs a second are a matter of bytes: a spill log so small that a minute fills it.
"""

import os
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from faults.life import Life, expectation, standing
from faults.oracle import Scraper, Upstream, back_end
from support.wait import until

COMMAND = Path(sys.executable).with_name("agentslo")
LONG = bool(os.environ.get("FAULTS_LONG"))
RATE = float(os.environ.get("FAULTS_RATE", "200"))
SPILL_BYTES = 1024 * 1024


def spilled(life: Life) -> int:
    """Bytes in the spill log."""
    with urllib.request.urlopen(f"http://{life.places.metrics}/metrics", timeout=20) as reply:
        lines = reply.read().decode().splitlines()
    return sum(int(float(x.split()[-1])) for x in lines if "processor_spill_bytes{" in x)


def quantiles(upstream: Upstream, since_s: float, until_s: float) -> str:
    """Middle and 99th percentile of what was sent in a time, in ms."""
    waits = sorted(wait for began, wait in list(upstream.answers) if since_s <= began < until_s)
    middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    return f"p50 {middle * 1e3:.0f} ms, p99 {late * 1e3:.0f} ms of {len(waits)}"


@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not LONG, reason="make faults")
def test_a_long_outage_fills_the_spill_log_to_its_bound_refuses_and_is_caught_up_with(
    tmp_path: Path,
) -> None:
    storage = {"directory": str(tmp_path / "data"), "spill_bytes": SPILL_BYTES}
    with back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {"storage": storage})
        upstream = Upstream(life.places.grpc, RATE, life.places.page)
        scraper = Scraper(f"http://{life.places.metrics}")
        service = life.start()
        upstream.start()
        scraper.start()
        until(lambda: upstream.finished.total() > 600, timeout_s=120, what="steady load")
        gone_s = time.monotonic()
        downstream.away.set()
        until(lambda: upstream.refusals.total() > 20, timeout_s=600, what="refusals")
        most = spilled(life)
        assert most <= SPILL_BYTES
        assert set(upstream.refusals) == {"UNAVAILABLE"}
        back_s = time.monotonic()
        downstream.away.clear()
        until(lambda: spilled(life) < most // 10, timeout_s=300, what="the backlog to leave")
        left_s = time.monotonic() - back_s
        until(lambda: time.monotonic() > back_s + 20, what="steady load")
        sys.stdout.write(
            f"spilled {most} bytes in {back_s - gone_s:.0f} s, gone after {left_s:.1f} s; answers: "
            f"before {quantiles(upstream, 0, gone_s)}; away {quantiles(upstream, gone_s, back_s)}; "
            f"5 s after {quantiles(upstream, back_s, back_s + 5)}; "
            f"then {quantiles(upstream, back_s + 5, back_s + 20)}\n"
        )
        upstream.finish(120)
        expected = expectation(upstream)
        until(lambda: standing(scraper) == expected, timeout_s=120, what="all to be counted")
        until(
            lambda: upstream.acknowledged.keys() <= downstream.copies.keys(),
            timeout_s=120,
            what="all spans to arrive",
        )
        assert scraper.falls == []
        service.stop()
        scraper.finish()
