"""The ledger: every counted run with its verdict, evidence and versions, in one SQLite file.

In: plain rows. Out: rows again, newest first. State: the file, bounded by age and number of runs.
Nothing in it is content: names, numbers, hashes and ids only; whoever makes the rows sees to that.
One connection writes (SQLite before 3.51.3 can lose commits with two: reliability.md 0.4); readers
open the file read-only. Errors are `sqlite3.Error`, or `LedgerError` with what to do.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agentslo.store.private import make_private

LEDGER_FILE = "ledger.sqlite"
SCHEMA_VERSION = 1
MIGRATIONS: Mapping[int, str] = {}
"""By version: what makes a file one of the next. `tests/data/journals` has a file of each older."""
DELETE_BATCH = 500
RUN_BYTES = 8_192
"""Enough of a body for what stands before its spans."""
_SLOS = '"slos":'
_DECODER = json.JSONDecoder()
DAY_NS = 86_400 * 1_000_000_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (schema_version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY, agent TEXT NOT NULL, environment TEXT NOT NULL, release TEXT NOT NULL,
  task_type TEXT NOT NULL, outcome TEXT NOT NULL, counted_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_by_agent ON runs (agent, counted_ns);
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (counted_ns);
CREATE TABLE IF NOT EXISTS corrections (
  run_id TEXT NOT NULL, time_ns INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  source TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS corrections_by_run ON corrections (run_id);
"""


class LedgerError(Exception):
    """The file cannot be used as a ledger; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRun:
    """One counted run. `path`: the tools it called in order, joined by `>`; `body`: everything else
    as JSON-able values. Times are unix ns.
    """

    run_id: str
    agent: str
    environment: str
    release: str
    task_type: str
    outcome: str
    counted_ns: int
    end_ns: int
    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCorrection:
    """A later change of a run's outcome; `slos`: its results by objective from then on."""

    run_id: str
    time_ns: int
    before: str
    after: str
    source: str
    slos: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerResult:
    """When a run was counted, and what it counts as: its outcome, and its result by objective."""

    counted_ns: int
    outcome: str
    slos: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LedgerCount:
    """What of a run two releases are compared by."""

    counted_ns: int
    release: str
    task_type: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs to list; empty fields do not restrict. `slo`: those it counts as bad."""

    agent: str = ""
    environment: str = ""
    outcomes: tuple[str, ...] = ()
    slo: str = ""
    since_ns: int = 0
    limit: int = 50


class Ledger:
    """One ledger file. `read_only` opens it beside a running service."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        try:
            self._db = _connect(path, read_only=read_only)
            self._check(read_only=read_only)
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{path}: {error}; move the file away or restore it") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _check(self, *, read_only: bool) -> None:
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
        if "meta" not in tables:
            raise LedgerError(f"{self.path}: is no ledger; give another file")
        (version,) = self._db.execute("SELECT schema_version FROM meta").fetchone() or (0,)
        told = f"{self.path}: has schema version {version}, this program knows {SCHEMA_VERSION}"
        if version > SCHEMA_VERSION or not set(range(version, SCHEMA_VERSION)) <= set(MIGRATIONS):
            raise LedgerError(f"{told}; use the agentslo version that wrote it")
        if version < SCHEMA_VERSION and read_only:
            raise LedgerError(f"{told}; start the service once, it brings the file up to date")
        if version < SCHEMA_VERSION:
            self._migrate(version)

    def _migrate(self, version: int) -> None:
        """Bring an older file up to date, all or nothing."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for older in range(version, SCHEMA_VERSION):
                for statement in MIGRATIONS[older].split(";"):
                    self._db.execute(statement)
            self._db.execute("UPDATE meta SET schema_version = ?", (SCHEMA_VERSION,))

    # ---- writing

    def write(self, rows: Sequence[LedgerRun | LedgerCorrection]) -> None:
        """Store rows in one transaction; a run that is there already is replaced."""
        with self._db:
            for row in rows:
                if isinstance(row, LedgerRun):
                    self._put(row)
                else:
                    self._correct(row)

    def _put(self, row: LedgerRun) -> None:
        body = _packed(row.body)
        self._db.execute(
            "INSERT OR REPLACE INTO runs VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                *(row.run_id, row.agent, row.environment, row.release, row.task_type),
                *(row.outcome, row.counted_ns, row.end_ns, row.path, body),
            ),
        )

    def _correct(self, row: LedgerCorrection) -> None:
        values = (row.run_id, row.time_ns, row.before, row.after, row.source)
        self._db.execute("INSERT INTO corrections VALUES (?,?,?,?,?)", values)
        self._db.execute("UPDATE runs SET outcome = ? WHERE run_id = ?", (row.after, row.run_id))
        if row.slos:
            self._judge_anew(row)

    def _judge_anew(self, row: LedgerCorrection) -> None:
        """Gates and reports count by objective: what is in force must stand in the run."""
        statement = "SELECT * FROM runs WHERE run_id = ?"
        for found in self._db.execute(statement, (row.run_id,)).fetchall():
            kept = _run(found).body
            body = _packed({**kept, "run": {**kept.get("run", {}), "slos": dict(row.slos)}})
            self._db.execute("UPDATE runs SET body = ? WHERE run_id = ?", (body, row.run_id))

    def expire(self, before_ns: int, max_runs: int) -> int:
        """Delete a batch of what is too old or too much; gives how many runs went."""
        (count,) = self._db.execute("SELECT count(*) FROM runs").fetchone()
        over = min(DELETE_BATCH, max(0, count - max_runs))
        chosen = (
            "SELECT run_id FROM runs WHERE counted_ns < ? ORDER BY counted_ns LIMIT ?",
            "SELECT run_id FROM runs ORDER BY counted_ns LIMIT ?",
        )
        old = [r for (r,) in self._db.execute(chosen[0], (before_ns, DELETE_BATCH))]
        old += [r for (r,) in self._db.execute(chosen[1], (over,))] if over else []
        with self._db:
            for run_id in old:
                self._db.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
                self._db.execute("DELETE FROM corrections WHERE run_id = ?", (run_id,))
        return len(old)

    # ---- reading

    def runs(self, query: Query) -> Iterator[LedgerRun]:
        """The runs that match, newest first."""
        where, values = ["counted_ns >= ?"], [query.since_ns]
        parameters: list[object] = [*values]
        for column, wanted in (("agent", query.agent), ("environment", query.environment)):
            if wanted:
                where.append(f"{column} = ?")
                parameters.append(wanted)
        if query.outcomes:
            where.append(f"outcome IN ({','.join('?' * len(query.outcomes))})")
            parameters.extend(query.outcomes)
        # Only the fixed column names above reach the statement; values are bound.
        statement = (
            f"SELECT * FROM runs WHERE {' AND '.join(where)} ORDER BY counted_ns DESC LIMIT ?"  # noqa: S608
        )
        # What counts for an objective is inside the body: all rows are looked through.
        rows = self._db.execute(statement, (*parameters, -1 if query.slo else query.limit))
        found = (r for r in rows if not query.slo or _slos(r[-1]).get(query.slo) == "bad")
        yield from map(_run, islice(found, max(0, query.limit)))

    def results(self, agent: str, environment: str, since_ns: int) -> Iterator[LedgerResult]:
        """What an agent's runs count as, oldest first: all a gate needs of many runs."""
        statement = (
            "SELECT counted_ns, outcome, body FROM runs WHERE agent = ? AND environment = ? "
            "AND counted_ns >= ? ORDER BY counted_ns"
        )
        for counted_ns, outcome, body in self._db.execute(
            statement, (agent, environment, since_ns)
        ):
            yield LedgerResult(counted_ns, outcome, _slos(body))

    def counts(self, agent: str, environment: str, since_ns: int) -> Iterator[LedgerCount]:
        """What an agent's runs are compared by, newest first."""
        statement = (
            "SELECT counted_ns, release, task_type, outcome FROM runs WHERE agent = ? "
            "AND environment = ? AND counted_ns >= ? ORDER BY counted_ns DESC"
        )
        for row in self._db.execute(statement, (agent, environment, since_ns)):
            yield LedgerCount(*row)

    def releases(self, since_ns: int) -> Iterator[tuple[str, str, str, int, int, int]]:
        """Releases seen since then: agent, environment, release, when first and last, runs."""
        statement = (
            "SELECT agent, environment, release, MIN(counted_ns), MAX(counted_ns), COUNT(*) "
            "FROM runs WHERE counted_ns >= ? GROUP BY agent, environment, release"
        )
        yield from self._db.execute(statement, (since_ns,))

    def run(self, run_id: str) -> LedgerRun | None:
        """One run; the start of its id is enough where no other run begins so."""
        pattern = run_id.replace("%", "").replace("_", "") + "%"
        statement = "SELECT * FROM runs WHERE run_id LIKE ? LIMIT 2"
        found = self._db.execute(statement, (pattern,)).fetchall()
        exact = [row for row in found if row[0] == run_id]
        if exact or len(found) == 1:
            return _run((exact or found)[0])
        return None

    def corrections(self, run_id: str) -> list[LedgerCorrection]:
        """The corrections of a run, oldest first."""
        statement = "SELECT * FROM corrections WHERE run_id = ? ORDER BY time_ns"
        return [
            LedgerCorrection(run_id=r, time_ns=t, before=b, after=a, source=s)
            for r, t, b, a, s in self._db.execute(statement, (run_id,))
        ]

    def usual_path(self, agent: str, task_type: str, outcomes: Sequence[str]) -> str | None:
        """The commonest path of the agent's runs of a task type with these outcomes; None where
        fewer than five were seen.
        """
        marks = ",".join("?" * len(outcomes))
        statement = (
            "SELECT path, count(*) AS n, sum(count(*)) OVER () FROM runs WHERE agent = ? AND "  # noqa: S608
            f"task_type = ? AND outcome IN ({marks}) GROUP BY path ORDER BY n DESC, path LIMIT 1"
        )
        found = self._db.execute(statement, (agent, task_type, *outcomes)).fetchone()
        return str(found[0]) if found and found[2] >= 5 else None


def _slos(body: bytes) -> Mapping[str, str]:
    """The results in a packed body, without reading its spans; they come first."""
    start = zlib.decompressobj().decompress(body, RUN_BYTES).decode(errors="ignore")
    try:
        # The same characters inside a text would be escaped: this is a key, and it comes first.
        found: Mapping[str, str] = _DECODER.raw_decode(start, start.index(_SLOS) + len(_SLOS))[0]
    except ValueError:
        found = json.loads(zlib.decompress(body)).get("run", {}).get("slos", {})
    return found


def _packed(body: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(body, separators=(",", ":")).encode(), 1)


def _run(found: Sequence[Any]) -> LedgerRun:
    run_id, agent, environment, release, task, outcome, counted, end, path, body = found
    return LedgerRun(
        run_id=run_id,
        agent=agent,
        environment=environment,
        release=release,
        task_type=task,
        outcome=outcome,
        counted_ns=counted,
        end_ns=end,
        path=path,
        body=json.loads(zlib.decompress(body)),
    )


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only:
        if not path.exists():
            raise LedgerError(f"{path}: no such file; is storage.directory set?")
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    make_private(path)
    db = sqlite3.connect(path, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA busy_timeout = 2000")
    if _is_new(db):
        # One transaction: sqlite3 begins none of its own for what makes tables.
        with db:
            db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES (?)", (SCHEMA_VERSION,))
    return db


def _is_new(db: sqlite3.Connection) -> bool:
    """Whether the file is empty, or was being made by a version that could be cut short at it."""
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not names:
        return True
    return "meta" in names and not db.execute("SELECT 1 FROM meta").fetchone()
