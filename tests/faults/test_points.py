"""A kill, or an error, at the n-th write or flush of a store: what was told is there afterwards.

Every life begins with what a killed one left, and is of the next format: so its points are those
of recovery, migration, writing anew, commits, checkpoints, appends, marks and expiry. They are
found by counting the calls of a whole life under strace, of each store by itself; then one life
each ends at its point. The life after it must find everything its predecessors told of.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from faults.committer import KEPT_RUNS

COMMITTER = Path(__file__).with_name("committer.py")
CALLS = ("pwrite64", "fdatasync", "write", "ftruncate", "rename", "unlink", "fsync")
SEGMENTS = [f"spill/sink/{number:010}.seg" for number in range(1, 9)]
STORES = {
    "journal": ["journal.sqlite", "journal.sqlite-wal", "journal.fresh.sqlite", "."],
    "spill": [*SEGMENTS, "spill/sink", "spill"],
    "ledger": ["ledger.sqlite", "ledger.sqlite-wal"],
}
EVERY = int(os.environ.get("FAULTS_EVERY", "150"))
"""Every which point is tried; `make faults` tries all."""
LEFT_AT = 30
"""At which write to the journal the life ends whose remains all others begin with."""


class Point(NamedTuple):
    """The n-th call of some kind on the files of a store."""

    store: str
    call: str
    number: int


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace not found")
    probe = [found, "-f", "-o", os.devnull, "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        pytest.skip("strace may not trace here")
    return found


def lived(folder: Path, *before: str, newer: bool = True) -> list[str]:
    """The lines of one life."""
    command = [*before, sys.executable, str(COMMITTER), str(folder), *["--next"] * newer]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout.splitlines()


def tracing(strace: str, folder: Path, store: str, log: str = os.devnull) -> list[str]:
    """strace for the calls on the files of one store."""
    paths = [f"-P{folder / name}" for name in STORES[store]]
    return [strace, "-f", "-qq", "-o", log, *paths]


def traced(strace: str, folder: Path, what: str, point: Point, *, newer: bool = True) -> list[str]:
    """The lines of a life that meets `what` at a point."""
    inject = f"inject={point.call}:{what}:when={point.number}"
    return lived(folder, *tracing(strace, folder, point.store), "-e", inject, newer=newer)


@pytest.fixture(scope="module")
def remains(strace: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder as a whole life and a killed one left it, and what they told of."""
    folder = tmp_path_factory.mktemp("remains") / "data"
    told = lived(folder, newer=False)
    assert told[-1] == "end"
    killed = Point("journal", "pwrite64", LEFT_AT)
    told += traced(strace, folder, "signal=SIGKILL", killed, newer=False)
    assert told[-1] != "end"
    return folder, told


def points(strace: str, folder: Path) -> Iterator[Point]:
    """Every call of a life that begins with these remains, as strace counts: by thread."""
    for store in STORES:
        copy = folder.with_name(f"counted-{store}")
        shutil.copytree(folder, copy)
        log = folder.with_name(f"{store}.strace")
        only = f"trace={','.join(CALLS)}"
        assert lived(copy, *tracing(strace, copy, store, str(log)), "-e", only)[-1] == "end"
        calls = re.findall(r"^(\d+) +(\w+)\(", log.read_text(errors="replace"), re.MULTILINE)
        found: dict[str, int] = {}
        for (_, call), number in Counter(calls).items():
            found[call] = max(number, found.get(call, 0))
        for call in CALLS:
            yield from (Point(store, call, n) for n in range(1, found.get(call, 0) + 1))
        shutil.rmtree(copy)


def check(told: list[str], after: list[str]) -> None:
    """Everything the life told of is there in the next one."""
    delivered = {line.split()[1] for line in told if line.startswith("delivered")}
    rows = [int(line.split()[1]) for line in told if line.startswith("ledger")]
    newest = max(rows, default=0)
    for line in told:
        kind, *rest = line.split()
        if kind == "journal":
            number = int(rest[0])
            expected = f"has journal {number} {number.to_bytes(8, 'big').hex()}"
            assert expected in after, (line, after[:5])
        elif kind == "spill" and rest[0] not in delivered:
            assert f"has spill {rest[0]}" in after, (line, after[:5])
        elif kind == "ledger" and int(rest[0]) > newest + 1 - KEPT_RUNS:
            assert f"has ledger {rest[0]}" in after, (line, after[:5])
    assert "ready" in after and after[-1] == "end", after[-5:]
    assert not [line for line in after if line.startswith("trouble")], after


@pytest.mark.timeout(6_000)
@pytest.mark.parametrize("what", ["signal=SIGKILL", "error=EIO", "error=ENOSPC"])
def test_whatever_happens_at_a_write_or_flush_what_was_told_is_there(
    tmp_path: Path, strace: str, remains: tuple[Path, list[str]], what: str
) -> None:
    source, before = remains
    counted = list(points(strace, shutil.copytree(source, tmp_path / "source")))
    offset = {"signal=SIGKILL": 0, "error=EIO": 8, "error=ENOSPC": 16}[what] % EVERY
    tried = counted[offset::EVERY]
    assert len(tried) > 2
    ended = 0
    for point in tried:
        folder = shutil.copytree(source, tmp_path / "data")
        told = traced(strace, folder, what, point)
        ended += not told or told[-1] != "end"
        again = lived(folder)
        try:
            check(before + told, again)
        except AssertionError as error:
            error.add_note(f"{what} at {point}")
            raise
        shutil.rmtree(folder)
    sys.stdout.write(f"{what}: {len(tried)} of {len(counted)} points, {ended} lives cut short\n")
    assert ended > 0
