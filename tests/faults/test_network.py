"""What networks do: answers lost, stalls, half-open connections, resets, one byte a second, flaps.

The upstream's senders go on all the time. What a sick destination cannot take waits on disk; a
sound one beside it gets all at once.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.life import QUICK, Life
from faults.oracle import BackEnd, Upstream, back_end
from faults.proxy import Fault, Proxy, proxy
from support.wait import until

COMMAND = Path(sys.executable).with_name("agentslo")
LONG = bool(os.environ.get("FAULTS_LONG"))
"""Under `make faults`: every fault of a network, and half an hour of flaps."""
UP_S, DOWN_S = 3.0, 7.0
FLAPS = int(os.environ.get("FAULTS_FLAPS", "180"))
SICK = [Fault.HALF_OPEN, Fault.STALL, Fault.SLOW, Fault.RESET] if LONG else [Fault.HALF_OPEN]
RATE = 20.0
SENDERS = 2
DEADLINE = {**QUICK, "timeout_s": 1, "senders": SENDERS}


@dataclass
class World:
    """A service between an upstream and two destinations, the first behind a proxy."""

    upstream: Upstream
    sick: BackEnd
    network: Proxy
    sound: BackEnd

    def sent(self) -> int:
        """How many runs were acknowledged in full."""
        return self.upstream.finished.total()

    def more(self, runs: int) -> None:
        """Wait until so many more runs were acknowledged."""
        seen = self.sent()
        until(lambda: self.sent() >= seen + runs, timeout_s=60, what="runs to be acknowledged")

    def all_arrive(self, back_end: BackEnd, timeout_s: float = 60) -> None:
        """Wait until a destination has all that was acknowledged until now."""
        with self.upstream._lock:
            now = set(self.upstream.acknowledged)
        until(
            lambda: now <= back_end.copies.keys(),
            timeout_s=timeout_s,
            what="what was acknowledged to arrive",
        )


@contextmanager
def world(folder: Path, senders: int = SENDERS, **other: str) -> Iterator[World]:
    """The service under load until the block ends; then everything must be everywhere."""
    with back_end() as sick, back_end() as sound, proxy(sick.address) as network:
        first = {"name": "sick", "endpoint": network.address, "primary": True, **DEADLINE}
        first["senders"] = senders
        more = [{"name": n, "endpoint": e, **DEADLINE} for n, e in other.items()]
        beside = {"name": "sound", "endpoint": sound.address, **DEADLINE}
        life = Life(COMMAND, folder, sick, {"destinations": [first, beside, *more]})
        upstream = Upstream(life.places.grpc, RATE)
        service = life.start()
        upstream.start()
        yield (one := World(upstream, sick, network, sound))
        network.fault = Fault.NONE
        upstream.finish(60)
        one.all_arrive(sick)
        one.all_arrive(sound)
        service.stop()


def test_lost_answers_make_as_many_duplicates_and_lose_nothing(tmp_path: Path) -> None:
    # One sender: an answer that is lost takes its connection along, and what else is on it.
    with world(tmp_path, senders=1) as one:
        one.more(5)
        one.network.fault = Fault.DROP_ANSWERS
        one.more(10)
        until(lambda: one.network.answers_lost >= 10, what="answers to be lost")
        one.network.fault = Fault.NONE
        one.more(5)
    again = sum(count - 1 for count in one.sick.requests.values())
    assert again == one.network.answers_lost
    copies = [set(found) for found in one.sick.copies.values()]
    assert all(len(found) == 1 for found in copies)
    assert max(map(len, one.sound.copies.values())) == 1


@pytest.mark.parametrize("fault", SICK)
def test_a_sick_network_holds_up_neither_senders_nor_a_sound_destination(
    tmp_path: Path, fault: Fault
) -> None:
    with world(tmp_path) as one:
        one.more(5)
        one.network.fault = fault
        began = time.monotonic()
        one.more(10)
        one.all_arrive(one.sound, timeout_s=30)
        # Deadlines fired, and the same few slots were used again.
        assert one.network.connections < 20 + 10 * (time.monotonic() - began)
        assert one.upstream.refusals.total() == 0


@pytest.mark.skipif(not LONG, reason="make faults")
def test_a_stalled_tls_handshake_holds_up_nobody(tmp_path: Path) -> None:
    with back_end() as nobody, proxy(nobody.address) as deaf:
        deaf.fault = Fault.STALL
        with world(tmp_path, deaf=f"https://{deaf.address}") as one:
            one.more(20)
            one.all_arrive(one.sound, timeout_s=30)
            assert one.upstream.refusals.total() == 0
            assert deaf.connections > 0


@pytest.mark.skipif(not LONG, reason="make faults")
@pytest.mark.timeout(600 + 12 * FLAPS)
def test_a_destination_that_flaps_gets_all_without_a_storm_of_retries(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        one.more(5)
        began, before = time.monotonic(), one.network.connections
        for _ in range(FLAPS):
            one.network.fault = Fault.REFUSE
            time.sleep(DOWN_S)
            one.network.fault = Fault.NONE
            time.sleep(UP_S)
        took_s = time.monotonic() - began
        tries = one.network.connections - before
        sys.stdout.write(f"{FLAPS} flaps in {took_s:.0f} s: {tries} connections\n")
        # A channel waits half a second before it connects again.
        assert tries <= FLAPS * (2 + DOWN_S / 0.3)
        assert one.upstream.refusals.total() == 0
