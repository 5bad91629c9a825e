"""A disk that fails lowers the promise, visibly; forwarding and counting go on; it heals itself."""

import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.life import Life, expectation, standing
from faults.oracle import Scraper, Upstream, back_end
from support.wait import until

COMMAND = Path(sys.executable).with_name("agentslo")
LONG = bool(os.environ.get("FAULTS_LONG"))
ROOT = os.geteuid() == 0
SHOWN_S, HEALED_S = 15.0, 30.0
VOLUME = "4m"
Switch = Callable[[int, Path], None]
"""Takes the process and its folder: fills the disk, or frees it."""


def journal_trouble(life: Life) -> str:
    url = f"http://{life.places.metrics}/readyz"
    with urllib.request.urlopen(url, timeout=10) as reply:
        return str(json.loads(reply.read())["journal"])


def promise(life: Life) -> float:
    with urllib.request.urlopen(f"http://{life.places.metrics}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    (value,) = [x.split()[-1] for x in lines if 'processor_promise{ack="stored"}' in x]
    return float(value)


def limit_files(pid: int, _: Path) -> None:
    """No file of the process may grow any more: to it the disk is full."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))


def free_files(pid: int, _: Path) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def fill_volume(_: int, data: Path) -> None:
    """Another program takes what is left, to the last byte."""
    with (data / "ballast").open("ab", buffering=0) as ballast:
        for size in (65_536, 4_096, 1):
            try:
                while ballast.write(bytes(size)):
                    continue
            except OSError:
                continue


def free_volume(_: int, data: Path) -> None:
    (data / "ballast").unlink()


@contextmanager
def small_volume(folder: Path) -> Iterator[None]:
    """A volume of a few MiB at a folder; skips where none may be mounted."""
    folder.mkdir(mode=0o700)
    options = f"size={VOLUME},mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount(8)")
    if done.returncode != 0:
        pytest.skip(f"no volume may be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def heals(folder: Path, fill: Switch, free: Switch) -> None:
    """The whole course of a full disk."""
    with back_end() as downstream:
        life = Life(COMMAND, folder, downstream, {})
        upstream = Upstream(life.places.grpc, 20, life.places.page)
        scraper = Scraper(f"http://{life.places.metrics}")
        service = life.start()
        upstream.start()
        scraper.start()
        until(lambda: upstream.finished.total() > 10, timeout_s=60, what="some runs")
        fill(service.process.pid, folder / "data")
        until(lambda: journal_trouble(life), timeout_s=SHOWN_S, what="the fault to be shown")
        assert promise(life) == 0
        began, seen = time.monotonic(), upstream.finished.total()
        until(lambda: upstream.finished.total() > seen + 20, timeout_s=60, what="runs to go on")
        assert time.monotonic() - began < 60
        free(service.process.pid, folder / "data")
        until(lambda: not journal_trouble(life), timeout_s=HEALED_S, what="storage to resume")
        assert promise(life) == 1
        # What it knows is on disk again: a kill now costs nothing.
        service.kill()
        service = life.start()
        upstream.finish(60)
        expected = expectation(upstream)
        until(lambda: standing(scraper) == expected, timeout_s=60, what="all runs to be counted")
        until(
            lambda: upstream.acknowledged.keys() <= downstream.copies.keys(),
            timeout_s=30,
            what="all spans to arrive",
        )
        assert not scraper.falls
        service.stop()
        scraper.finish()


@pytest.mark.skipif(ROOT and not LONG, reason="make faults; here a volume shows the same")
def test_a_full_disk_is_told_forwarding_goes_on_and_storage_resumes_without_a_restart(
    tmp_path: Path,
) -> None:
    heals(tmp_path, limit_files, free_files)


def test_so_does_a_full_volume_that_another_program_filled(tmp_path: Path) -> None:
    with small_volume(tmp_path / "data"):
        heals(tmp_path, fill_volume, free_volume)


@pytest.mark.skipif(not LONG, reason="make faults")
def test_a_volume_that_we_fill_ourselves_is_met_by_our_own_bound_and_a_restart_goes_on(
    tmp_path: Path,
) -> None:
    runs = {"quiet_s": 500, "quiet_single_s": 500, "idle_s": 600, "hold_max_s": 60}
    with small_volume(tmp_path / "data"), back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {"runs": runs})
        upstream = Upstream(life.places.grpc, 200)
        service = life.start()
        upstream.start()
        # Runs stay open: what is kept of them grows until the journal is full.
        until(lambda: journal_trouble(life), timeout_s=120, what="the journal to be full")
        assert "full" in journal_trouble(life)
        used = os.statvfs(tmp_path / "data")
        assert used.f_bavail > 0
        seen = upstream.finished.total()
        until(lambda: upstream.finished.total() > seen + 20, timeout_s=60, what="runs to go on")
        upstream.finish(60)
        service.kill()
        service = life.start()
        assert journal_trouble(life) == ""
        service.stop()
