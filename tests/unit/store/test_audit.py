"""Every way to change recorded decisions is found, down to the newest head that was published."""

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentslo.store.audit import audit
from agentslo.store.decisions import (
    DECISIONS_FILE,
    KEY_FILE,
    Decisions,
    DecisionsError,
    Entry,
    digest_of,
    open_decisions,
)

ROWS = 40


def an_entry(number: int) -> Entry:
    return Entry(kind="note", subject=f"incident/{number % 3}", actor="ann", role="oncall")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decisions")
    decisions = open_decisions(folder)
    for number in range(ROWS):
        with decisions.writing(number) as book:
            book.add(an_entry(number))
    decisions.close()
    return folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def edit(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / DECISIONS_FILE) as db:
        db.executescript("DROP TRIGGER no_change; DROP TRIGGER no_removal;")
        for statement in statements:
            db.execute(statement)
    db.close()


def test_untouched_decisions_are_as_recorded_and_the_head_is_the_last_row(original: Path) -> None:
    result = audit(original, {})
    assert (result.rows, result.problems, result.first_bad) == (ROWS, (), 0)
    assert result.head.startswith(f"{ROWS}:")


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE decisions SET actor = 'bob' WHERE seq = 7", 7),
        ("UPDATE decisions SET time_ns = time_ns + 1 WHERE seq = 1", 1),
        ("UPDATE decisions SET body = '{\"a\":1}' WHERE seq = 40", 40),
        ("UPDATE decisions SET digest = previous WHERE seq = 9", 9),
        ("DELETE FROM decisions WHERE seq = 20", 20),
        ("DELETE FROM decisions WHERE seq = 1", 1),
        (
            (
                "INSERT INTO decisions SELECT 41, time_ns, kind, subject, agent, actor, role, "
                "rights, body, digest, digest FROM decisions WHERE seq = 40"
            ),
            41,
        ),
    ],
)
def test_a_changed_added_or_removed_row_is_named(
    copy: Path, statement: str, first_bad: int
) -> None:
    edit(copy, statement)
    assert audit(copy, {}).first_bad == first_bad


def test_two_rows_that_changed_places_are_found(copy: Path) -> None:
    move = "UPDATE decisions SET seq = {} WHERE seq = {}"
    edit(copy, move.format(99, 11), move.format(11, 12), move.format(12, 99))
    assert audit(copy, {}).first_bad == 11


def test_a_cut_end_is_found_against_a_published_head_and_only_so(copy: Path) -> None:
    head = audit(copy, {}).head.split(":")
    edit(copy, "DELETE FROM decisions WHERE seq > 35")
    assert audit(copy, {}).problems == ()
    assert audit(copy, {ROWS: head[1]}).first_bad == 36


def test_a_file_written_anew_with_the_key_is_found_against_a_published_head(copy: Path) -> None:
    head = audit(copy, {}).head.split(":")[1]
    (copy / DECISIONS_FILE).unlink()
    key = bytes.fromhex((copy / KEY_FILE).read_text())
    decisions = Decisions(copy / DECISIONS_FILE, key)
    for number in range(ROWS):
        with decisions.writing(number + 1) as book:
            book.add(an_entry(number))
    decisions.close()
    assert audit(copy, {}).problems == ()
    assert audit(copy, {ROWS: head}).first_bad == ROWS


def test_a_row_made_without_the_key_is_found(copy: Path) -> None:
    with sqlite3.connect(copy / DECISIONS_FILE) as db:
        last = db.execute("SELECT * FROM decisions ORDER BY seq DESC LIMIT 1").fetchone()
        row = (ROWS + 1, *last[1:9], last[10])
        forged = (*row, digest_of(row, b"a guess"))
        db.execute(f"INSERT INTO decisions VALUES ({','.join('?' * 11)})", forged)
    db.close()
    assert audit(copy, {}).first_bad == ROWS + 1


def test_every_flipped_byte_of_every_recorded_value_is_found(original: Path, copy: Path) -> None:
    """Whatever byte of the file is flipped, the audit either sees all rows as recorded, or says
    which is not: never another content that passes."""
    whole = (original / DECISIONS_FILE).read_bytes()
    recorded = _contents(original)
    passed = 0
    for place in range(0, len(whole), 61):
        flipped = bytearray(whole)
        flipped[place] ^= 0x20
        (copy / DECISIONS_FILE).write_bytes(flipped)
        result = audit(copy, {ROWS: recorded[-1][-1]})
        if not result.problems:
            passed += 1
            assert _contents(copy) == recorded, place
    # Free pages, the schema's text and counters of SQLite hold no decision.
    assert passed < len(whole) // 61


def _contents(folder: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(folder / DECISIONS_FILE) as db:
        rows = db.execute("SELECT * FROM decisions NOT INDEXED ORDER BY rowid").fetchall()
    db.close()
    return rows


def test_sql_that_would_change_a_row_is_stopped(copy: Path) -> None:
    decisions = open_decisions(copy)
    for statement in ("UPDATE decisions SET actor = 'x'", "DELETE FROM decisions"):
        with pytest.raises(sqlite3.IntegrityError, match="only added to"):
            decisions._db.execute(statement)
    decisions.close()


def test_writers_in_several_threads_make_one_chain(tmp_path: Path) -> None:
    def write(number: int) -> None:
        decisions = open_decisions(tmp_path)
        for _ in range(10):
            with decisions.writing(number) as book:
                book.add(an_entry(number))
        decisions.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert (audit(tmp_path, {}).rows, audit(tmp_path, {}).problems) == (40, ())


def test_a_failed_rule_leaves_nothing_behind(tmp_path: Path) -> None:
    decisions = open_decisions(tmp_path)

    def fails() -> None:
        with decisions.writing(1) as book:
            book.add(an_entry(1))
            raise RuntimeError("after the row")

    with pytest.raises(RuntimeError, match="after the row"):
        fails()
    assert decisions.rows() == []
    decisions.close()


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE other (a)")
    db.close()


def _text(path: Path) -> None:
    path.write_text("no database at all, and long enough to be seen as one " * 20)


@pytest.mark.parametrize("make", [_foreign, _text])
def test_a_file_that_is_no_record_of_decisions_is_refused(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / DECISIONS_FILE)
    with pytest.raises(DecisionsError, match=r"another file|move the file away"):
        open_decisions(tmp_path)


def test_the_key_and_the_decisions_are_for_their_owner_alone(original: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in original.iterdir()}
    assert modes == {DECISIONS_FILE: 0o600, KEY_FILE: 0o600}
