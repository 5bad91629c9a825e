"""Power lost at any moment: what was told is there, and every file opens."""

import asyncio
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from agentslo.store import journal as journal_module
from agentslo.store import ledger as ledger_module
from faults import committer, power
from faults.test_points import check, strace  # noqa: F401 - a fixture

STATES = int(os.environ.get("FAULTS_STATES", "40"))
"""How many states are rebuilt; `make faults` rebuilds ten at every call."""
SEED = int(os.environ.get("FAULTS_SEED", "20261129"))


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (journal_module, ledger_module):
        monkeypatch.setattr(module, "SCHEMA_VERSION", module.SCHEMA_VERSION)
    monkeypatch.setattr(ledger_module, "MIGRATIONS", ledger_module.MIGRATIONS)
    committer.be_newer()


def recorded(strace: str, folder: Path, log: Path, *more: str) -> tuple[power.Disk, list[Path]]:  # noqa: F811
    """A life of each format, one after the other."""
    logs = [log.with_suffix(".1"), log.with_suffix(".2")]
    for number, one in enumerate(logs):
        arguments = [str(committer.__file__), str(folder), *["--next"] * number, *more]
        power.record(strace, folder, one, *arguments)
    return power.Disk(folder), logs


def put(found: dict[str, bytes | None], source: Path, folder: Path) -> None:
    """Write a state to a folder of its own; SQLite makes its index of the WAL anew."""
    for name in sorted(found):
        path, data = folder / Path(name).relative_to(source), found[name]
        if data is None:
            path.mkdir(mode=0o700, exist_ok=True)
        elif not name.endswith("-shm"):
            path.write_bytes(data)


def looked(folder: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What is wrong with a state; "" where all that was told is there and opens."""
    after: list[str] = []
    monkeypatch.setattr(committer, "say", after.append)
    try:
        asyncio.run(committer.live(folder, rounds=0))
        check(told, after)
        for file in ("journal.sqlite", "ledger.sqlite"):
            with closing(sqlite3.connect(folder / file)) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    except Exception as error:  # noqa: BLE001 - whatever is wrong is what the test is for
        return f"{type(error).__name__}: {str(error)[:300]}"
    return ""


def states(
    disk: power.Disk,
    logs: list[Path],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int = STATES,
) -> tuple[int, list[str]]:
    """How many states were rebuilt, and what was wrong with which."""
    chance, calls = Random(SEED), sum(log.read_text().count("\n") for log in logs)
    made, wrong, told = 0, list[str](), list[str]()
    for call, said in enumerate(line for log in logs for line in power.replay(disk, log)):
        told += said.splitlines()
        for _ in range(_times(chance, number / calls)):
            kept = None if chance.random() < 0.3 else Random(chance.random())
            state = folder / "state"
            put(disk.found(kept), folder / "data", state)
            trouble = looked(state, told, monkeypatch)
            if trouble:
                wrong.append(f"call {call}, {'half' if kept else 'nothing'} kept: {trouble}")
            made += 1
            shutil.rmtree(state)
    return made, wrong


def _times(chance: Random, expected: float) -> int:
    return int(expected) + (chance.random() < expected % 1)


@pytest.mark.timeout(3_000)
@pytest.mark.usefixtures("newer")
def test_what_was_told_survives_power_loss_at_any_moment(
    tmp_path: Path,
    strace: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk, logs = recorded(strace, tmp_path / "data", tmp_path / "calls")
    made, wrong = states(disk, logs, tmp_path, monkeypatch)
    sys.stdout.write(f"{made} states, {len(wrong)} wrong: {wrong[:8]}\n")
    assert made > 20
    assert wrong == []


@pytest.mark.usefixtures("newer")
def test_without_a_flush_at_each_commit_the_replay_finds_what_is_missing(
    tmp_path: Path,
    strace: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk, logs = recorded(strace, tmp_path / "data", tmp_path / "calls", "--normal")
    made, wrong = states(disk, logs, tmp_path, monkeypatch, min(STATES, 400))
    sys.stdout.write(f"NORMAL: {made} states, {len(wrong)} wrong\n")
    assert any("has journal" in one for one in wrong)
