"""Files that earlier versions left behind: what is in them goes on.

`tests/data/journals` holds what a service had on disk when it was killed, and what `/metrics` had
shown (`record.py`): eight runs counted, one corrected, four open.
"""

import gzip
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agentslo.store import journal as journal_module
from agentslo.store import ledger as ledger_module
from agentslo.store.journal import JOURNAL_FILE, Journal
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerError, Query
from agentslo.store.store import Store
from faults.life import RUNS, Life
from faults.oracle import Scraper, back_end
from support.wait import until

COMMAND = Path(sys.executable).with_name("agentslo")
RECORDED = Path(__file__).parent.parent / "data" / "journals"
NAMES = sorted(path.stem for path in RECORDED.glob("*.json"))
COUNTED, CORRECTIONS = "agent_slo_runs_total", "agent_slo_outcome_corrections_total"


def put(name: str, folder: Path) -> dict[str, float]:
    """The recorded files in a folder; gives what had been shown."""
    folder.mkdir(mode=0o700)
    for kind, file in (("journal", JOURNAL_FILE), ("ledger", LEDGER_FILE)):
        packed = RECORDED / f"{name}.{kind}.sqlite.gz"
        (folder / file).write_bytes(gzip.decompress(packed.read_bytes()))
    told: dict[str, float] = json.loads((RECORDED / f"{name}.json").read_text())
    return told


def test_there_is_a_recorded_file_of_every_version_that_is_read() -> None:
    assert journal_module.OLDEST_VERSION == 1
    assert {f"v{n}" for n in range(1, journal_module.SCHEMA_VERSION + 1)} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_file_goes_on_under_this_version(name: str, tmp_path: Path) -> None:
    told = put(name, tmp_path / "data")
    with back_end() as downstream:
        life = Life(COMMAND, tmp_path, downstream, {"runs": {**RUNS, "idle_s": 4}})
        service = life.start()
        scraper = Scraper(f"http://{life.places.metrics}")
        scraper.values.update(told)
        scraper.start()
        until(lambda: scraper.total(COUNTED).total() == 12, what="the open runs to be counted")
        service.stop()
        scraper.finish()
        log = service.text()
    assert scraper.falls == []
    assert scraper.total(CORRECTIONS).total() == 1
    assert "cannot be" not in log and "damaged" not in log
    assert not list((tmp_path / "data").glob("*.damaged*"))
    with closing(sqlite3.connect(tmp_path / "data" / JOURNAL_FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (journal_module.SCHEMA_VERSION,)
    with Ledger(tmp_path / "data" / LEDGER_FILE, read_only=True) as ledger:
        assert len(list(ledger.runs(Query()))) == 12


async def test_the_next_version_reads_this_one_and_migrates_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(NAMES[-1], tmp_path / "data")
    old, path = journal_module.SCHEMA_VERSION, tmp_path / "data" / JOURNAL_FILE
    monkeypatch.setattr(journal_module, "SCHEMA_VERSION", old + 1)
    store = Store(tmp_path / "data", 2**30)
    found = store.read()
    assert (found.version, found.trouble) == (old, "")
    entries = [((entry.kind, entry.key), entry.body or b"") for entry in found.entries()]

    def cut_short():
        yield entries[0]
        raise OSError("no room")

    with closing(Journal(path, 2**30)) as journal, pytest.raises(OSError, match="no room"):
        journal.replace(cut_short())
    with closing(Journal(path, 2**30)) as journal:
        assert journal.version == old
        assert sum(1 for _ in journal.read()) == len(entries)
    store.start()
    await store.renew(entries)
    assert store.trouble == ""
    store.stop(5)
    with closing(Journal(path, 2**30)) as journal:
        assert journal.version == old + 1
        assert {((e.kind, e.key), e.body) for e in journal.read()} == set(entries)


def test_a_ledger_is_migrated_all_or_nothing_and_by_the_service_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(NAMES[-1], tmp_path / "data")
    old, path = ledger_module.SCHEMA_VERSION, tmp_path / "data" / LEDGER_FILE
    monkeypatch.setattr(ledger_module, "SCHEMA_VERSION", old + 2)
    with pytest.raises(LedgerError, match="use the agentslo version that wrote it"):
        Ledger(path)
    good = "CREATE TABLE extra (a TEXT)"
    monkeypatch.setattr(ledger_module, "MIGRATIONS", {old: good, old + 1: "ALTER TABLE none"})
    with pytest.raises(LedgerError, match="move the file away or restore it"):
        Ledger(path)
    monkeypatch.setattr(ledger_module, "MIGRATIONS", {old: good, old + 1: "DROP TABLE extra"})
    with pytest.raises(LedgerError, match="start the service once"):
        Ledger(path, read_only=True)
    Ledger(path).close()
    with Ledger(path, read_only=True) as ledger:
        assert len(list(ledger.runs(Query()))) == 8
