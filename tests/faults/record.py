"""Records what a service leaves on disk when it is killed: input of `test_older_files.py`.

In: a folder to write to and a name. Out: `NAME.journal.sqlite.gz`, `NAME.ledger.sqlite.gz`,
`NAME.json` with what `/metrics` showed last. Run once for every format, by the version that writes
it; what it wrote is never made anew.

    .venv/bin/python tests/faults/record.py tests/data/journals v1
"""

import gzip
import json
import sqlite3
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

import grpc  # noqa: E402 - needs the path above

from faults.life import Life  # noqa: E402
from faults.oracle import EXPORT, Scraper, Upstream, back_end, run_requests  # noqa: E402
from support.wait import until  # noqa: E402

CLOSED, OPEN = 8, 4


def record(folder: Path, name: str) -> None:
    """One short life, killed while runs are open and a root waits to be sent."""
    command = Path(sys.executable).with_name("agentslo")
    with tempfile.TemporaryDirectory() as place, back_end() as downstream:
        life = Life(command, Path(place), downstream, {})
        service = life.start()
        scraper = Scraper(f"http://{life.places.metrics}")
        scraper.start()
        judge = Upstream(life.places.grpc, 1, life.places.page)
        with grpc.insecure_channel(life.places.grpc) as channel:
            export = channel.unary_unary(EXPORT)
            for number in range(CLOSED):
                for body in run_requests(number):
                    export(body)
            judge._tell(0)
            runs = "agent_slo_runs_total"
            until(lambda: scraper.total(runs).total() == CLOSED, what="runs to be counted")
            judge._tell(2)
            corrections = "agent_slo_outcome_corrections_total"
            until(lambda: scraper.total(corrections).total() == 1, what="a correction")
            for number in range(CLOSED, CLOSED + OPEN):
                for body in run_requests(number)[:-1] if number % 2 else run_requests(number):
                    export(body)
        seen = scraper.scrapes
        until(lambda: scraper.scrapes > seen + 2, what="a scrape")
        service.kill()
        scraper.finish()
        told = {row: v for row, v in scraper.values.items() if row.startswith("agent_slo_runs_tot")}
        told |= {row: v for row, v in scraper.values.items() if "outcome_corrections" in row}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")
        for kind in ("journal", "ledger"):
            path = Path(place) / "data" / f"{kind}.sqlite"
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            packed = gzip.compress(path.read_bytes(), mtime=0)
            (folder / f"{name}.{kind}.sqlite.gz").write_bytes(packed)


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2])
