"""The journal: everything that must go on after a crash, as keyed entries in one SQLite file.

In: groups of changes, each a transaction. Out: at start, every entry. State: the file, bounded in
bytes. It knows nothing of what an entry means. Every entry carries a checksum, since SQLite has
none; what is damaged is told apart from what is sound. `synchronous=FULL`: a committed group
survives power loss where the disk honours a flush (reliability.md 0.1). One connection only (0.4).
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

JOURNAL_FILE = "journal.sqlite"
APPLICATION_ID = 0x61736C6F
SCHEMA_VERSION = 1
PAGE_BYTES = 4096
CHECKSUM_BYTES = 4
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
        if path.is_symlink():
            raise JournalError(f"{path} is a symbolic link")
        path.touch(mode=0o600, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
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
        if not empty and found != (APPLICATION_ID, SCHEMA_VERSION):
            if found[0] != APPLICATION_ID:
                raise JournalError("it is another program's file")
            raise JournalError(f"it has schema version {found[1]}, not {SCHEMA_VERSION}")
        execute("PRAGMA journal_mode = WAL")
        execute(f"PRAGMA synchronous = {'FULL' if synchronous == 'full' else 'NORMAL'}")
        execute(f"PRAGMA max_page_count = {max(1, max_bytes // PAGE_BYTES)}")
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

    def read(self) -> Iterator[Entry]:
        """Every entry, in the order in which they first came.

        Raises `sqlite3.DatabaseError` in the midst where a page is damaged.
        """
        for kind, key, stored in self._db.execute(
            "SELECT kind, key, body FROM entries ORDER BY id"
        ):
            body, checksum = stored[:-CHECKSUM_BYTES], stored[-CHECKSUM_BYTES:]
            sound = _checksum(kind, key, body) == checksum
            yield Entry(kind=kind, key=key, body=body if sound else None)

    def write(self, group: Group) -> None:
        """Commit some changes, all or none of them."""
        puts, deletes = _split(group.items())
        self._transaction(puts, deletes)

    def replace(self, entries: Iterable[tuple[Place, bytes]], keep: Iterable[str] = ()) -> None:
        """Commit these entries as the only ones, beside the kinds to keep as they are."""
        kept = tuple(keep)
        puts, _ = _split(entries)
        clear = f"DELETE FROM entries WHERE kind NOT IN ({','.join('?' * len(kept))})"  # noqa: S608 - marks only
        self._transaction(puts, [], (clear, kept))

    def _transaction(
        self,
        puts: list[tuple[str, bytes, bytes]],
        deletes: list[Place],
        first: tuple[str, tuple[str, ...]] | None = None,
    ) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            if first is not None:
                db.execute(*first)
            # What goes makes room for what comes.
            db.executemany(_DELETE, deletes)
            db.executemany(_PUT, puts)
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
    for (kind, key), body in changes:
        if body is None:
            deletes.append((kind, key))
        else:
            puts.append((kind, key, body + _checksum(kind, key, body)))
    return puts, deletes


def _checksum(kind: str, key: bytes, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(key, zlib.crc32(kind.encode()))).to_bytes(4, "little")
