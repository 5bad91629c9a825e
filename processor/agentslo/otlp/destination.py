"""One place OTLP is forwarded to, with its own queue, retries and account: a fault domain.

In: payloads (whole export requests) offered by the pipeline. Out: joined requests through a
`Sender`; each offer's future says how it ended. State: the queue, bounded in bytes and payloads,
and at most `senders` requests in flight. Source: OTLP specification ("Failures"), reliability.md
F8-F14.

Payloads are joined by putting their bytes one behind the other, which protobuf defines for repeated
fields. A payload leaves at once where nothing is in flight and payloads come seldom; else it waits
for company, at most `JOIN_WAIT_S`: a request costs as much as some fifty spans. A refusal that one
payload may have caused for all is taken apart again: what joining put at risk is sent again in
halves.
"""

import asyncio
import logging
import random

from agentslo.config.transport import DestinationOptions
from agentslo.otlp.answer import Signal
from agentslo.otlp.parts import Part, halves
from agentslo.otlp.send import SendCode, Sender, SendResult
from agentslo.otlp.send_queue import Delivery, Parcel, SendQueue
from agentslo.otlp.tally import DestinationStats, Tally

logger = logging.getLogger(__name__)

RETRY_AFTER_LIMIT_S = 300.0
"""Longest pause a peer can ask for; one wrong header must not stop forwarding for a day."""
JOIN_WAIT_S = 0.005
"""Longest time a payload waits for company."""
OFTEN_S = JOIN_WAIT_S / 4
"""Payloads that come closer than this, on average, are from several senders: one that waits for
each answer is not made to wait for company that cannot come."""
GAP_WEIGHT, GAP_MOST_S = 0.1, 0.1
BACKOFF_DOUBLINGS = 30
"""Beyond it the exponent would only overflow."""


class QueueFull(Exception):
    """The destination holds all it may; ask the client to send again."""


class DestinationClosed(Exception):
    """The destination closed before the payload was settled; it may or may not have arrived."""


class Destination:
    """Queue, senders and account of one destination."""

    def __init__(self, options: DestinationOptions, sender: Sender) -> None:
        self.name = options.name
        self.forward = options.forward
        self.primary = options.primary
        self._options = options
        self._sender = sender
        self._queue = SendQueue()
        self._tally = Tally()
        self._held_bytes = 0
        self._held_requests = 0
        self._batches: list[list[Parcel]] = []
        self._open = self._closed = self._looking = False
        self._alarm: asyncio.TimerHandle | None = None
        self._sent_s = self._came_s = 0.0
        self._gap_s = GAP_MOST_S
        self._empty = asyncio.Event()
        self._empty.set()
        self._recovered = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def stats(self) -> DestinationStats:
        """The account as of now."""
        tally = self._tally
        heads = [batch[0] for batch in self._batches]
        waiting = self._queue.oldest()
        if waiting is not None:
            heads.append(waiting)
        now_s = asyncio.get_running_loop().time()
        return DestinationStats(
            offered=dict(tally.offered),
            forwarded=dict(tally.forwarded),
            queued=dict(tally.queued),
            dropped=dict(tally.dropped),
            sent_requests=tally.sent_requests,
            sent_bytes=tally.sent_bytes,
            retries=tally.retries,
            faults=tally.faults,
            in_flight=len(self._batches),
            held_requests=self._held_requests,
            held_bytes=self._held_bytes,
            oldest_age_s=max((now_s - parcel.arrived_s for parcel in heads), default=0.0),
        )

    @property
    def used(self) -> float:
        """How much of the queue is in use, 0 to 1 and beyond."""
        options = self._options
        in_bytes = self._held_bytes / options.queue_bytes
        return max(in_bytes, self._held_requests / options.queue_requests)

    def room(self, size_bytes: int) -> bool:
        """Whether a payload of this size would be taken; one always is when nothing is held."""
        if self._held_requests == 0:
            return True
        return (
            self._held_bytes + size_bytes <= self._options.queue_bytes
            and self._held_requests < self._options.queue_requests
        )

    def offer(
        self, signal: Signal, payload: bytes, items: int, *, must_queue: bool = False
    ) -> asyncio.Future[Delivery]:
        """Take a payload; raises `QueueFull`, unless it must be queued beyond the bound."""
        if self._closed:
            raise DestinationClosed(self.name)
        if not must_queue and not self.room(len(payload)):
            raise QueueFull(self.name)
        loop = asyncio.get_running_loop()
        parcel = Parcel(
            signal=signal,
            payload=payload,
            items=items,
            arrived_s=loop.time(),
            future=loop.create_future(),
            open_items=items,
        )
        gap_s = min(parcel.arrived_s - self._came_s, GAP_MOST_S)
        self._gap_s += (gap_s - self._gap_s) * GAP_WEIGHT
        self._came_s = parcel.arrived_s
        self._tally.offer(signal, items)
        self._held_bytes += len(payload)
        self._held_requests += 1
        self._queue.put(parcel)
        self._empty.clear()
        self._look_soon()
        return parcel.future

    def withdraw(self, future: asyncio.Future[Delivery]) -> bool:
        """Forget a payload that is not in flight, because its client went away; True if so."""
        parcel = self._queue.remove(future)
        if parcel is None:
            return False
        self._settle(parcel, "withdrawn")
        future.cancel()
        return True

    def take_back(self, future: asyncio.Future[Delivery]) -> bool:
        """Undo an offer whose payload is not in flight: it is kept elsewhere; True if so."""
        parcel = self._queue.remove(future)
        if parcel is None:
            return False
        self._tally.take_back(parcel.signal, parcel.open_items)
        parcel.open_items = 0
        self._settle(parcel, "taken_back")
        future.cancel()
        return True

    async def start(self) -> None:
        """Begin to send."""
        self._open = True
        self._look_soon()

    async def drain(self, deadline_s: float) -> bool:
        """Wait until nothing is held, at most this long; True if so. Pauses are cut short."""
        self._recovered.set()
        try:
            async with asyncio.timeout(deadline_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop sending; what is left is counted as dropped, its waiters get `DestinationClosed`."""
        self._closed, self._open = True, False
        if self._alarm is not None:
            self._alarm.cancel()
        sending = tuple(self._sending)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await self._sender.close()
        left = [parcel for batch in self._batches for parcel in batch] + self._queue.take_all()
        self._batches = []
        for parcel in left:
            self._settle(parcel, "closed")
            if not parcel.future.done():
                parcel.future.set_exception(DestinationClosed(self.name))
                # Nobody has to wait for it: read once, so that asyncio does not complain.
                parcel.future.exception()

    def _look_soon(self) -> None:
        """Once the loop has handled what is ready: all that came with it goes together."""
        if self._open and not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Send what is due, and set the alarm for what is not."""
        self._looking = False
        now_s = asyncio.get_running_loop().time()
        while self._open and len(self._batches) < self._options.senders:
            oldest = self._queue.oldest()
            if oldest is None:
                return
            if self._queue.size_bytes < self._options.join_bytes:
                since_s = oldest.arrived_s if self._batches else self._sent_s
                due_s = since_s + JOIN_WAIT_S
                if due_s > now_s and (self._batches or self._gap_s < OFTEN_S):
                    self._set_alarm(due_s)
                    return
            batch = self._queue.take(self._options.join_bytes)
            self._sent_s = now_s
            self._batches.append(batch)
            task = asyncio.create_task(self._send(batch), name=f"send-{self.name}")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _set_alarm(self, when_s: float) -> None:
        if self._alarm is not None:
            if self._alarm.when() <= when_s:
                return
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(when_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._look()

    async def _send(self, batch: list[Parcel]) -> None:
        await self._carry(batch)
        self._batches.remove(batch)
        self._finish(batch)
        self._look_soon()

    async def _carry(self, batch: list[Parcel]) -> None:
        parts = [Part(parcel.payload, parcel.items, parcel) for parcel in batch]
        try:
            await self._deliver(batch[0].signal, parts)
        except Exception:
            # The worker must outlive a bug; its parcels are dropped as counted, not forgotten.
            self._tally.faults += 1
            logger.exception("destination %s: sending failed", self.name)

    def _finish(self, batch: list[Parcel]) -> None:
        for parcel in batch:
            self._settle(parcel, "fault")
            if not parcel.future.done():
                delivered = parcel.delivered
                parcel.future.set_result(Delivery.DELIVERED if delivered else Delivery.DROPPED)

    def _settle(self, parcel: Parcel, reason: str) -> None:
        """Give back what the parcel held; items nobody accounted for are dropped."""
        self._tally.drop(parcel.signal, parcel.open_items, reason)
        parcel.open_items = 0
        self._held_bytes -= len(parcel.payload)
        self._held_requests -= 1
        if self._held_requests == 0:
            self._empty.set()

    async def _deliver(self, signal: Signal, parts: list[Part]) -> None:
        result = await self._until_answered(signal, parts)
        if result.code is SendCode.OK:
            self._accepted(signal, parts, result)
            return
        smaller = self._smaller(parts, result.code)
        if smaller:
            for group in smaller:
                await self._deliver(signal, group)
            return
        for part in parts:
            self._tally.drop(signal, part.items, result.reason)
            part.parcel.open_items -= part.items

    async def _until_answered(self, signal: Signal, parts: list[Part]) -> SendResult:
        """Try until the answer is final or the payload too old."""
        body = parts[0].payload if len(parts) == 1 else b"".join(part.payload for part in parts)
        attempt = 0
        while True:
            result = await self._try(signal, body)
            if result.code is not SendCode.RETRY:
                return result
            if self._expired(parts[0].parcel):
                return SendResult(code=SendCode.REFUSED, reason="retry_deadline")
            self._tally.retries += 1
            await self._pause(attempt, result.retry_after_s)
            attempt += 1

    async def _try(self, signal: Signal, body: bytes) -> SendResult:
        try:
            return await self._sender.send(signal, body, self._options.timeout_s)
        except Exception:
            self._tally.faults += 1
            if self._tally.faults == 1:
                logger.exception("destination %s: a try raised; trying again", self.name)
            return SendResult(code=SendCode.RETRY, reason="fault")

    def _expired(self, parcel: Parcel) -> bool:
        limit_s = self._options.retry_max_elapsed_s
        age_s = asyncio.get_running_loop().time() - parcel.arrived_s
        return limit_s > 0 and age_s >= limit_s

    async def _pause(self, attempt: int, retry_after_s: float) -> None:
        """Back off with jitter; another request's success cuts it to the first step, not to 0."""
        initial_s = self._options.retry_initial_s
        longest_s = min(self._options.retry_max_s, initial_s * 2 ** min(attempt, BACKOFF_DOUBLINGS))
        jitter = random.uniform(0.5, 1.0)
        if retry_after_s > 0:
            asked_s = min(retry_after_s, RETRY_AFTER_LIMIT_S)
            await asyncio.sleep(max(asked_s, longest_s * jitter))
            return
        first_s = min(initial_s, longest_s) * jitter
        await asyncio.sleep(first_s)
        try:
            async with asyncio.timeout(longest_s * jitter - first_s):
                await self._recovered.wait()
        except TimeoutError:
            pass

    def _accepted(self, signal: Signal, parts: list[Part], result: SendResult) -> None:
        self._tally.sent_requests += 1
        self._tally.sent_bytes += sum(len(part.payload) for part in parts)
        total = sum(part.items for part in parts)
        rejected = min(result.rejected, total)
        self._tally.forward(signal, total - rejected)
        self._tally.drop(signal, rejected, "partial_success")
        for part in parts:
            part.parcel.open_items -= part.items
            part.parcel.delivered = True
        self._recovered.set()
        self._recovered = asyncio.Event()

    def _smaller(self, parts: list[Part], code: SendCode) -> list[list[Part]]:
        if code is SendCode.TOO_LARGE or (code is SendCode.INVALID and len(parts) > 1):
            return halves(parts)
        return []
