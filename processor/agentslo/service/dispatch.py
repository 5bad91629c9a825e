"""Who gets what: requests, released roots and verdict spans, per destination.

In: what left the pipeline. Out: offers to `Destination`s. State: per destination the spans it is
still owed (held) and those that could not be queued; digests of requests whose acknowledgement
failed, so that a retry does not reach the other destinations twice.

Account (design.md 6), over incoming spans: accepted = forwarded + queued + held + dropped.
"""

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agentslo.config.options import VerdictSpans
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import envelope
from agentslo.otlp.destination import Destination, QueueFull
from agentslo.otlp.send_queue import Delivery
from agentslo.service.enrich import verdict_span
from agentslo.service.events import Corrected, Counted, Happening, Released
from agentslo.service.pipeline import Fed

REMEMBERED = 10_000
Delivered = asyncio.Future[Delivery]


@dataclass(slots=True)
class Account:
    """What the dispatcher itself knows of a destination's spans."""

    dropped: Counter[str] = field(default_factory=Counter)
    verdict_spans: int = 0


class Dispatcher:
    """Offers payloads to every destination that wants them. Owned by the event loop."""

    def __init__(self, destinations: Sequence[Destination], verdicts: VerdictSpans) -> None:
        self.destinations = tuple(destinations)
        self.primary = next((d for d in self.destinations if d.primary), None)
        self.accounts = {d.name: Account() for d in self.destinations}
        self._verdicts = verdicts
        self._unacknowledged: OrderedDict[bytes, None] = OrderedDict()

    def room(self, size_bytes: int) -> bool:
        """Whether the primary can take a payload of this size."""
        return self.primary is None or self.primary.room(size_bytes)

    def selects(self, destination: Destination) -> bool:
        """Whether run roots and agent spans go to the destination."""
        return destination.forward in ("all", "agent")

    def send(self, fed: Fed, body: bytes) -> Delivered | None:
        """Offer what leaves of a request; gives the primary's future, None where it gets nothing.

        `body`: the request as received, sent on as it is where nothing was changed.
        """
        changed = fed.kept or any(fed.agent)
        whole = fed.request.join() if changed else body
        agent = b"".join(
            envelope(batch, items)
            for batch, items in zip(fed.request.batches, fed.agent, strict=True)
            if items
        )
        marked = sum(len(items) for items in fed.agent)
        wanted = {"all": (whole, fed.spans - fed.kept), "agent": (agent, marked)}
        repeated = self._forget(body)
        waited = None
        for destination in self.destinations:
            payload, items = wanted.get(destination.forward, (b"", 0))
            if not items or (repeated and not destination.primary):
                continue
            future = self._offer(destination, payload, items)
            waited = future if destination.primary else waited
        return waited

    def send_untouched(self, body: bytes, spans: int) -> Delivered | None:
        """Offer a request as it came: its analysis failed, its spans must not."""
        waited = None
        for destination in self.destinations:
            if self.selects(destination):
                future = self._offer(destination, body, spans)
                waited = future if destination.primary else waited
        return waited

    def pass_on(self, signal: Signal, body: bytes) -> Delivered | None:
        """Offer a logs or metrics request to the primary, where it takes everything."""
        if self.primary is None or self.primary.forward != "all":
            return None
        return self.primary.offer(signal, body, 1, must_queue=True)

    def _offer(self, destination: Destination, payload: bytes, items: int) -> Delivered | None:
        try:
            # The primary's room was asked for before the request was read.
            return destination.offer(Signal.TRACES, payload, items, must_queue=destination.primary)
        except QueueFull:
            self.accounts[destination.name].dropped["queue_full"] += items
            return None

    # ---- retries

    def unacknowledged(self, body: bytes) -> None:
        """The client was told to send this request again."""
        self._unacknowledged[hashlib.blake2b(body, digest_size=16).digest()] = None
        while len(self._unacknowledged) > REMEMBERED:
            self._unacknowledged.popitem(last=False)

    def _forget(self, body: bytes) -> bool:
        """True where the request is a retry of one the other destinations already have."""
        if not self._unacknowledged:
            return False
        digest = hashlib.blake2b(body, digest_size=16).digest()
        if digest not in self._unacknowledged:
            return False
        del self._unacknowledged[digest]
        return True

    # ---- what happens later

    def follow(self, happenings: Iterable[Happening]) -> None:
        """Send released roots and verdict spans."""
        for happening in happenings:
            if isinstance(happening, Released):
                self._release(happening)
            elif isinstance(happening, Counted):
                self._verdict(happening)
            else:
                self._correction(happening)

    def _release(self, released: Released) -> None:
        payload = envelope(released.span.batch, [released.span.encoded + released.added])
        for destination in self.destinations:
            if self.selects(destination):
                destination.offer(Signal.TRACES, payload, 1, must_queue=True)

    def _verdict(self, counted: Counted) -> None:
        told = counted.root_outcome is counted.verdict.outcome
        if self._verdicts == "never" or (told and counted.overdue):
            return
        span = b""
        for destination in self.destinations:
            lacks = destination.forward == "verdicts" or not told or self._verdicts == "always"
            if destination.forward != "none" and lacks:
                revision = int(counted.overdue)
                span = span or verdict_span(counted.run, counted.verdict, revision=revision)
                self._send_verdict(destination, span)

    def _correction(self, corrected: Corrected) -> None:
        if self._verdicts == "never":
            return
        span = verdict_span(
            corrected.run,
            corrected.after,
            revision=corrected.revision,
            supersedes=corrected.before.outcome.value,
        )
        for destination in self.destinations:
            if destination.forward != "none":
                self._send_verdict(destination, span)

    def _send_verdict(self, destination: Destination, span: bytes) -> None:
        # No items: verdict spans are ours and stay out of the account of incoming spans.
        destination.offer(Signal.TRACES, span, 0, must_queue=True)
        self.accounts[destination.name].verdict_spans += 1
