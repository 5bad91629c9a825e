"""The account of one destination: offered = forwarded + queued + dropped, at any time.

In: what was offered and how it ended. Out: a `DestinationStats` for metrics. State: counts by
signal; only `queued` ever falls. Source: design.md 6 ("accepted = forwarded + queued + ...").
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentslo.otlp.answer import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationStats:
    """What one destination did since it started; items are spans, log records or data points."""

    offered: Mapping[Signal, int]
    forwarded: Mapping[Signal, int]
    queued: Mapping[Signal, int]
    """Waiting or in flight."""
    dropped: Mapping[tuple[Signal, str], int]
    """By reason; `withdrawn` was never acknowledged and comes again."""
    sent_requests: int
    """Requests answered OK, after joining."""
    sent_bytes: int
    """Of those requests, uncompressed."""
    retries: int
    faults: int
    """Exceptions where there should be results: bugs."""
    in_flight: int
    """Requests being sent, or waiting to be sent again."""
    held_requests: int
    held_bytes: int
    """Of payloads waiting or in flight."""
    oldest_age_s: float
    """Since the oldest held payload was offered; 0 when there is none."""


@dataclass(slots=True)
class Tally:
    """The running counts; each item is counted once on each side of the equation."""

    offered: Counter[Signal] = field(default_factory=Counter)
    forwarded: Counter[Signal] = field(default_factory=Counter)
    queued: Counter[Signal] = field(default_factory=Counter)
    dropped: Counter[tuple[Signal, str]] = field(default_factory=Counter)
    sent_requests: int = 0
    sent_bytes: int = 0
    retries: int = 0
    faults: int = 0

    def offer(self, signal: Signal, items: int) -> None:
        """Items come in."""
        self.offered[signal] += items
        self.queued[signal] += items

    def take_back(self, signal: Signal, items: int) -> None:
        """Items were never offered."""
        self.offered[signal] -= items
        self.queued[signal] -= items

    def forward(self, signal: Signal, items: int) -> None:
        """Queued items were accepted."""
        self.queued[signal] -= items
        self.forwarded[signal] += items

    def drop(self, signal: Signal, items: int, reason: str) -> None:
        """Queued items will never be accepted."""
        self.queued[signal] -= items
        if items:
            self.dropped[signal, reason] += items
