"""The journal: everything that must go on after a crash, as keyed entries in one SQLite file.

In: groups of changes, each a transaction. Out: at start, every entry. State: the file, bounded in
bytes. It knows nothing of what an entry means. Every entry carries a checksum, since SQLite has
none; what is damaged is told apart from what is sound. `synchronous=FULL`: a committed group
survives power loss where the disk honours a flush (reliability.md 0.1). One connection only (0.4).
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

JOURNAL_FILE = "journal.sqlite"
APPLICATION_ID = 0x61736C6F
SCHEMA_VERSION = 1
OLDEST_VERSION = 1
"""What is read; what is written is always the newest. Who changes the format of an entry raises
`SCHEMA_VERSION`, keeps reading the old one, and adds a recorded file to `tests/data/journals`."""
PAGE_BYTES = 4096
WAL_PAGES, WAL_PART = 1_000, 8
"""When the log is written back: at so many pages, or at this part of the bound."""
CHECKSUM_BYTES = 4
MAX_HOPS = 40
"""How far an entry is looked for behind a damaged page: each time twice as far."""
_SCHEMA = """
CREATE TABLE entries (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key BLOB NOT NULL, body BLOB NOT NULL,
  UNIQUE (kind, key)
)
"""
_PUT = """
INSERT INTO entries (kind, key, body) VALUES (?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body
"""
_DELETE = "DELETE FROM entries WHERE kind = ? AND key = ?"

Place = tuple[str, bytes]
"""Kind and key of an entry."""
Group = Mapping[Place, bytes | None]
"""Entries to write; None: the entry goes."""


class JournalError(Exception):
    """The file cannot be used as a journal; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it was read; `body` is None where its checksum does not match."""

    kind: str
    key: bytes
    body: bytes | None


class Journal:
    """One open journal file. Any one thread at a time."""

    def __init__(self, path: Path, max_bytes: int, *, synchronous: str = "full") -> None:
        """Open the file, or make it. Raises `JournalError`, `sqlite3.Error` or `OSError`."""
        self.path = path
        self.damaged_pages, self.damage = 0, ""
        if path.is_symlink():
            raise JournalError(f"{path} is a symbolic link")
        path.touch(mode=0o600, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            self._prepare(max_bytes, synchronous)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, max_bytes: int, synchronous: str) -> None:
        execute = self._db.execute
        execute("PRAGMA busy_timeout = 0")
        found = self._pragma("application_id"), self._pragma("user_version")
        empty = not execute("SELECT 1 FROM sqlite_master").fetchone()
        self.version = SCHEMA_VERSION if empty else found[1]
        if not empty and found[0] != APPLICATION_ID:
            raise JournalError("it is another program's file")
        if not OLDEST_VERSION <= self.version <= SCHEMA_VERSION:
            known = f"{OLDEST_VERSION} to {SCHEMA_VERSION}"
            raise JournalError(f"it has schema version {self.version}; this agentslo knows {known}")
        execute("PRAGMA journal_mode = WAL")
        execute(f"PRAGMA synchronous = {'FULL' if synchronous == 'full' else 'NORMAL'}")
        pages = max(1, max_bytes // PAGE_BYTES)
        execute(f"PRAGMA max_page_count = {pages}")
        # The log beside the file is part of what we take.
        execute(f"PRAGMA wal_autocheckpoint = {max(1, min(WAL_PAGES, pages // WAL_PART))}")
        execute(f"PRAGMA journal_size_limit = {WAL_PAGES * PAGE_BYTES}")
        if empty:
            execute("BEGIN IMMEDIATE")
            execute(_SCHEMA)
            execute(f"PRAGMA application_id = {APPLICATION_ID}")
            execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            execute("COMMIT")

    def _pragma(self, name: str) -> int:
        (value,) = self._db.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    @property
    def used_bytes(self) -> int:
        """What the entries take of the bound."""
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * PAGE_BYTES

    def read(self, kinds: Iterable[str] = ()) -> Iterator[Entry]:
        """Entries of some kinds, or all, in the order in which they first came, one at a time.

        Goes on behind a damaged page; `damaged_pages` counts how often it had to.
        """
        wanted = tuple(kinds)
        # No index is asked (`+`): a damaged one would leave entries out without a word.
        chosen = f"AND +kind IN ({','.join('?' * len(wanted))})" if wanted else ""
        statement = f"SELECT id, kind, key, body FROM entries WHERE id > ? {chosen} ORDER BY id"  # noqa: S608 - marks only
        after, hop = 0, 0
        while hop <= MAX_HOPS:
            try:
                for number, *rest in self._db.execute(statement, (after, *wanted)):
                    if number <= after:
                        raise sqlite3.DatabaseError("entries are out of order")
                    after, hop = number, 0
                    yield _entry(*rest)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                if hop == 0:
                    self.damaged_pages += 1
                    self.damage = str(error)
                after += 2**hop
                hop += 1
            else:
                return

    def write(self, group: Group) -> None:
        """Commit some changes, all or none of them."""
        puts, deletes = _split(group.items())
        with self._transaction() as db:
            # What goes makes room for what comes.
            db.executemany(_DELETE, deletes)
            db.executemany(_PUT, puts)

    def replace(self, entries: Iterable[tuple[Place, bytes]]) -> None:
        """Commit these entries as the only ones, taken one at a time; an older file is one of this
        version from then on.
        """
        with self._transaction() as db:
            db.execute("DELETE FROM entries")
            db.executemany(_PUT, (_put(place, body) for place, body in entries))
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self.version = SCHEMA_VERSION

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _split(
    changes: Iterable[tuple[Place, bytes | None]],
) -> tuple[list[tuple[str, bytes, bytes]], list[Place]]:
    puts: list[tuple[str, bytes, bytes]] = []
    deletes: list[Place] = []
    for place, body in changes:
        if body is None:
            deletes.append(place)
        else:
            puts.append(_put(place, body))
    return puts, deletes


def _put(place: Place, body: bytes) -> tuple[str, bytes, bytes]:
    kind, key = place
    return kind, key, body + _checksum(kind, key, body)


def _entry(kind: object, key: object, stored: object) -> Entry:
    if not (isinstance(kind, str) and isinstance(key, bytes) and isinstance(stored, bytes)):
        return Entry(kind="", key=b"", body=None)
    body, checksum = stored[:-CHECKSUM_BYTES], stored[-CHECKSUM_BYTES:]
    sound = _checksum(kind, key, body) == checksum
    return Entry(kind=kind, key=key, body=body if sound else None)


def _checksum(kind: str, key: bytes, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(key, zlib.crc32(kind.encode()))).to_bytes(4, "little")
