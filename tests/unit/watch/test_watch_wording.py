"""Another mix of known topics is found by its words; the same mix is not."""

import random

import numpy as np

from agentslo.config.options import DriftOptions
from agentslo.dialects.request import packed
from agentslo.watch.monitor import Monitor
from agentslo.watch.state import DriftState
from agentslo.watch.wording import MAX_BLOCK, MIN_BLOCK, Wording
from support.drifting import Traffic, alarms, feed

TOPICS = [[f"{letter}{n}" for n in range(60)] for letter in "abcdefgh"]
COMMON = [f"the{n}" for n in range(30)]
EVEN = (1.0,) * 8
MOVED = (4.0, 4.0, *(1.0,) * 6)


def _requests(shares: tuple[float, ...], count: int, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    return [
        packed(" ".join([*rng.choices(COMMON, k=4), *rng.choices(topic, k=3)]))
        for topic in rng.choices(TOPICS, shares, k=count)
    ]


def _deviates(wording: Wording, requests: list[bytes], block: int = 150) -> list[float]:
    found = []
    for start in range(0, len(requests), block):
        for request in requests[start : start + block]:
            wording.add(request, start + 1)
        wording.close(start + block)
        shift = wording.found()
        found.append(shift.z if shift else 0.0)
    return found


def test_the_same_mix_stays_within_noise_and_another_is_found_and_dated() -> None:
    wording = Wording(_requests(EVEN, 900, 1))

    quiet = _deviates(wording, _requests(EVEN, 900, 2))
    moved = _deviates(wording, _requests(MOVED, 900, 3))

    assert max(quiet) < 3.09
    assert moved[-1] > 4.0
    assert wording.found() is not None


def test_quiet_blocks_have_the_deviates_of_chance() -> None:
    last = [
        _deviates(Wording(_requests(EVEN, 300, seed)), _requests(EVEN, 450, 1_000 + seed))[-1]
        for seed in range(60)
    ]

    # The larger of two deviates each, so above 0 on the average and seldom above 3.
    assert np.mean(last) < 1.0
    assert max(last) < 4.0


def test_a_block_is_closed_when_it_holds_enough_and_lasted_long_enough() -> None:
    wording = Wording(_requests(EVEN, 300, 1), least_ns=1_000)
    for request in _requests(MOVED, MIN_BLOCK, 2):
        wording.add(request, 5)
    wording.close(900)
    wording.close(1_005)
    for request in _requests(MOVED, MAX_BLOCK * 3, 3):
        wording.add(request, 2_000)
    assert wording.found() is None
    wording.close(3_000)

    shift = wording.found()
    assert shift is not None
    assert (shift.requests, shift.start_ns) == (MAX_BLOCK, 2_000)


def test_a_monitor_tells_another_mix_as_a_change_of_requests() -> None:
    options = DriftOptions(baseline_runs=900, baseline_days=0, slice_runs=150, false_alarm_days=0)
    monitor, traffic = Monitor("desk", "production", options), Traffic()
    feed(monitor, traffic.runs(1_200, seed=1))
    assert monitor.standings["wording"].state is DriftState.NONE

    traffic.leaning = 0.6
    found = {d.feature: d for d in alarms(feed(monitor, traffic.runs(1_200, seed=2)))}

    assert "wording" in found
    finding = found["wording"].finding
    assert finding is not None
    assert (finding.attribution.cause, finding.bin) == ("requests", "")
