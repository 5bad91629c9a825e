"""The thread that writes the ledger, so that a slow disk never holds up spans.

In: rows through a bounded queue. Out: committed batches. State: the queue and the thread. A full
queue or a failing disk drops rows, counted in `dropped` with the reason in `trouble`; the pipeline
goes on.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable

from agentslo.store.ledger import DAY_NS, Ledger, LedgerCorrection, LedgerRun

logger = logging.getLogger(__name__)

Row = LedgerRun | LedgerCorrection
QUEUE_ROWS = 10_000
BATCH_ROWS = 500
POLL_S = 1.0


class LedgerWriter:
    """Owns the ledger's only writing connection."""

    def __init__(
        self, ledger: Ledger, retention_days: float, max_runs: int, now: Callable[[], int]
    ) -> None:
        self._ledger, self._now = ledger, now
        self._retention_ns, self._max_runs = int(retention_days * DAY_NS), max_runs
        self._rows: queue.Queue[Row] = queue.Queue(QUEUE_ROWS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self.written = 0
        self.dropped = 0
        self.trouble = ""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, row: Row) -> None:
        """Hand a row over; never waits."""
        try:
            self._rows.put_nowait(row)
        except queue.Full:
            self.dropped += 1
            self.trouble = "the ledger's queue is full"

    def stop(self, timeout_s: float) -> bool:
        """Write what is queued and close the file; True if that was done in time."""
        self._stop.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            batch = self._batch()
            if batch:
                self._write(batch)
            elif self._stop.is_set():
                self._ledger.close()
                return
            else:
                self._expire()

    def _batch(self) -> list[Row]:
        batch: list[Row] = []
        try:
            batch.append(self._rows.get(timeout=0.05 if self._stop.is_set() else POLL_S))
            while len(batch) < BATCH_ROWS:
                batch.append(self._rows.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _write(self, batch: list[Row]) -> None:
        try:
            self._ledger.write(batch)
        except sqlite3.Error as error:
            self.dropped += len(batch)
            self._say(f"the ledger cannot be written: {error}")
            return
        self.written += len(batch)
        if self.trouble:
            logger.info("the ledger is written again")
            self.trouble = ""

    def _expire(self) -> None:
        try:
            self._ledger.expire(self._now() - self._retention_ns, self._max_runs)
        except sqlite3.Error as error:
            self._say(f"the ledger cannot be cleaned: {error}")

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            logger.error("%s; runs are counted, but cannot be looked up later", trouble)
        self.trouble = trouble
