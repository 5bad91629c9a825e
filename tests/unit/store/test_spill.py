"""The spill log: what is on disk comes back, once, in whatever state the files are in."""

import random
from pathlib import Path

import pytest

from agentslo.store import spill as spill_module
from agentslo.store.spill import Spill

MIB = 1024 * 1024


def opened(folder: Path, max_bytes: int = 64 * MIB) -> Spill:
    spill = Spill(folder, max_bytes)
    spill.open()
    return spill


async def filled(folder: Path, count: int = 20) -> Spill:
    spill = opened(folder)
    for number in range(count):
        found = await spill.store(0, 1, bytes([number]) * 1_000, number + 1)
        assert found is not None
        spill.put_back(found)
    return spill


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def all_of(spill: Spill) -> list[bytes | None]:
    found = []
    while (one := spill.take()) is not None:
        found.append(spill.read(one))
    return found


async def test_what_was_stored_comes_back_after_a_restart_oldest_first(tmp_path: Path) -> None:
    (await filled(tmp_path)).stop(5)
    spill = opened(tmp_path)
    assert (spill.waiting_items, spill.oldest_ns()) == (20, 1)
    assert all_of(spill) == [bytes([number]) * 1_000 for number in range(20)]
    spill.stop(5)


async def test_what_was_delivered_does_not_come_back(tmp_path: Path) -> None:
    spill = await filled(tmp_path)
    for _ in range(10):
        spill.done(spill.take())
    spill.stop(5)
    again = opened(tmp_path)
    assert len(again.waiting) == 10
    again.stop(5)


async def test_segments_go_when_all_in_them_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill_module, "SEGMENT_BYTES", 3_500)
    spill = await filled(tmp_path)
    assert len(files(tmp_path)) == 7
    while (one := spill.take()) is not None:
        spill.done(one)
    spill.stop(5)
    assert files(tmp_path) == []


async def test_beyond_its_bound_there_is_no_room(tmp_path: Path) -> None:
    spill = opened(tmp_path, 2_500)
    assert spill.room(1_000)
    for _ in range(2):
        assert await spill.store(0, 1, bytes(1_000), 1)
    assert not spill.room(1_000)
    spill.stop(5)


async def test_a_damaged_record_costs_itself_alone_and_is_counted(tmp_path: Path) -> None:
    (await filled(tmp_path)).stop(5)
    (path,) = files(tmp_path)
    sound = path.read_bytes()
    chance = random.Random(3)
    for _ in range(100):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        spill = opened(tmp_path)
        left = all_of(spill)
        assert len(left) >= 19
        assert all(body in sound for body in left)
        # The mark of delivery is outside the checksum: flipped, its request is not sent again.
        assert len(left) == 20 or spill.damaged or damaged.count(1) != sound.count(1)
        spill.stop(5)


async def test_a_cut_end_is_no_damage(tmp_path: Path) -> None:
    (await filled(tmp_path)).stop(5)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-500])
    spill = opened(tmp_path)
    assert (len(spill.waiting), spill.damaged) == (19, 0)
    spill.stop(5)


async def test_a_disk_that_fails_is_told_and_trusted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = opened(tmp_path)

    def broken(*_: object) -> int:
        raise OSError("no space left")

    with monkeypatch.context() as failing:
        failing.setattr(spill_module.os, "fdatasync", broken)
        assert await spill.store(0, 1, b"x", 1) is None
    assert "no space" in spill.trouble
    assert not spill.room(1)
    spill.retry()
    assert await spill.store(0, 1, b"y", 2)
    spill.stop(5)
    again = opened(tmp_path)
    assert b"y" in all_of(again)
    again.stop(5)


async def test_a_full_log_has_room_again_once_all_was_delivered(tmp_path: Path) -> None:
    spill = opened(tmp_path, max_bytes=64_000)
    for _ in range(3):
        stored = 0
        while spill.room(1_000):
            spill.put_back(await spill.store(0, 1, bytes(1_000), stored))
            stored += 1
        assert stored > 50
        while (one := spill.take()) is not None:
            spill.done(one)
    assert spill.size_bytes < 8_000
    spill.stop(5)
