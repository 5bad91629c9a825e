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
from typing import TYPE_CHECKING, NamedTuple

from agentslo.config.options import VerdictSpans
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import envelope, enveloped
from agentslo.otlp.destination import Destination, QueueFull
from agentslo.otlp.send_queue import Delivery
from agentslo.service.enrich import verdict_span
from agentslo.service.events import Corrected, Counted, Happening, Released
from agentslo.service.pipeline import Fed

if TYPE_CHECKING:
    from agentslo.service.records_out import Records
    from agentslo.store.spill import Spill

REMEMBERED = 10_000
JOIN_BYTES = 1024 * 1024
"""Of requests of our own; every server takes them."""
Delivered = asyncio.Future[Delivery]


@dataclass(slots=True)
class Account:
    """What the dispatcher itself knows of a destination's spans."""

    dropped: Counter[str] = field(default_factory=Counter)
    verdict_spans: int = 0
    pending: int = 0
    """Released spans that are about to be queued."""


class Offer(NamedTuple):
    """A payload in a destination's queue, and how it will have ended."""

    destination: Destination
    future: Delivered
    signal: Signal
    payload: bytes
    items: int


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """A request of our own making for one destination: released spans and verdict spans."""

    destination: str
    payload: bytes = b""
    items: int = 0
    verdicts: int = 0
    place: tuple[str, bytes] | None = None
    """Where a journal keeps it."""


class Dispatcher:
    """Offers payloads to every destination that wants them. Owned by the event loop."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        verdicts: VerdictSpans,
        records: "Records | None" = None,
    ) -> None:
        """`records`: makes what the destination of its name, an evaluator, is told."""
        self.destinations, self._records = tuple(destinations), records
        self.primary = next((d for d in self.destinations if d.primary), None)
        self.accounts = {d.name: Account() for d in self.destinations}
        self._by_name = {d.name: d for d in self.destinations}
        self._verdicts = verdicts
        self.spills: dict[str, Spill] = {}
        """By destination, where there is storage."""
        self._unacknowledged: OrderedDict[bytes, None] = OrderedDict()

    @property
    def tells(self) -> str:
        """The name of the destination that records go to; "" where there is none."""
        return self._records.name if self._records is not None else ""

    def room(self, size_bytes: int) -> bool:
        """Whether the primary can take a payload of this size, into its queue or on disk."""
        if self.primary is None or self.primary.room(size_bytes):
            return True
        spill = self.spills.get(self.primary.name)
        return spill is not None and spill.room(size_bytes)

    def selects(self, destination: Destination) -> bool:
        """Whether run roots and agent spans go to the destination."""
        return destination.forward in ("all", "agent")

    def send(self, fed: Fed, body: bytes) -> list[Offer]:
        """Offer what leaves of a request, to each destination that wants something of it.

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
        offers: list[Offer] = []
        for destination in self.destinations:
            payload, items = wanted.get(destination.forward, (b"", 0))
            if items and (destination.primary or not repeated):
                offers += self._offer(destination, payload, items)
        return offers

    def send_untouched(self, body: bytes, spans: int) -> list[Offer]:
        """Offer a request as it came: its analysis failed, its spans must not."""
        chosen = [d for d in self.destinations if self.selects(d)]
        return [offer for one in chosen for offer in self._offer(one, body, spans)]

    def pass_on(self, signal: Signal, body: bytes) -> list[Offer]:
        """Offer a logs or metrics request to the primary, where it takes everything."""
        if self.primary is None or self.primary.forward != "all":
            return []
        future = self.primary.offer(signal, body, 1, must_queue=True)
        return [Offer(self.primary, future, signal, body, 1)]

    def _offer(self, destination: Destination, payload: bytes, items: int) -> list[Offer]:
        signal = Signal.TRACES
        try:
            # The primary's room was asked for before the request was read.
            future = destination.offer(signal, payload, items, must_queue=destination.primary)
        except QueueFull:
            self.accounts[destination.name].dropped["queue_full"] += items
            return []
        return [Offer(destination, future, signal, payload, items)]

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

    def outgoing(self, happenings: Iterable[Happening]) -> list[Outgoing]:
        """What released roots and verdict spans make to send, for each destination together."""
        out = _Joined()
        for happening in happenings:
            if isinstance(happening, Released):
                self._release(happening, out)
            elif isinstance(happening, Counted):
                self._verdict(happening, out)
            elif isinstance(happening, Corrected):
                self._correction(happening, out)
            if self._records is not None and (record := self._records.of(happening)):
                out.add(self._records.name, record, items=1)
        made = out.finish()
        for one in made:
            self.accounts[one.destination].pending += one.items
        return made

    def deliver(self, outgoing: Iterable[Outgoing]) -> list[tuple[Outgoing, Offer]]:
        """Offer what was made before; gives each with how it will have ended."""
        offered = []
        for one in outgoing:
            account = self.accounts[one.destination]
            account.pending -= one.items
            account.verdict_spans += one.verdicts
            # No item: verdict spans are ours and stay out of the account of incoming spans.
            destination = self._by_name[one.destination]
            told = one.destination == self.tells
            signal = Signal.LOGS if told else Signal.TRACES
            try:
                spill = self.spills.get(one.destination)
                beyond = not told or (spill is not None and spill.room(len(one.payload)))
                future = destination.offer(signal, one.payload, one.items, must_queue=beyond)
            except QueueFull:
                account.dropped["queue_full"] += one.items
                future = _dropped()
            offered.append((one, Offer(destination, future, signal, one.payload, one.items)))
        return offered

    def _release(self, released: Released, out: "_Joined") -> None:
        payload = enveloped(released.span.origin, [released.span.encoded + released.added])
        for destination in self.destinations:
            if self.selects(destination):
                out.add(destination.name, payload, items=1)

    def _verdict(self, counted: Counted, out: "_Joined") -> None:
        told = counted.root_outcome is counted.verdict.outcome
        if self._verdicts == "never" or counted.told or (told and counted.overdue):
            return
        span = b""
        for destination in self.destinations:
            lacks = destination.forward == "verdicts" or not told or self._verdicts == "always"
            if destination.forward != "none" and lacks:
                revision = int(counted.overdue)
                span = span or verdict_span(
                    counted.run, counted.verdict, revision=revision, drift=counted.drift
                )
                out.add(destination.name, span, verdicts=1)

    def _correction(self, corrected: Corrected, out: "_Joined") -> None:
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
                out.add(destination.name, span, verdicts=1)


def _dropped() -> Delivered:
    future: Delivered = asyncio.get_running_loop().create_future()
    future.set_result(Delivery.DROPPED)
    return future


class _Joined:
    """Payloads for each destination, to be put together up to `JOIN_BYTES`."""

    def __init__(self) -> None:
        self._made: list[tuple[Outgoing, list[bytes]]] = []
        self._open: dict[str, tuple[Outgoing, list[bytes], int]] = {}

    def add(self, name: str, payload: bytes, items: int = 0, verdicts: int = 0) -> None:
        """One more request for a destination."""
        one, parts, size = self._open.get(name, (None, [], 0))
        if one is None or size + len(payload) > JOIN_BYTES:
            one, parts, size = Outgoing(destination=name), [], 0
            self._made.append((one, parts))
        self._open[name] = one, parts, size + len(payload)
        parts.append(payload)
        one.items += items
        one.verdicts += verdicts

    def finish(self) -> list[Outgoing]:
        """The requests."""
        for one, parts in self._made:
            one.payload = b"".join(parts)
        return [one for one, _ in self._made]
