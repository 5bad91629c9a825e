"""Audit: whether the decisions are those that were recorded, in their order and number.

In: a file of decisions opened as bytes of SQLite would allow, its key, heads published elsewhere.
Out: what is wrong, the first bad row first. Pure over the rows. What it cannot prove: rows after
the newest published head that were cut off, and anything against somebody who has the key.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentslo.store.decisions import DECISIONS_FILE, NOTHING, digest_of, load_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result: `problems` are empty where every row is as it was recorded; `first_bad` is the
    number of the first row that is not, 0 for none; `head` the last good row as `seq:digest`.
    """

    rows: int
    problems: tuple[str, ...]
    first_bad: int
    head: str


def audit(directory: Path, heads: Mapping[int, str]) -> Audit:
    """Check every row of the decisions in a storage directory; `heads` are digests by row number,
    as they were published. Raises `DecisionsError` without a key.
    """
    key = load_key(directory, make=False)
    problems: list[str] = []
    bad: list[int] = []
    previous, expected, head = NOTHING, 1, f"0:{NOTHING}"
    try:
        for row in _raw(directory / DECISIONS_FILE):
            found = _fault(row, expected, previous, key, heads)
            if found and len(problems) < 20:
                problems.append(f"row {expected}: {found}")
            if found:
                bad.append(expected)
            elif not bad:
                head = f"{row[0]}:{row[10]}"
            previous, expected = str(row[10]), expected + 1
    except sqlite3.DatabaseError as error:
        problems.append(f"row {expected}: the file cannot be read on: {error}")
        bad.append(expected)
    for seq in sorted(s for s in heads if s >= expected):
        problems.append(f"row {seq}: was published and is gone, the end was cut off")
        bad.append(expected)
    return Audit(
        rows=expected - 1, problems=tuple(problems), first_bad=min(bad, default=0), head=head
    )


def _raw(path: Path) -> list[tuple[object, ...]]:
    # Read as they lie, past any index: a damaged index must not hide a row.
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        # Broken schema text shows here; the columns are read by the table's own tree.
        statement = "SELECT * FROM decisions NOT INDEXED ORDER BY rowid"
        rows = [tuple(row) for row in db.execute(statement)]
    db.close()
    return rows


def _fault(
    row: tuple[object, ...], expected: int, previous: str, key: bytes, heads: Mapping[int, str]
) -> str:
    if len(row) != 11 or row[0] != expected:
        return f"has number {row[0]}: a row is missing, doubled or moved"
    if row[9] != previous:
        return "does not follow the row before it"
    try:
        made = digest_of(row[:10], key)
        json.loads(str(row[8]))
    except (UnicodeError, ValueError):
        return "is not what was recorded"
    if row[10] != made:
        return "is not what was recorded"
    if expected in heads and heads[expected] != made:
        return "differs from the digest published for it: the file was written anew"
    return ""
