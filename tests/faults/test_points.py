"""A kill, or an error, at the n-th write or flush of the store: what was told is there afterwards.

The points are found by counting the calls of a whole life under strace, then one life each ends
at its point: in a commit, a checkpoint, the writing anew at start, an append, a mark. The life
after it must find everything its predecessors told of.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMITTER = Path(__file__).with_name("committer.py")
CALLS = ("pwrite64", "fdatasync", "write", "ftruncate", "rename", "unlink", "fsync")
EVERY = int(os.environ.get("FAULTS_EVERY", "150"))
"""Every which point is tried; `make faults` tries all."""


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace not found")
    probe = [found, "-f", "-o", os.devnull, "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        pytest.skip("strace may not trace here")
    return found


def lived(folder: Path, *before: str) -> list[str]:
    """The lines of one life."""
    command = [*before, sys.executable, str(COMMITTER), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout.splitlines()


def traced(strace: str, folder: Path, call: str, what: str, point: int) -> list[str]:
    """The lines of a life that meets `what` at the n-th call on a file of the folder."""
    inject = f"inject={call}:{what}:when={point}"
    paths = [f"-P{folder / name}" for name in ("journal.sqlite", "journal.sqlite-wal")]
    paths += [f"-P{folder / 'spill' / f'{number:010}.seg'}" for number in (1, 2, 3)]
    paths += [f"-P{folder}", f"-P{folder / 'spill'}"]
    return lived(folder, strace, "-f", "-qq", "-o", os.devnull, *paths, "-e", inject)


def counted(strace: str, folder: Path) -> dict[str, int]:
    """How many of each call two lives make."""
    log = folder.with_suffix(".strace")
    lived(folder)
    folder_calls = ",".join(CALLS)
    lived(folder, strace, "-f", "-y", "-o", str(log), "-e", f"trace={folder_calls}")
    found = dict.fromkeys(CALLS, 0)
    for line in log.read_text(errors="replace").splitlines():
        call = re.match(r"\d+ +(\w+)\(", line)
        if call and str(folder) in line and call.group(1) in found:
            found[call.group(1)] += 1
    return found


def check(told: list[str], after: list[str]) -> None:
    """Everything the life told of is there in the next one."""
    delivered = {line.split()[1] for line in told if line.startswith("delivered")}
    for line in told:
        kind, *rest = line.split()
        if kind == "journal":
            number = int(rest[0])
            expected = f"has journal {number} {number.to_bytes(8, 'big').hex()}"
            assert expected in after, (line, after[:5])
        elif kind == "spill" and rest[0] not in delivered:
            assert f"has spill {rest[0]}" in after, (line, after[:5])
    assert "ready" in after and after[-1] == "end", after[-5:]
    assert not [line for line in after if line.startswith("trouble")], after


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("what", ["signal=SIGKILL", "error=EIO", "error=ENOSPC"])
def test_whatever_happens_at_a_write_or_flush_what_was_told_is_there(
    tmp_path: Path, strace: str, what: str
) -> None:
    calls = counted(strace, tmp_path / "counted")
    points = [(call, n) for call, number in calls.items() for n in range(1, number + 1)]
    offset = {"signal=SIGKILL": 0, "error=EIO": 8, "error=ENOSPC": 16}[what] % EVERY
    tried = points[offset::EVERY]
    assert len(tried) > 2
    ended = 0
    for place, (call, point) in enumerate(tried):
        folder = tmp_path / f"{place}"
        told = lived(folder)
        told += traced(strace, folder, call, what, point)
        ended += told[-1] != "end"
        again = lived(folder)
        check(told, again)
        shutil.rmtree(folder)
    sys.stdout.write(f"{what}: {len(tried)} of {len(points)} points, {ended} lives cut short\n")
    assert ended > 0
