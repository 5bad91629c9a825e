"""All that is on disk, as the service sees it: the journal with its keeper, and the ledger.

In: options, the pipeline and what it feeds. Out: at start, state put back; while running,
happenings kept. State: the open files. Nothing here ends the start but another
process in the same folder.
"""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from agentslo.config.options import RunsOptions, StorageOptions
from agentslo.measure import names as m
from agentslo.measure.series import Metrics
from agentslo.service.backlog import spill_backlog
from agentslo.service.dispatch import Dispatcher, Outgoing
from agentslo.service.events import Happening
from agentslo.service.keeper import Keeper, Record
from agentslo.service.ledger_rows import row as ledger_row
from agentslo.service.ledger_rows import run_row
from agentslo.service.open_rows import OpenRows
from agentslo.service.outbox import OUTBOX
from agentslo.service.pipeline import Pipeline
from agentslo.service.recorder import Recorder
from agentslo.service.restore import Restored, restore
from agentslo.service.spilling import Spilling
from agentslo.store.journal import SCHEMA_VERSION
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerError, LedgerRun
from agentslo.store.spill import Spill
from agentslo.store.store import Found, Store
from agentslo.store.writer import LedgerWriter

logger = logging.getLogger(__name__)

STOP_S = 2.0
SPILL_FOLDER = "spill"
SPILL_SHARE = 0.2
"""Of the room on the volume, for each destination."""
CATCH_UP_NS = 60 * 1_000_000_000
"""Runs that closed so shortly before the end are looked for in the ledger, which may lack them."""


class Storage:
    """Journal and ledger in one folder. Owned by the event loop."""

    def __init__(
        self,
        options: StorageOptions,
        pipeline: Pipeline,
        metrics: Metrics,
        now: Callable[[], int],
        *,
        ledger: bool = True,
    ) -> None:
        """Take the folder. Raises `StoreInUse`. `ledger`: whether counted runs are kept here."""
        self._options, self._pipeline, self._metrics, self._now = options, pipeline, metrics, now
        folder = Path(options.directory)
        self._store = Store(folder, options.journal_bytes, options.sync)
        self._ledger, self._ledger_trouble = _ledger(folder / LEDGER_FILE) if ledger else (None, "")
        self._writer: LedgerWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._found, self._restored = Found(), Restored()
        self._unreadable = 0
        self._spilling: Spilling | None = None
        self._spills: dict[str, Spill] = {}

    # ---- life cycle

    def restore(self, recorder: Recorder) -> None:
        """Put back what the journal holds, as far as it can be read."""
        found = self._found = self._store.read()
        restored = self._restored = restore(found, self._pipeline, self._metrics, self._now())
        if restored.useless:
            self._store.distrust()
        self._unreadable = found.damaged + restored.useless
        recorder.agents.update(restored.agents)
        self._tell(found)

    def _tell(self, found: Found) -> None:
        if found.trouble or self._unreadable:
            what = found.trouble or "not all entries can be used"
            logger.error("%s: %s; %d lost", self._store.path, what, self._unreadable)
        if found.kinds:
            traces, requests = self._pipeline.assembler.open_traces, found.kinds[OUTBOX]
            logger.info("%d open traces go on, %d requests are sent again", traces, requests)
        if found.version != SCHEMA_VERSION:
            version = f"{found.version} to {SCHEMA_VERSION}"
            logger.info("the journal's format is brought from version %s", version)

    async def begin(self, runs: RunsOptions, dispatcher: Dispatcher, record: Record) -> Keeper:
        """Begin to write; gives who keeps requests and happenings from now on."""
        self._store.start()
        rows = OpenRows(self._pipeline, int(runs.idle_s * 1e9))
        keeper = Keeper(
            self._store, self._pipeline, self._metrics, dispatcher, rows, record, self._now
        )
        keeper.spilling = self._spilling = self._spill(dispatcher)
        await keeper.begin(await self._undelivered())
        self._keeper = keeper
        self._task = asyncio.create_task(keeper.run(), name="keeper")
        if self._ledger is not None:
            self._begin_ledger(self._ledger)
        return keeper

    async def _undelivered(self) -> list[Outgoing]:
        """What must still be sent; what is too much for memory is in the spill log from now on."""
        restored, self._restored = self._restored, Restored()
        undelivered, read = restored.undelivered, restored.undelivered_read
        if self._found.kinds[OUTBOX] > read:
            entries = self._found.entries(OUTBOX)
            left, useless = await spill_backlog(entries, read, self._spills, self._now)
            undelivered += left
            self._unreadable += useless
        return undelivered

    def _spill(self, dispatcher: Dispatcher) -> Spilling:
        """A spill log for each destination; one that cannot be opened is told and done without."""
        folder = Path(self._options.directory) / SPILL_FOLDER
        for one in dispatcher.destinations:
            spill = Spill(folder / one.name, self._spill_bytes())
            try:
                spill.open()
            except OSError as error:
                logger.warning("requests of %s cannot go to disk: %s", one.name, error)
                continue
            if spill.waiting:
                logger.info("%d requests on disk go on to %s", len(spill.waiting), one.name)
            self._spills[one.name] = spill
        dispatcher.spills.update(self._spills)
        spilling = Spilling(self._spills, self._now)
        spilling.start(dispatcher.destinations)
        return spilling

    def _spill_bytes(self) -> int:
        try:
            free = shutil.disk_usage(self._options.directory).free
        except OSError:
            return self._options.spill_bytes
        return min(self._options.spill_bytes, int(free * SPILL_SHARE))

    def _begin_ledger(self, ledger: Ledger) -> None:
        missed = self._missed(ledger)
        options = self._options
        self._writer = LedgerWriter(ledger, options.retention_days, options.max_runs, self._now)
        self._writer.start()
        for row in missed:
            self._writer.put(row)

    def _missed(self, ledger: Ledger) -> list[LedgerRun]:
        """Runs whose rows a crash took before the ledger was written."""
        evidence = self._pipeline.verdicts.evidence
        judged = [found for i in evidence.kept()[0] if (found := evidence.of(i)) is not None]
        newest_ns = max((found.closed_ns for found in judged), default=0)
        late = [found for found in judged if found.closed_ns >= newest_ns - CATCH_UP_NS]
        try:
            return [
                run_row(found.run, found.verdict, found.closed_ns)
                for found in late
                if ledger.run(found.run.run_id) is None
            ]
        except sqlite3.Error as error:
            self._ledger_trouble = str(error)
            return []

    async def stop(self) -> None:
        """Commit what is left and close the files."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._keeper.flush_now()
        if self._spilling is not None:
            await self._spilling.stop()
        for spill in self._spills.values():
            await asyncio.to_thread(spill.stop, STOP_S)
        await asyncio.to_thread(self._store.stop, STOP_S)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.stop, STOP_S)

    # ---- while running

    def observe(self, happening: Happening) -> None:
        """Take a counted run or a correction for the ledger."""
        if self._writer is not None:
            kept = ledger_row(happening, self._now())
            if kept is not None:
                self._writer.put(kept)

    @property
    def trouble(self) -> str:
        """Why the journal is not written now; "" where it is."""
        return self._store.trouble

    @property
    def ledger_trouble(self) -> str:
        """Why the ledger is not written now; "" where it is."""
        return self._writer.trouble if self._writer else self._ledger_trouble

    @property
    def well(self) -> bool:
        """Whether all can be kept."""
        return not (self.trouble or self.ledger_trouble)

    def refresh(self) -> None:
        """Bring the gauges up to date."""
        self._metrics.set(m.JOURNAL_BYTES, (), self._store.file_bytes)
        self._metrics.set(m.JOURNAL_UNREADABLE, (), self._unreadable)
        self._metrics.set(m.PROMISE, ("stored",), 0.0 if self.trouble else 1.0)

    @property
    def ledger_rows(self) -> tuple[int, int]:
        """Rows of the ledger so far: written, dropped."""
        return (self._writer.written, self._writer.dropped) if self._writer else (0, 0)


def _ledger(path: Path) -> tuple[Ledger | None, str]:
    """The ledger, or why there is none: that never stops the start."""
    try:
        return Ledger(path), ""
    except (LedgerError, OSError) as error:
        logger.warning("runs are counted, but cannot be looked up later: %s", error)
        return None, str(error)
