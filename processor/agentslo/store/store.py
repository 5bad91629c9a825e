"""The folder of the journal: opened by one process, whatever state its files are in.

In: changes of entries. Out: at start, what could be read and what could not; then futures. State:
the lock, the journal file and the thread that writes it; `trouble` while nothing can be written.
A file that is damaged, foreign or of another version is renamed, never deleted or written to: what
could be read of it is written to a new file first. Any error closes the journal; `renew` opens it
again with everything there is (an fsync that failed once must not be trusted the next time:
reliability.md F16).
"""

import asyncio
import fcntl
import logging
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from agentslo.store.group_commit import GroupCommit
from agentslo.store.journal import (
    JOURNAL_FILE,
    SCHEMA_VERSION,
    Entry,
    Group,
    Journal,
    JournalError,
    Place,
)
from agentslo.store.private import flush_folder, make_folder
from agentslo.store.wal import lost_commits

logger = logging.getLogger(__name__)

LOCK_FILE = "lock"
FRESH_FILE = "journal.fresh.sqlite"
SIDE_FILES = ("", "-wal", "-shm")
MAX_SET_ASIDE = 10
COMMIT_TIMEOUT_S = 5.0
DISK_SHARE = 0.35
"""Of what the volume could give us at most: a full disk cannot be freed by deleting (reliability.md
0.3), so our own bound must be met first; and writing anew needs as much again for a moment."""


class StoreInUse(Exception):
    """Another process has the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Make these the only entries."""

    entries: Iterable[tuple[Place, bytes]]


@dataclass(slots=True, kw_only=True)
class Found:
    """What the journal held at start. `damaged`: entries that could not be read, as far as known;
    `trouble`: why the file was not used as it is; "" where it was. `kinds`: how many sound entries
    of each there are; `version`: of their format.
    """

    entries: Callable[..., Iterator[Entry]] = lambda *_: iter(())
    """The sound ones of some kinds, or all: read from the file each time, one at a time."""
    kinds: Counter[str] = field(default_factory=Counter)
    damaged: int = 0
    trouble: str = ""
    version: int = SCHEMA_VERSION


class _Taking:
    """Entries as a thread takes them: how many so far, and whether it must stop."""

    def __init__(self, entries: Iterable[tuple[Place, bytes]]) -> None:
        self._entries, self.taken, self.over = entries, 0, False

    def __iter__(self) -> Iterator[tuple[Place, bytes]]:
        for entry in self._entries:
            if self.over:
                raise JournalError("it took too long")
            self.taken += 1
            yield entry


Job = Group | Renewal
Commit = asyncio.Future[None]


class Store:
    """Owns the folder. Made and used on the event loop; the file is touched by its thread alone."""

    def __init__(self, directory: Path, max_bytes: int, synchronous: str = "full") -> None:
        """Take the folder; raises `StoreInUse`."""
        self.directory, self._max_bytes, self._synchronous = directory, max_bytes, synchronous
        self.path = directory / JOURNAL_FILE
        self.trouble = ""
        self._journal: Journal | None = None
        self._renewing: Commit | None = None
        self._damaged = False
        self._lock = self._take()
        self._commits: GroupCommit[Job] = GroupCommit("journal", self._commit)

    def _take(self) -> int | None:
        try:
            make_folder(self.directory)
            lock = os.open(self.directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            # A folder nobody can write to needs no lock; the journal will say what is wrong.
            logger.warning("%s cannot be locked: %s", self.directory, error)
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            what = f"{self.directory} is used by another agentslo; give each its own folder"
            raise StoreInUse(what) from None
        return lock

    # ---- at start

    def read(self) -> Found:
        """Look through everything that can be read, before anything is written."""
        found = Found()
        fresh = self.directory / FRESH_FILE
        try:
            if fresh.exists() and not self.path.exists():
                # A restart was cut short between two renames; the new file was complete.
                fresh.rename(self.path)
            if self.path.exists():
                self._read(found)
        except (JournalError, sqlite3.Error, OSError) as error:
            found.trouble = f"{type(error).__name__}: {error}"
            # What is busy or out of room is not damaged: it is used again when it can be.
            self._damaged = not isinstance(error, (sqlite3.OperationalError, OSError))
        if found.damaged:
            self._damaged = True
            found.trouble = found.trouble or f"{found.damaged} entries are damaged"
        return found

    def _read(self, found: Found) -> None:
        # Before the file is opened: SQLite forgets what it does not read of its log.
        found.damaged = lost_commits(self.path.with_name(self.path.name + "-wal"))
        with closing(self._opened()) as journal:
            found.version = journal.version
            for entry in journal.read():
                if entry.body is None:
                    found.damaged += 1
                else:
                    found.kinds[entry.kind] += 1
            found.damaged += journal.damaged_pages
            found.trouble = journal.damage
        found.entries = self._sound

    def _sound(self, *kinds: str) -> Iterator[Entry]:
        with closing(self._opened()) as journal:
            yield from (entry for entry in journal.read(kinds) if entry.body is not None)

    def distrust(self) -> None:
        """What was read is not all of use: the file is kept when the next one is written."""
        self._damaged = True

    def start(self) -> None:
        """Begin to write."""
        self._commits.start()

    # ---- while running

    @property
    def waiting(self) -> int:
        """Groups that wait for the disk."""
        return self._commits.waiting

    def submit(self, group: Group) -> Commit:
        """Have a group written; where that fails, `trouble` says why."""
        return self._submit(group)

    async def commit(self, group: Group) -> None:
        """Write a group; where that fails or takes too long, `trouble` says why."""
        await self._in_time(self._submit(group))

    async def renew(self, entries: Iterable[tuple[Place, bytes]]) -> None:
        """Make these the only entries, in a journal opened anew; ends the trouble, or tells it.

        The thread takes the entries one at a time: what they are made from must not change until
        this is over. It is given up once none was taken for `COMMIT_TIMEOUT_S`.
        """
        if self._renewing is None or self._renewing.done():
            self.trouble = ""
            taking = _Taking(entries)
            self._renewing = self._submit(Renewal(entries=taking))
            seen = -1
            while not self._renewing.done() and seen < taking.taken:
                seen = taking.taken
                await asyncio.wait((self._renewing,), timeout=COMMIT_TIMEOUT_S)
            if not self._renewing.done():
                taking.over = True
                self._say(f"the disk has not answered for {COMMIT_TIMEOUT_S:g} s")

    def _submit(self, job: Job) -> Commit:
        future = self._commits.submit(job)
        future.add_done_callback(self._note)
        return future

    def _note(self, future: Commit) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._say(str(error))

    async def _in_time(self, future: Commit) -> None:
        done, _ = await asyncio.wait((future,), timeout=COMMIT_TIMEOUT_S)
        if not done:
            self._say(f"the disk has not answered for {COMMIT_TIMEOUT_S:g} s")

    def _say(self, trouble: str) -> None:
        if not self.trouble:
            logger.error("%s cannot be written: %s; what it keeps is at risk", self.path, trouble)
        self.trouble = trouble

    def stop(self, timeout_s: float) -> None:
        """Write what waits, close the file, give the folder back."""
        self._commits.stop(timeout_s)
        if self._journal is not None:
            self._journal.close()
        if self._lock is not None:
            os.close(self._lock)

    @property
    def file_bytes(self) -> int:
        """What the journal's files take on disk."""
        sizes = 0
        for side in SIDE_FILES:
            try:
                sizes += (self.path.parent / (self.path.name + side)).stat().st_size
            except OSError:
                continue
        return sizes

    # ---- on the thread

    def _commit(self, jobs: list[Job]) -> None:
        try:
            merged: dict[Place, bytes | None] = {}
            for job in jobs:
                if isinstance(job, Renewal):
                    self._renew(job)
                    merged = {}
                else:
                    merged.update(job)
            if self._journal is None:
                raise JournalError("the journal is closed")
            if merged:
                self._journal.write(merged)
        except BaseException:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            raise

    def _renew(self, renewal: Renewal) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if not self._damaged:
            try:
                self._journal = self._opened()
            except (JournalError, sqlite3.DatabaseError) as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._damaged = True
        if self._damaged:
            self._put_in_place(renewal)
            self._damaged = False
            self._journal = self._opened()
        elif self._journal is not None:
            self._journal.replace(renewal.entries)

    def _opened(self) -> Journal:
        return Journal(self.path, self._bound(), synchronous=self._synchronous)

    def _put_in_place(self, renewal: Renewal) -> None:
        """Write a whole new file, then rename the old one aside and the new one into its place."""
        fresh = self.directory / FRESH_FILE
        for side in SIDE_FILES:
            (self.directory / (FRESH_FILE + side)).unlink(missing_ok=True)
        journal = Journal(fresh, self._bound(), synchronous=self._synchronous)
        try:
            journal.replace(renewal.entries)
        finally:
            journal.close()
        self._set_aside()
        fresh.rename(self.path)
        flush_folder(self.directory)

    def _set_aside(self) -> None:
        names = (f"{JOURNAL_FILE}.damaged-{n}" for n in range(1, MAX_SET_ASIDE + 1))
        free = [name for name in names if not (self.directory / name).exists()]
        name = free[0] if free else f"{JOURNAL_FILE}.damaged-{MAX_SET_ASIDE}"
        for side in SIDE_FILES:
            old = self.directory / (JOURNAL_FILE + side)
            if old.exists() or old.is_symlink():
                old.rename(self.directory / (name + side))
        logger.warning("the damaged journal is kept as %s", self.directory / name)

    def _bound(self) -> int:
        own = self.file_bytes
        try:
            free = shutil.disk_usage(self.directory).free
        except OSError:
            return self._max_bytes
        return min(self._max_bytes, int((own + free) * DISK_SHARE))
