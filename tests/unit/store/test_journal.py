"""The journal's file: what was committed is there, in whatever state the file is in."""

import asyncio
import os
import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agentslo.store import store as store_module
from agentslo.store.journal import JOURNAL_FILE, Journal
from agentslo.store.store import FRESH_FILE, Found, Store, StoreInUse

MIB = 1024 * 1024
MANY = {("row", bytes([n])): os.urandom(3_000) for n in range(40)}


async def opened(folder: Path, max_bytes: int = 64 * MIB) -> Store:
    store = Store(folder, max_bytes)
    store.read()
    store.start()
    return store


async def filled(folder: Path, entries: dict = MANY) -> None:
    store = await opened(folder)
    await store.renew([])
    await store.commit(entries)
    assert store.trouble == ""
    store.stop(5)


def reread(folder: Path) -> Found:
    store = Store(folder, 64 * MIB)
    try:
        return store.read()
    finally:
        os.close(store._lock)


def bodies(found: Found) -> dict:
    return {(e.kind, e.key): e.body for e in found.entries()}


async def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    await filled(tmp_path)
    found = reread(tmp_path)
    assert bodies(found) == MANY
    assert (found.damaged, found.trouble) == (0, "")


async def test_a_group_that_puts_and_takes_back_leaves_nothing(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.renew([])
    first = store.submit({("row", b"1"): b"one", ("row", b"2"): b"two"})
    second = store.submit({("row", b"1"): None})
    await asyncio.gather(first, second)
    store.stop(5)
    assert bodies(reread(tmp_path)) == {("row", b"2"): b"two"}


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        await filled(tmp_path / "data")
    finally:
        os.umask(old)
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "data").iterdir()}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


async def test_a_second_process_is_refused_and_a_lock_left_by_a_kill_is_no_obstacle(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path)
    with pytest.raises(StoreInUse, match="give each its own folder"):
        Store(tmp_path, MIB)
    store.stop(5)
    (await opened(tmp_path)).stop(5)


async def test_any_flipped_bit_costs_at_most_what_it_hits_and_never_the_start(
    tmp_path: Path,
) -> None:
    seed = 20261123
    chance = random.Random(seed)
    await filled(tmp_path / "sound")
    sound = (tmp_path / "sound" / JOURNAL_FILE).read_bytes()
    for number in range(100):
        folder = tmp_path / f"flip-{number}"
        folder.mkdir()
        damaged = bytearray(sound)
        place = chance.randrange(len(sound))
        damaged[place] ^= 1 << chance.randrange(8)
        (folder / JOURNAL_FILE).write_bytes(damaged)
        await _starts(folder)


async def test_any_truncation_never_stops_the_start(tmp_path: Path) -> None:
    chance = random.Random(7)
    await filled(tmp_path / "sound")
    sound = (tmp_path / "sound" / JOURNAL_FILE).read_bytes()
    for number in range(100):
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        (folder / JOURNAL_FILE).write_bytes(sound[: chance.randrange(len(sound))])
        await _starts(folder)


async def _starts(folder: Path) -> None:
    """Whatever is read is what was written; a loss is told; and it can be written at once."""
    store = Store(folder, 64 * MIB, "normal")
    found = store.read()
    read = bodies(found)
    assert all(MANY.get(place) == body for place, body in read.items())
    nothing_left = (folder / JOURNAL_FILE).stat().st_size == 0 or not read
    assert read == MANY or found.damaged or found.trouble or nothing_left
    store.start()
    await store.renew(list(read.items()))
    await store.commit({("new", b""): b"new"})
    assert store.trouble == "", store.trouble
    store.stop(5)
    after = reread(folder)
    assert bodies(after) == read | {("new", b""): b"new"} and not after.trouble
    assert (folder / f"{JOURNAL_FILE}.damaged-1").exists() == bool(found.damaged or found.trouble)


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()


def newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(10_000))


@pytest.mark.parametrize(
    ("spoil", "kept"), [(foreign, True), (newer, True), (empty, False), (noise, True)]
)
async def test_a_file_that_is_not_ours_is_set_aside_untouched(
    tmp_path: Path, spoil: Callable[[Path], None], kept: bool
) -> None:
    path = tmp_path / JOURNAL_FILE
    if spoil is newer:
        await filled(tmp_path)
    spoil(path)
    before = path.read_bytes()
    store = Store(tmp_path, MIB)
    found = store.read()
    assert bool(found.trouble) == kept
    store.start()
    await store.renew([])
    await store.commit({("new", b""): b"new"})
    assert store.trouble == ""
    store.stop(5)
    aside = tmp_path / f"{JOURNAL_FILE}.damaged-1"
    assert aside.exists() == kept
    if kept and spoil is not newer:
        assert aside.read_bytes() == before
    assert bodies(reread(tmp_path)) == {("new", b""): b"new"}


async def test_a_restart_cut_short_between_two_renames_goes_on_with_the_new_file(
    tmp_path: Path,
) -> None:
    await filled(tmp_path)
    (tmp_path / JOURNAL_FILE).rename(tmp_path / FRESH_FILE)
    assert bodies(reread(tmp_path)) == MANY


async def test_a_symbolic_link_is_refused_and_set_aside(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"mine")
    (tmp_path / JOURNAL_FILE).symlink_to(target)
    store = Store(tmp_path, MIB)
    assert "symbolic link" in store.read().trouble
    store.start()
    await store.renew([])
    assert store.trouble == ""
    store.stop(5)
    assert target.read_bytes() == b"mine"


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Store]:
    store = await opened(tmp_path, MIB)
    await store.renew([])
    yield store
    store.stop(5)


async def test_a_full_journal_says_so_and_can_be_written_again_once_there_is_less(
    small: Store,
) -> None:
    await small.commit({("row", bytes([n])): os.urandom(100_000) for n in range(20)})
    assert "full" in small.trouble
    assert small.file_bytes < 3 * MIB
    await small.commit({("row", b"x"): b"x"})
    assert small.trouble
    await small.renew([(("row", b"y"), b"y")])
    assert small.trouble == ""
    await small.commit({("row", b"x"): b"x"})
    assert small.trouble == ""


async def test_a_disk_that_does_not_answer_is_told_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "COMMIT_TIMEOUT_S", 0.05)
    store = await opened(tmp_path)
    await store.renew([])
    blocked = threading.Event()
    monkeypatch.setattr(Journal, "write", lambda *_: blocked.wait(10))
    await store.commit({("row", b""): b""})
    assert "not answered" in store.trouble
    blocked.set()
    store.stop(5)


async def test_damage_in_the_log_beside_the_file_is_told_where_commits_are_lost(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path / "live")
    await store.renew([])
    for place, body in MANY.items():
        await store.commit({place: body})
    names = (JOURNAL_FILE, f"{JOURNAL_FILE}-wal")
    sound = {name: (tmp_path / "live" / name).read_bytes() for name in names}
    store.stop(5)
    chance, told = random.Random(7), 0
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        log = bytearray(sound[names[1]])
        if number:
            log[chance.randrange(32, len(log))] ^= 1 << chance.randrange(8)
        (folder / names[0]).write_bytes(sound[names[0]])
        (folder / names[1]).write_bytes(log)
        found = reread(folder)
        missing = len(MANY) - len(bodies(found))
        assert number or (missing, found.damaged) == (0, 0)
        # The last commit alone may be one that was never finished.
        assert found.damaged or missing <= 1
        assert not found.damaged or found.damaged >= missing
        told += bool(found.damaged)
    assert told > 40
