"""Keeps what must survive a crash: requests before their answer, closes as one transaction.

In: what requests left behind, what happened to runs. Out: a future for each request; metrics,
ledger rows and spans, in that order and only once a transaction holds what they come from. State:
what happened since the last transaction, and what was sent and has not arrived. Between
transactions the lock is free: whoever holds it sees only committed values (design.md 8, promise 2).
While the disk fails all goes on from memory, and everything is written anew once it answers again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from agentslo.measure import keeping
from agentslo.measure.series import Metrics
from agentslo.runs.changes import Key, Kind
from agentslo.runs.rows import Row
from agentslo.service import kept_state
from agentslo.service.dispatch import Delivered, Dispatcher, Outgoing
from agentslo.service.events import Happening, Released
from agentslo.service.faults import Faults
from agentslo.service.open_rows import OpenRows
from agentslo.service.outbox import OUTBOX, pack
from agentslo.service.pipeline import Fed, Pipeline
from agentslo.store.journal import Place
from agentslo.store.store import Commit, Store

if TYPE_CHECKING:
    from agentslo.service.spilling import Spilling

SERIES = "series"
RETRY_S = 5.0
RETRY_SHARE = 20.0
IDLE_S = 0.25
SPILL_AFTER_S = 1.0
"""The journal has them; what is late for so long goes where there is more room."""
MAX_WAITING = 2_000
"""Groups that may wait for the disk before requests are refused."""

Record = Callable[[Happening, int], None]
Group = dict[Place, bytes | None]


class Keeper:
    """Owned by the event loop; `run` is its task."""

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        metrics: Metrics,
        dispatcher: Dispatcher,
        rows: OpenRows,
        record: Record,
        now: Callable[[], int],
    ) -> None:
        self._store, self._pipeline, self._metrics = store, pipeline, metrics
        self._dispatcher, self._rows = dispatcher, rows
        self._record, self._now = record, now
        self._faults = Faults(pipeline.tally)
        self._happened: list[tuple[Happening, int]] = []
        self._undelivered: dict[Place, Outgoing] = {}
        self._arrived: dict[Place, None] = {}
        self._sent = 0
        self._woken = asyncio.Event()
        self._retry_at_s = 0.0
        self.spilling: Spilling | None = None
        self.lock = asyncio.Lock()
        pipeline.changes.watched = True

    @property
    def trouble(self) -> str:
        """Why nothing is kept now; "" where all is."""
        return self._store.trouble

    @property
    def behind(self) -> bool:
        """Whether something changed that no transaction holds yet."""
        return bool(self._happened) or self._pipeline.changes.any

    def room(self) -> bool:
        """Whether the disk keeps up."""
        return self._store.waiting < MAX_WAITING

    # ---- requests

    def request(self, fed: Fed) -> Commit | None:
        """Keep what a request leaves behind; the future says when. None: nothing, or not now."""
        released = [h for h in fed.happenings if isinstance(h, Released)]
        self.happen((h for h in fed.happenings if not isinstance(h, Released)), self._now())
        outgoing = self._dispatcher.outgoing(released)
        if self.trouble:
            self._send(outgoing)
            return None
        group: Group = dict.fromkeys(self._arrived)
        self._arrived.clear()
        entry = self._row(fed.row)
        if entry is not None:
            group[entry[0]] = entry[1]
        for kind, key in self._pipeline.changes.learned():
            group[kind.value, kept_state.key_bytes(key)] = self._encoded(kind, key)
        self._keep(outgoing, group)
        if not group:
            return None
        commit = self._store.submit(group)
        if outgoing:
            commit.add_done_callback(lambda _: self._send(outgoing))
        return commit

    def _row(self, row: Row | None) -> tuple[Place, bytes] | None:
        try:
            return self._rows.write(row) if row is not None else None
        except Exception:  # noqa: BLE001 - a bug in packing must not stop forwarding
            self._faults.note("keep", "a request")
            return None

    # ---- what happened

    def happen(self, happenings: Iterable[Happening], now_ns: int) -> None:
        """Take what happened: recorded, committed, and then sent, soon."""
        self._happened += ((happening, now_ns) for happening in happenings)
        if self._happened:
            self._woken.set()

    async def run(self) -> None:
        """Commit what happens, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._woken.wait()
            self._woken.clear()
            try:
                async with self.lock:
                    await self.flush()
            except Exception:  # noqa: BLE001 - a bug in keeping must not end it
                self._faults.note("keep", "what happened")

    async def flush_now(self) -> None:
        """Commit all that happened until now."""
        async with self.lock:
            await self.flush()

    async def flush(self) -> None:
        """Commit all that happened until now; whoever calls it has the lock."""
        happened, self._happened = self._happened, []
        for happening, now_ns in happened:
            self._record(happening, now_ns)
        outgoing = self._dispatcher.outgoing([happening for happening, _ in happened])
        if self.trouble:
            await self._renew(outgoing)
        else:
            group = self._changed()
            self._keep(outgoing, group)
            if group:
                await self._store.commit(group)
        self._send(outgoing)

    async def begin(self, undelivered: Iterable[Outgoing]) -> None:
        """Write everything there is as a new start, and send on what had not arrived."""
        names = {d.name for d in self._dispatcher.destinations}
        restored = [one for one in undelivered if one.destination in names]
        async with self.lock:
            self._drop_changes()
            self._keep(restored, {})
            # Nothing happens yet: what is kept need not be in memory twice.
            await self._store.renew(self._everything())
        for one in restored:
            self._dispatcher.accounts[one.destination].pending += one.items
        self._send(restored)

    async def _renew(self, outgoing: list[Outgoing]) -> None:
        """Write everything anew, now and then, while the disk fails."""
        loop_s = asyncio.get_running_loop().time()
        self._drop_changes()
        if loop_s < self._retry_at_s:
            return
        self._keep(outgoing, {})
        entries = list(self._everything())
        # Putting much state into bytes keeps the loop from forwarding: then it is tried less often.
        took_s = asyncio.get_running_loop().time() - loop_s
        self._retry_at_s = loop_s + max(RETRY_S, took_s * RETRY_SHARE)
        await self._store.renew(entries)

    def _drop_changes(self) -> None:
        self._pipeline.changes.take()
        self._pipeline.left.clear()
        self._metrics.changed.clear()
        self._arrived.clear()

    def _everything(self) -> Iterator[tuple[Place, bytes]]:
        yield from ((place, pack(one)) for place, one in self._undelivered.items())
        for kind, key in kept_state.everything(self._pipeline):
            body = self._encoded(kind, key)
            if body is not None:
                yield (kind.value, kept_state.key_bytes(key)), body
        yield from self._rows.snapshot(self._now())
        for name, series in keeping.everything(self._metrics):
            if series is not None:
                yield (SERIES, name), series

    def _changed(self) -> Group:
        """The entries to write for all that changed since the last time."""
        now_ns, group = self._now(), Group(dict.fromkeys(self._arrived))
        self._arrived.clear()
        for kind, key in self._pipeline.changes.take():
            if kind is Kind.OPEN and isinstance(key, bytes):
                group.update(dict.fromkeys(self._rows.closed(key)))
            else:
                group[kind.value, kept_state.key_bytes(key)] = self._encoded(kind, key)
        left, self._pipeline.left = self._pipeline.left, []
        entry = self._row(Row(arrived_ns=now_ns, left=left)) if left else None
        if entry is not None:
            group[entry[0]] = entry[1]
        group.update(dict.fromkeys(self._rows.expired(now_ns)))
        group.update(((SERIES, key), body) for key, body in keeping.changes(self._metrics))
        return group

    def _encoded(self, kind: Kind, key: Key) -> bytes | None:
        try:
            return kept_state.encode(self._pipeline, kind, key)
        except Exception:  # noqa: BLE001 - a bug in packing one piece must not lose the others
            self._faults.note("keep", kind.value)
            return None

    # ---- what leaves

    def _keep(self, outgoing: Iterable[Outgoing], group: Group) -> None:
        for one in outgoing:
            self._sent += 1
            place = OUTBOX, self._sent.to_bytes(8, "big")
            self._undelivered[place] = one
            one.place = place
            group[place] = pack(one)

    def _send(self, outgoing: list[Outgoing]) -> None:
        for one, offer in self._dispatcher.deliver(outgoing):
            offer.future.add_done_callback(partial(self._came, one))
            if self.spilling is not None:
                self.spilling.keep_late(offer, SPILL_AFTER_S, partial(self._gone, one))

    def _came(self, one: Outgoing, delivered: Delivered) -> None:
        """Arrived, or refused for good: it need not be sent again after a restart."""
        if not delivered.cancelled() and delivered.exception() is None:
            self._gone(one)

    def _gone(self, one: Outgoing) -> None:
        """It arrived, or another file has it."""
        if one.place is not None:
            self._undelivered.pop(one.place, None)
            self._arrived[one.place] = None
