"""At start: what had not been sent at the end of the last life, where it is too much for memory.

In: the journal as it was found, spill logs by destination. Out: what no spill log took, and how
many entries were of no use. No state. A request is in the spill log before the journal, written
anew after this, leaves it out: a crash in between sends it twice, never not at all.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from agentslo.runs.steps import StepError
from agentslo.service import outbox
from agentslo.service.dispatch import Outgoing
from agentslo.store.journal import Entry
from agentslo.store.spill import Spill

TOGETHER = 64
"""Requests that share a flush."""
TRACES = 0


async def spill_backlog(
    entries: Iterable[Entry], skip: int, spills: Mapping[str, Spill], now: Callable[[], int]
) -> tuple[list[Outgoing], int]:
    """Put what is behind the first `skip` entries into spill logs."""
    left: list[Outgoing] = []
    useless = 0

    def waiting() -> Iterator[Outgoing]:
        nonlocal useless
        for entry in islice(entries, skip, None):
            try:
                yield outbox.unpack(entry.body or b"")
            except StepError:
                useless += 1

    requests = waiting()
    while some := list(islice(requests, TOGETHER)):
        taken = await asyncio.gather(*(_spilled(one, spills, now) for one in some))
        left += (one for one, safe in zip(some, taken, strict=True) if not safe)
    return left, useless


async def _spilled(one: Outgoing, spills: Mapping[str, Spill], now: Callable[[], int]) -> bool:
    spill = spills.get(one.destination)
    if spill is None or not spill.room(len(one.payload)):
        return False
    stored = await spill.store(TRACES, one.items, one.payload, now())
    if stored is None:
        return False
    spill.put_back(stored)
    return True
