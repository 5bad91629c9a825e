"""Whatever a back end answers and clients do, the account of a destination balances."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentslo.config.transport import DestinationOptions
from agentslo.otlp.answer import Signal
from agentslo.otlp.destination import Destination, DestinationClosed, QueueFull
from agentslo.otlp.send import SendCode, SendResult
from agentslo.otlp.send_queue import Delivery
from agentslo.otlp.tally import DestinationStats

ANSWERS = [
    *(SendResult(code=SendCode.OK) for _ in range(4)),
    SendResult(code=SendCode.OK, rejected=3),
    SendResult(code=SendCode.RETRY),
    SendResult(code=SendCode.RETRY, retry_after_s=0.001),
    SendResult(code=SendCode.TOO_LARGE, reason="too_large"),
    SendResult(code=SendCode.INVALID, reason="rejected_invalid_argument"),
    SendResult(code=SendCode.REFUSED, reason="rejected_unauthenticated"),
    RuntimeError("a bug"),
]


@dataclass
class Oracle:
    """A sender that answers by a script, then always OK, and keeps what it accepted."""

    script: list[SendResult | Exception]
    accepted: list[tuple[Signal, bytes]] = field(default_factory=list)

    async def send(self, signal: Signal, body: bytes, timeout_s: float) -> SendResult:
        await asyncio.sleep(0)
        answer = self.script.pop() if self.script else ANSWERS[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, SendResult) and answer.code is SendCode.OK:
            self.accepted.append((signal, body))
        return answer

    async def close(self) -> None:
        """Nothing is open."""


def check(stats: DestinationStats) -> None:
    dropped: Counter[Signal] = Counter()
    for (signal, _), count in stats.dropped.items():
        assert count > 0
        dropped[signal] += count
    for signal in Signal:
        queued = stats.queued.get(signal, 0)
        assert queued >= 0
        assert stats.offered.get(signal, 0) == (
            stats.forwarded.get(signal, 0) + queued + dropped[signal]
        )
    assert stats.held_bytes >= 0
    assert stats.held_requests >= stats.in_flight


step = st.one_of(
    st.tuples(st.just("offer"), st.sampled_from(list(Signal)), st.integers(0, 9)),
    st.tuples(st.just("withdraw"), st.integers(0, 30), st.just(0)),
    st.tuples(st.just("yield"), st.integers(1, 9), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(step, max_size=60),
    script=st.lists(st.sampled_from(ANSWERS), max_size=60),
    senders=st.integers(1, 4),
    join=st.integers(1, 60),
    drains=st.booleans(),
)
def test_offered_is_forwarded_and_queued_and_dropped_at_any_time(
    steps: list[tuple[str, object, int]],
    script: list[SendResult | Exception],
    senders: int,
    join: int,
    drains: bool,
) -> None:
    asyncio.run(play(steps, script, senders, join, drains))


async def play(
    steps: list[tuple[str, object, int]],
    script: list[SendResult | Exception],
    senders: int,
    join: int,
    drains: bool,
) -> None:
    options = DestinationOptions(
        name="d",
        endpoint="",
        senders=senders,
        join_bytes=join,
        queue_bytes=200,
        retry_initial_s=0.0005,
        retry_max_s=0.001,
    )
    oracle = Oracle(script)
    destination = Destination(options, oracle)
    await destination.start()
    offered: list[tuple[Signal, bytes, asyncio.Future[Delivery]]] = []
    withdrawn: set[int] = set()
    for number, (what, which, items) in enumerate(steps):
        if what == "offer":
            payload = b"<%05d>" % number
            try:
                future = destination.offer(Signal(which), payload, items)  # type: ignore[arg-type]
            except QueueFull:
                assert not destination.room(len(payload))
                continue
            offered.append((Signal(which), payload, future))  # type: ignore[arg-type]
        elif what == "withdraw" and isinstance(which, int) and which < len(offered):
            if destination.withdraw(offered[which][2]):
                withdrawn.add(which)
        elif what == "yield" and isinstance(which, int):
            for _ in range(which):
                await asyncio.sleep(0)
        check(destination.stats)
        assert destination.stats.held_bytes <= 200
    if drains:
        assert await destination.drain(10)
        assert not any(destination.stats.queued.values())
    await destination.close()
    check(destination.stats)
    assert (destination.stats.held_bytes, destination.stats.held_requests) == (0, 0)
    await judge(oracle, offered, withdrawn)


async def judge(
    oracle: Oracle,
    offered: list[tuple[Signal, bytes, asyncio.Future[Delivery]]],
    withdrawn: set[int],
) -> None:
    """Each future tells the truth about its payload, and the bytes came whole and in place."""
    for place, (signal, payload, future) in enumerate(offered):
        came = sum(payload in body for of, body in oracle.accepted if of is signal)
        strays = sum(payload in body for of, body in oracle.accepted if of is not signal)
        assert strays == 0
        assert future.done()
        if place in withdrawn:
            assert future.cancelled()
            assert came == 0
            continue
        try:
            assert came == (1 if await future is Delivery.DELIVERED else 0)
        except DestinationClosed:
            assert came <= 1


@pytest.mark.parametrize("answer", ANSWERS)
async def test_every_single_answer_balances(answer: SendResult | Exception) -> None:
    destination = Destination(
        DestinationOptions(name="d", endpoint="", retry_initial_s=0.001), Oracle([answer])
    )
    destination.offer(Signal.TRACES, b"x", 5)
    await destination.start()
    assert await destination.drain(10)
    check(destination.stats)
    await destination.close()
