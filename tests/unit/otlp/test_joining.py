"""A payload leaves at once where nothing left lately; else it waits a moment for company."""

import asyncio

from agentslo.config.transport import DestinationOptions
from agentslo.otlp.answer import Signal
from agentslo.otlp.destination import JOIN_WAIT_S, Destination
from agentslo.otlp.send import SendCode, SendResult


class Slow:
    """A peer that answers when told."""

    def __init__(self):
        self.bodies, self.answer = [], asyncio.Event()

    async def send(self, signal, body, timeout_s):
        self.bodies.append(body)
        await self.answer.wait()
        return SendResult(code=SendCode.OK)

    async def close(self):
        pass


async def started(**options):
    peer = Slow()
    destination = Destination(DestinationOptions(name="d", endpoint="", **options), peer)
    await destination.start()
    return destination, peer


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_comes_in_one_turn_of_the_loop_leaves_together():
    destination, peer = await started()
    for payload in (b"a", b"b", b"c"):
        destination.offer(Signal.TRACES, payload, 1)
    await turns()
    assert peer.bodies == [b"abc"]
    await destination.close()


async def test_what_comes_while_one_is_in_flight_leaves_together_when_it_is_answered():
    destination, peer = await started()
    destination.offer(Signal.TRACES, b"a", 1)
    await turns()
    for payload in (b"b", b"c"):
        destination.offer(Signal.TRACES, payload, 1)
        await turns()
    assert peer.bodies == [b"a"]
    peer.answer.set()
    assert await destination.drain(5)
    assert peer.bodies == [b"a", b"bc"]
    await destination.close()


async def test_what_several_senders_send_leaves_together_though_each_is_answered_at_once():
    destination, peer = await started()
    peer.answer.set()
    for _ in range(200):
        destination.offer(Signal.TRACES, b"a", 1)
        await turns()
    assert await destination.drain(5)
    assert sum(map(len, peer.bodies)) == 200
    assert len(peer.bodies) < 150
    await destination.close()


async def test_a_sender_that_waits_for_each_answer_does_not_wait_for_company():
    destination, peer = await started()
    peer.answer.set()
    for number in range(20):
        await asyncio.sleep(JOIN_WAIT_S / 2)
        destination.offer(Signal.TRACES, b"a", 1)
        await turns()
        assert peer.bodies == [b"a"] * (number + 1), "it left within some turns of the loop"
    await destination.close()


async def test_nothing_waits_longer_than_a_moment_for_a_slow_answer():
    destination, peer = await started()
    destination.offer(Signal.TRACES, b"a", 1)
    await turns()
    destination.offer(Signal.TRACES, b"b", 1)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while len(peer.bodies) < 2:
        await asyncio.sleep(0)
    assert loop.time() - began_s >= JOIN_WAIT_S / 2
    assert peer.bodies == [b"a", b"b"]
    await destination.close()


async def test_a_full_request_does_not_wait():
    destination, peer = await started(join_bytes=4)
    destination.offer(Signal.TRACES, b"a", 1)
    await turns()
    destination.offer(Signal.TRACES, b"bbbb", 1)
    await turns()
    assert peer.bodies == [b"a", b"bbbb"]
    await destination.close()


async def test_no_more_are_in_flight_than_allowed():
    destination, peer = await started(join_bytes=1, senders=2)
    for payload in (b"a", b"b", b"c"):
        destination.offer(Signal.TRACES, payload, 1)
        await turns()
    await asyncio.sleep(3 * JOIN_WAIT_S)
    assert peer.bodies == [b"a", b"b"]
    await destination.close()
