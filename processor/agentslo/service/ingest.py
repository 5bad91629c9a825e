"""From a received request to its acknowledgement.

In: raw export requests. Out: `Reply`s; spans to the dispatcher, runs to the recorder. State: none
of its own. Analysis failing never stops forwarding: the request goes on as it came, counted.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agentslo.config.transport import Ack
from agentslo.otlp.answer import ACCEPTED, Reply, ReplyCode, Signal
from agentslo.otlp.cut import CutError, Request
from agentslo.otlp.destination import DestinationClosed
from agentslo.otlp.send_queue import Delivery
from agentslo.service.dispatch import Delivered, Dispatcher, Offer
from agentslo.service.events import Happening
from agentslo.service.pipeline import Pipeline
from agentslo.service.recorder import Recorder
from agentslo.store.store import Commit

if TYPE_CHECKING:
    from agentslo.service.keeper import Keeper

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5.0
TURN_S = 0.002
"""CPU time after which a turn of the loop begins with no further request: those that come together
must not keep answers, acknowledgements and health checks waiting until all are read."""
CLOSES_AT_ONCE = 2
"""Runs that close before it is asked whether others should get the loop."""
FULL = Reply(
    code=ReplyCode.RETRY,
    message="the primary destination's queue is full",
    retry_after_s=RETRY_AFTER_S,
)
SLOW = Reply(
    code=ReplyCode.RETRY,
    message="the primary destination has not accepted the spans in time",
    retry_after_s=RETRY_AFTER_S,
)
BEHIND = Reply(
    code=ReplyCode.RETRY,
    message="the journal has not been written in time",
    retry_after_s=RETRY_AFTER_S,
)
REFUSED = Reply(
    code=ReplyCode.INVALID, message="the primary destination refused the spans for good"
)


class Intake:
    """The receivers' `Ingest`: reads, forwards, waits for the primary, answers."""

    def __init__(
        self,
        pipeline: Pipeline,
        dispatcher: Dispatcher,
        recorder: Recorder,
        acks: Mapping[str, Ack],
        ack_timeout_s: float,
        now: Callable[[], int],
        observe: Callable[[Happening], None],
        spill_after_s: float = 0.0,
        spent_s: Callable[[], float] = float,
    ) -> None:
        """`spent_s`: CPU time of this turn of the loop until now."""
        self._spent_s = spent_s
        self._spill_after_s = spill_after_s
        self._pipeline, self._dispatcher, self.recorder = pipeline, dispatcher, recorder
        self._observe = observe
        self._acks, self._ack_timeout_s, self._now = acks, ack_timeout_s, now
        self.keeper: Keeper | None = None
        self.tally: Counter[str] = Counter()
        self.requests = self.spans_received = 0
        self.passed_on: Counter[tuple[str, str]] = Counter()
        self.closed = False

    def admit(self, size_bytes: int) -> Reply | None:
        """Whether a body of this size may be read: asked before anything is decoded."""
        if self.closed or not self._dispatcher.room(size_bytes):
            return FULL
        return BEHIND if self.keeper is not None and not self.keeper.room() else None

    async def ingest(self, signal: Signal, body: bytes, listener: str) -> Reply:
        """Take one uncompressed protobuf export request."""
        kept: Commit | None = None
        self.requests += 1
        while self._spent_s() > TURN_S:  # noqa: ASYNC110 - the next turn is what is waited for
            await asyncio.sleep(0)
        try:
            if signal is Signal.TRACES:
                offers, kept = self._traces(body, listener)
            else:
                offers = self._others(signal, body)
        except CutError as error:
            return Reply(code=ReplyCode.INVALID, message=f"not an OTLP export request: {error}")
        ack = self._acks.get(listener)
        if ack == "received":
            return ACCEPTED
        if ack == "stored" and self.keeper is not None and not self.keeper.trouble:
            return await self._stored(signal, body, offers, kept)
        return await self._forwarded(body, offers)

    async def _forwarded(self, body: bytes, offers: list[Offer]) -> Reply:
        waited = next((o.future for o in offers if o.destination.primary), None)
        return ACCEPTED if waited is None else await self._acknowledged(body, waited)

    async def _stored(
        self, signal: Signal, body: bytes, offers: list[Offer], kept: Commit | None
    ) -> Reply:
        """Wait until every destination took its part or the disk has it, and for the journal."""
        waiting: set[asyncio.Future[Any]] = {offer.future for offer in offers}
        if kept is not None:
            waiting.add(kept)
        if waiting:
            await asyncio.wait(waiting, timeout=self._spill_after_s)
        # What the disk cannot take is waited for as without one.
        spilled = await self._spilled([offer for offer in offers if not offer.future.done()])
        reply = await self._forwarded(body, [o for o in offers if id(o) not in spilled])
        if reply is not ACCEPTED:
            return reply
        if kept is not None and not await self._committed(kept):
            self._dispatcher.unacknowledged(body)
            return BEHIND
        if signal is Signal.LOGS:
            await self.kept()
        return ACCEPTED

    async def _spilled(self, late: list[Offer]) -> set[int]:
        """The identities of those offers that are on disk now."""
        spilling = self.keeper.spilling if self.keeper is not None else None
        if spilling is None or not late:
            return set()
        kept = await asyncio.gather(*(spilling.keep(offer) for offer in late))
        return {id(offer) for offer, safe in zip(late, kept, strict=True) if safe}

    async def _committed(self, kept: Commit) -> bool:
        """Whether the journal has it. What it could not keep is asked for again: by then the
        promise is lowered, or the disk answers.
        """
        done, _ = await asyncio.wait((kept,), timeout=self._ack_timeout_s)
        return bool(done) and not kept.cancelled() and kept.exception() is None

    async def kept(self) -> None:
        """Wait until all that was said of runs until now is on disk."""
        if self.keeper is not None and self.keeper.behind:
            await self.keeper.flush_now()

    async def due(self) -> None:
        """Close what is over, some runs in each turn of the loop: requests are answered between."""
        now_ns, happened = self._now(), CLOSES_AT_ONCE
        while happened >= CLOSES_AT_ONCE:
            try:
                happenings = self._pipeline.due(now_ns, CLOSES_AT_ONCE)
                self.happen(happenings, now_ns)
            except Exception:  # noqa: BLE001 - a bug in closing runs must not stop the ticks
                self.fault("due")
                return
            happened = len(happenings)
            if self._spent_s() > TURN_S:
                await asyncio.sleep(0)

    def happen(self, happenings: list[Happening], now_ns: int) -> None:
        """Count and forward what the pipeline reports."""
        if self.keeper is not None:
            self.keeper.happen(happenings, now_ns)
            return
        self._dispatcher.deliver(self._dispatcher.outgoing(happenings))
        for happening in happenings:
            self.record(happening, now_ns)

    def record(self, happening: Happening, now_ns: int) -> None:
        """Count one happening. A bug in counting is itself counted."""
        try:
            self.recorder.record(happening, now_ns)
            self._observe(happening)
        except Exception:  # noqa: BLE001 - a bug in counting must not stop forwarding
            self.fault("record")

    def _traces(self, body: bytes, listener: str) -> tuple[list[Offer], Commit | None]:
        now_ns = self._now()
        try:
            fed = self._pipeline.traces(body, now_ns, listener)
        except CutError:
            raise
        except Exception:  # noqa: BLE001 - a bug in the analysis must not stop forwarding
            self.fault("traces")
            spans = sum(len(batch.items) for batch in Request(body).batches)
            self.spans_received += spans
            return self._dispatcher.send_untouched(body, spans), None
        self.spans_received += fed.spans
        offers = self._dispatcher.send(fed, body)
        if self.keeper is not None:
            return offers, self.keeper.request(fed)
        self.happen(fed.happenings, now_ns)
        return offers, None

    def _others(self, signal: Signal, body: bytes) -> list[Offer]:
        if signal is Signal.LOGS:
            now_ns = self._now()
            try:
                self.happen(self._pipeline.heard.logs(body, now_ns), now_ns)
            except CutError:
                raise
            except Exception:  # noqa: BLE001 - a bug in the analysis must not stop forwarding
                self.fault("logs")
        else:
            Request(body)
        offers = self._dispatcher.pass_on(signal, body)
        self.passed_on[signal.value, "forwarded" if offers else "discarded"] += 1
        return offers

    def fault(self, stage: str) -> None:
        """Count a bug of ours, in an `except` block; what was being done goes on without it."""
        self.tally[stage] += 1
        if self.tally[stage] == 1:
            # Only the first: a fault on every request would drown the log; the counter tells.
            logger.exception(  # noqa: LOG004 - called in `except` blocks only
                "analysis failed in stage %s; spans are passed on", stage
            )

    async def _acknowledged(self, body: bytes, waited: Delivered) -> Reply:
        """Wait for the primary; what it did not take in time is asked for again."""
        alarm = asyncio.get_running_loop().call_later(self._ack_timeout_s, _too_late, waited)
        try:
            # Not shielded, nor in a timeout of its own: nobody else waits for this delivery, and
            # this is done for every request.
            delivery = await waited
        except (TimeoutError, DestinationClosed):
            self._give_back(body, waited)
            return SLOW
        except asyncio.CancelledError:
            self._give_back(body, waited)
            raise
        finally:
            alarm.cancel()
        return ACCEPTED if delivery is Delivery.DELIVERED else REFUSED

    def _give_back(self, body: bytes, waited: Delivered) -> None:
        """The client will send again: take the payload back where it has not left yet."""
        if self._dispatcher.primary is not None:
            self._dispatcher.primary.withdraw(waited)
        self._dispatcher.unacknowledged(body)


def _too_late(waited: Delivered) -> None:
    if not waited.done():
        waited.set_exception(TimeoutError())
