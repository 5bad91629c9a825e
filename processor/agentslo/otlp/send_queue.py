"""The payloads that wait for one destination.

In: parcels, one an offer. Out: runs of parcels of one signal, oldest first, to be joined into one
request. State: the parcels. Bounds are the destination's, which also counts what is in flight.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from agentslo.otlp.answer import Signal


class Delivery(StrEnum):
    """How an offered payload ended."""

    DELIVERED = "delivered"
    """The destination accepted it, or at least a part of it."""
    DROPPED = "dropped"
    """The destination refused all of it for good."""


@dataclass(slots=True, eq=False)
class Parcel:
    """One offered payload until it is settled."""

    signal: Signal
    payload: bytes
    items: int
    arrived_s: float
    """On the event loop's clock."""
    future: asyncio.Future[Delivery]
    open_items: int
    """Items neither forwarded nor dropped yet."""
    delivered: bool = False


class SendQueue:
    """First in, first out within a signal; the signal that waits longest goes first."""

    def __init__(self) -> None:
        self._waiting: dict[Signal, OrderedDict[asyncio.Future[Delivery], Parcel]] = {
            signal: OrderedDict() for signal in Signal
        }
        self.size_bytes = 0
        """Of all payloads that wait."""

    def __len__(self) -> int:
        return sum(len(parcels) for parcels in self._waiting.values())

    def put(self, parcel: Parcel) -> None:
        """Add at the end."""
        self._waiting[parcel.signal][parcel.future] = parcel
        self.size_bytes += len(parcel.payload)

    def remove(self, future: asyncio.Future[Delivery]) -> Parcel | None:
        """Take one out of turn; None if it does not wait (any more)."""
        for parcels in self._waiting.values():
            parcel = parcels.pop(future, None)
            if parcel is not None:
                self.size_bytes -= len(parcel.payload)
                return parcel
        return None

    def take(self, join_bytes: int) -> list[Parcel]:
        """The oldest parcel and those of its signal behind it that fit into `join_bytes`."""
        head = self.oldest()
        if head is None:
            return []
        waiting = self._waiting[head.signal]
        taken: list[Parcel] = []
        size = 0
        for parcel in waiting.values():
            size += len(parcel.payload)
            if taken and size > join_bytes:
                break
            taken.append(parcel)
        for parcel in taken:
            del waiting[parcel.future]
            self.size_bytes -= len(parcel.payload)
        return taken

    def take_all(self) -> list[Parcel]:
        """Everything that waits."""
        parcels = [parcel for waiting in self._waiting.values() for parcel in waiting.values()]
        for waiting in self._waiting.values():
            waiting.clear()
        self.size_bytes = 0
        return parcels

    def oldest(self) -> Parcel | None:
        """The parcel that waits longest."""
        heads = [next(iter(waiting.values())) for waiting in self._waiting.values() if waiting]
        return min(heads, key=lambda parcel: parcel.arrived_s, default=None)
