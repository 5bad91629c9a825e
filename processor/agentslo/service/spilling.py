"""What a destination does not take in time goes to disk, and comes back when it takes again.

In: offers that are late. Out: whether they are on disk; and the same requests again, oldest first,
while less than half of the destination's queue is in use: live requests have the other half. State:
one spill log and one task for each destination, each its own fault domain.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from agentslo.otlp.answer import Signal
from agentslo.otlp.destination import Destination, DestinationClosed
from agentslo.service.dispatch import Delivered, Offer
from agentslo.store.spill import Spill, Spilled

logger = logging.getLogger(__name__)

LOOK_S = 0.1
RETRY_S = 5.0
SHARE = 0.5
"""Of a destination's queue, for what comes back from disk."""
_SIGNALS = tuple(Signal)


class Spilling:
    """Owned by the event loop."""

    def __init__(self, spills: Mapping[str, Spill], now: Callable[[], int]) -> None:
        self._spills, self._now = spills, now
        self._tasks: list[asyncio.Task[None]] = []
        self._late: set[asyncio.Task[None]] = set()

    def start(self, destinations: tuple[Destination, ...]) -> None:
        """Begin to bring back what is on disk."""
        for one in destinations:
            if one.name in self._spills:
                refill = self._refill(one, self._spills[one.name])
                self._tasks.append(asyncio.create_task(refill, name=f"refill-{one.name}"))

    async def stop(self) -> None:
        """Bring nothing back any more."""
        for task in (*self._tasks, *self._late):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._late, return_exceptions=True)

    async def keep(self, offer: Offer) -> bool:
        """Put a late offer on disk; True once it is there."""
        spill = self._spills.get(offer.destination.name)
        if spill is None or not spill.room(len(offer.payload)):
            return False
        number = _SIGNALS.index(offer.signal)
        spilled = await spill.store(number, offer.items, offer.payload, self._now())
        if spilled is None:
            return False
        if offer.future.done():
            self._came(spill, spilled, offer.future)
        elif offer.destination.take_back(offer.future):
            spill.put_back(spilled)
        else:
            offer.future.add_done_callback(partial(self._came, spill, spilled))
        return True

    def keep_late(self, offer: Offer, after_s: float, kept: Callable[[], None]) -> None:
        """Put an offer on disk unless it is delivered in time; then call `kept`."""

        async def late() -> None:
            await asyncio.wait((offer.future,), timeout=after_s)
            if not offer.future.done() and await self.keep(offer):
                kept()

        if offer.destination.name in self._spills:
            task = asyncio.create_task(late())
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    def _came(self, spill: Spill, spilled: Spilled, delivered: Delivered) -> None:
        """Delivered, or refused for good; where neither is known it stays on disk."""
        if not delivered.cancelled() and delivered.exception() is None:
            spill.done(spilled)

    async def _refill(self, destination: Destination, spill: Spill) -> None:
        retry_at_s = 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = asyncio.get_running_loop().time()
            if spill.trouble and now_s >= retry_at_s:
                retry_at_s = now_s + RETRY_S
                logger.warning("spill log of %s: %s; trying again", destination.name, spill.trouble)
                spill.retry()
            try:
                await self._bring_back(destination, spill)
            except DestinationClosed:
                return
            except Exception as error:  # noqa: BLE001 - files or threads may be used up for now
                what = f"{type(error).__name__}: {error}"
                logger.warning("spill log of %s cannot be read: %s", destination.name, what)
                await asyncio.sleep(RETRY_S)

    async def _bring_back(self, destination: Destination, spill: Spill) -> None:
        while destination.used < SHARE:
            spilled = spill.take()
            if spilled is None:
                return
            try:
                payload = await asyncio.to_thread(spill.read, spilled)
            except BaseException:
                spill.put_first(spilled)
                raise
            if payload is None:
                spill.done(spilled)
                continue
            signal = _SIGNALS[spilled.signal % len(_SIGNALS)]
            future = destination.offer(signal, payload, spilled.items, must_queue=True)
            future.add_done_callback(partial(self._came, spill, spilled))
