"""Decisions: what people, alerts and the service decided, each row chained to the one before.

In: entries, inside a transaction that has read what it depends on. Out: decisions, oldest first.
State: one SQLite file to which rows are only added; incidents, containments, retraining requests
and attestations are what its rows add up to, so a crash leaves each command done or not done.

Each row carries an HMAC-SHA256 over its content and the digest before it. Whoever can write the
file but not read the key cannot make a valid row; a cut tail shows against a digest that was
published elsewhere (`agentslo.store.audit`). Several processes may write: the file keeps SQLite's
rollback journal, which has no fault of write-ahead logging (reliability.md 0.4) and is fast enough
for what people decide.
"""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentslo.store.private import make_private

DECISIONS_FILE = "decisions.sqlite"
KEY_FILE = "decisions.key"
KEY_BYTES = 32
MAX_BODY_BYTES = 262_144
BUSY_MS = 5_000
NOTHING = "0" * 64
"""What the first row follows."""
SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (schema_version INTEGER NOT NULL);
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
  agent TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, rights TEXT NOT NULL,
  body TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL
);
CREATE INDEX decisions_by_subject ON decisions (subject);
CREATE INDEX decisions_by_agent ON decisions (agent, kind);
CREATE TRIGGER no_change BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'only added to'); END;
CREATE TRIGGER no_removal BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'only added to'); END
"""


class DecisionsError(Exception):
    """The file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded. `subject` is what it is about (`incident/3`), `role` in what right
    the actor did it, `rights` the revision of the rules that gave it.
    """

    kind: str
    subject: str
    agent: str = ""
    actor: str
    role: str
    rights: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Entry):
    """A recorded entry; `time_ns` is unix ns."""

    seq: int
    time_ns: int
    previous: str
    digest: str


class Decisions:
    """One file of decisions. `read_only` opens it beside a writer."""

    def __init__(self, path: Path, key: bytes, *, read_only: bool = False) -> None:
        self.path, self._key = path, key
        try:
            self._db = _connect(path, read_only=read_only)
        except sqlite3.DatabaseError as error:
            raise DecisionsError(f"{path}: {error}; move the file away or restore it") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def writing(self, now_ns: int) -> Iterator["Book"]:
        """A transaction that no other writer can come between; an exception undoes all of it."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise DecisionsError(f"{self.path}: {error}; is the disk full or read-only?") from error
        try:
            yield Book(self._db, self._key, now_ns)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @property
    def head(self) -> tuple[int, str]:
        """Number and digest of the newest row: what to publish elsewhere."""
        found = self._db.execute("SELECT seq, digest FROM decisions ORDER BY seq DESC LIMIT 1")
        seq, digest = found.fetchone() or (0, NOTHING)
        return seq, digest

    def rows(self, *, subject: str = "", agent: str = "", kind: str = "") -> list[Decision]:
        """Decisions, oldest first; `kind` is the start of one."""
        return _rows(self._db, subject, agent, kind)


class Book:
    """What one transaction reads and adds."""

    def __init__(self, db: sqlite3.Connection, key: bytes, now_ns: int) -> None:
        self._db, self._key = db, key
        self.now_ns = now_ns

    def rows(self, *, subject: str = "", agent: str = "", kind: str = "") -> list[Decision]:
        """As `Decisions.rows`, with what this transaction added."""
        return _rows(self._db, subject, agent, kind)

    def add(self, entry: Entry) -> Decision:
        """Record an entry; raises `DecisionsError` where it is too large."""
        body = json.dumps(dict(entry.body), separators=(",", ":"), sort_keys=True)
        if len(body) > MAX_BODY_BYTES:
            raise DecisionsError(f"{entry.kind}: {len(body)} bytes are too much for one decision")
        last = self._db.execute("SELECT seq, digest FROM decisions ORDER BY seq DESC LIMIT 1")
        seq, previous = last.fetchone() or (0, NOTHING)
        row = (
            *(seq + 1, self.now_ns, entry.kind, entry.subject, entry.agent, entry.actor),
            *(entry.role, entry.rights, body, previous),
        )
        digest = digest_of(row, self._key)
        self._db.execute(f"INSERT INTO decisions VALUES ({','.join('?' * 11)})", (*row, digest))  # noqa: S608 - question marks only
        return _decision((*row, digest))


def digest_of(row: tuple[object, ...], key: bytes) -> str:
    """The HMAC of a row's first ten columns, the digest before it among them."""
    return hmac.new(key, json.dumps(row).encode(), hashlib.sha256).hexdigest()


def load_key(directory: Path, *, make: bool) -> bytes:
    """The key beside the decisions; `make` writes a new one where there is none."""
    path = directory / KEY_FILE
    if not path.exists():
        if not make:
            raise DecisionsError(f"{path}: no such file; without the key nothing can be verified")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with open(path, "x", encoding="ascii", opener=_private) as file:
                file.write(secrets.token_hex(KEY_BYTES))
        except FileExistsError:
            pass  # another process made it just now
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise DecisionsError(f"{path}: is no key of hex digits; restore it") from error
    if len(key) < KEY_BYTES:
        raise DecisionsError(f"{path}: has {len(key)} bytes, a key has {KEY_BYTES}; restore it")
    return key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def open_decisions(directory: Path, *, read_only: bool = False) -> Decisions:
    """The decisions in a storage directory, with their key."""
    key = load_key(directory, make=not read_only)
    return Decisions(directory / DECISIONS_FILE, key, read_only=read_only)


def _rows(db: sqlite3.Connection, subject: str, agent: str, kind: str) -> list[Decision]:
    statement = (
        "SELECT * FROM decisions WHERE (?1 = '' OR subject = ?1) AND (?2 = '' OR agent = ?2) "
        "AND substr(kind, 1, length(?3)) = ?3 ORDER BY seq"
    )
    return [_decision(row) for row in db.execute(statement, (subject, agent, kind))]


def _decision(row: tuple[Any, ...]) -> Decision:
    seq, time_ns, kind, subject, agent, actor, role, rights, body, previous, digest = row
    return Decision(
        seq=seq,
        time_ns=time_ns,
        kind=kind,
        subject=subject,
        agent=agent,
        actor=actor,
        role=role,
        rights=rights,
        body=json.loads(body),
        previous=previous,
        digest=digest,
    )


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only:
        if not path.exists():
            raise DecisionsError(f"{path}: no such file; nothing was decided there yet")
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    make_private(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    db.execute("PRAGMA synchronous = EXTRA")
    db.execute("BEGIN IMMEDIATE")
    if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
        for statement in _SCHEMA.replace("; END", "\0 END").split(";"):
            db.execute(statement.replace("\0", ";"))
        db.execute("INSERT INTO meta VALUES (?)", (SCHEMA_VERSION,))
    db.execute("COMMIT")
    _check(db, path)
    return db


def _check(db: sqlite3.Connection, path: Path) -> None:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if "decisions" not in tables:
        raise DecisionsError(f"{path}: holds no decisions; give another file")
    (version,) = db.execute("SELECT schema_version FROM meta").fetchone()
    if version != SCHEMA_VERSION:
        raise DecisionsError(
            f"{path}: has schema version {version}, this program knows {SCHEMA_VERSION}; use the "
            "agentslo version that wrote it"
        )
