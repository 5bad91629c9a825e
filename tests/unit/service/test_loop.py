"""The loop's turns are measured, and garbage is looked for while nothing comes."""

import asyncio
import gc
from time import thread_time

import pytest

from agentslo.service.garbage import BUSY_EVERY_S, IDLE_EVERY_S, Garbage
from agentslo.service.stall import WINDOW_S, Longest, Stall


def test_a_turn_that_keeps_the_loop_is_measured_in_cpu_time():
    stall = Stall()

    async def keep(busy_s):
        await asyncio.sleep(0)
        until_s = thread_time() + busy_s
        while thread_time() < until_s:
            pass
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=stall.loop) as runner:
        runner.run(keep(0.05))
    assert stall.cpu.longest_s >= 0.05
    assert stall.wall.longest_s >= 0.05


def test_waiting_is_no_turn():
    stall = Stall()
    with asyncio.Runner(loop_factory=stall.loop) as runner:
        runner.run(asyncio.sleep(0.3))
    assert stall.cpu.longest_s < 0.3


def test_the_longest_is_forgotten_after_the_next_full_minute():
    longest = Longest()
    longest.note(3.0, 10.0)
    longest.note(1.0, 10.0 + WINDOW_S + 1)
    assert longest.longest_s == 3.0
    longest.note(0.5, 10.0 + 2 * WINDOW_S + 2)
    assert longest.longest_s == 1.0


@pytest.fixture
def looks(monkeypatch):
    """When everything was looked at; the collector of the tests stays as it is."""
    seen = []
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "collect", lambda: seen.append(None))
    return seen


def test_garbage_is_looked_for_while_idle_and_seldom_while_busy(looks):
    garbage = Garbage()
    garbage.begin(0.0)
    assert len(looks) == 1
    garbage.tick(IDLE_EVERY_S + 1, requests=5)
    assert len(looks) == 1, "requests came since the last tick"
    garbage.tick(IDLE_EVERY_S + 2, requests=5)
    assert len(looks) == 2, "none came"
    garbage.tick(IDLE_EVERY_S + 3, requests=5)
    assert len(looks) == 2, "not so soon again"
    garbage.tick(IDLE_EVERY_S + 2 + BUSY_EVERY_S, requests=6)
    assert len(looks) == 3, "at the latest then"
