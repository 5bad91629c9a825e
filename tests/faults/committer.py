"""A process that commits to every store, tells what was committed, and is killed by who watches it.

In: a folder; `--next` makes it a program of the next format, `--normal` one that takes SQLite's
`synchronous=NORMAL` for enough. Out: on standard output a line for
each thing that is on disk: `journal N`, `spill N`, `ledger N`, `ready`. Each life reads what
earlier lives left and says what it found, brings the files up to date, then puts, overwrites and
deletes entries, has requests delivered, lets old rows expire, and makes what is large enough for
checkpoints.
"""

import asyncio
import sys
from pathlib import Path

from agentslo.store import journal as journal_module
from agentslo.store import ledger as ledger_module
from agentslo.store.journal import Entry
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerRun, Query
from agentslo.store.spill import Spill
from agentslo.store.store import Store

ROUNDS = 12
KEPT_RUNS = 16
BODY = b"x" * 20_000


def say(words: str) -> None:
    """Tell who watches, at once."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def be_newer() -> None:
    """Be the version after this one: both files are migrated."""
    old = ledger_module.SCHEMA_VERSION
    journal_module.SCHEMA_VERSION += 1
    ledger_module.SCHEMA_VERSION += 1
    ledger_module.MIGRATIONS = {old: "CREATE TABLE more (a TEXT); CREATE INDEX mores ON more (a)"}


async def live(folder: Path, rounds: int = ROUNDS, synchronous: str = "full") -> None:
    """One life."""
    store, spill = Store(folder, 2**26, synchronous), Spill(folder / "spill" / "sink", 2**26)
    kept = find(store)
    ledger = Ledger(folder / LEDGER_FILE)
    for run in ledger.runs(Query()):
        say(f"has ledger {run.run_id}")
    store.start()
    spill.open()
    for one in list(spill.waiting):
        say(f"has spill {int.from_bytes(spill.read(one)[:8], 'big')}")
    await store.renew([((entry.kind, entry.key), entry.body or b"") for entry in kept])
    say("ready")
    named = [int.from_bytes(entry.key, "big") for entry in kept if entry.kind == "n"]
    first = 1 + max(named, default=0)
    for number in range(first, first + rounds):
        if not await happen(store, spill, ledger, number):
            return
    store.stop(5)
    spill.stop(5)
    ledger.close()
    say("end")


def find(store: Store) -> list[Entry]:
    """What the journal holds."""
    found = store.read()
    if found.trouble or found.damaged:
        say(f"trouble {found.trouble} {found.damaged}")
    kept = list(found.entries())
    for entry in kept:
        if entry.kind == "n":
            say(f"has journal {int.from_bytes(entry.key, 'big')} {(entry.body or b'')[:8].hex()}")
    return kept


async def happen(store: Store, spill: Spill, ledger: Ledger, number: int) -> bool:
    """One round; False where a disk failed."""
    name = number.to_bytes(8, "big")
    # A close: one entry comes, another goes, a counter moves, all or nothing.
    await store.commit({("n", name): name + BODY, ("row", name): BODY, ("count", b""): name})
    if store.trouble:
        say(f"trouble {store.trouble}")
        return False
    say(f"journal {number}")
    await store.commit({("row", name): None})
    stored = await spill.store(0, 1, name + BODY, number)
    if stored is None:
        say(f"trouble {spill.trouble}")
        return False
    spill.put_back(stored)
    say(f"spill {number}")
    if number % 3 == 0:
        taken = spill.take()
        say(f"delivered {int.from_bytes(spill.read(taken)[:8], 'big')}")
        spill.done(taken)
    names = ("agent", "environment", "release", "task_type", "outcome", "path")
    run = LedgerRun(
        run_id=str(number),
        counted_ns=number,
        end_ns=number,
        body={"x": "y" * 4_000},
        **dict.fromkeys(names, ""),
    )
    ledger.write([run])
    say(f"ledger {number}")
    ledger.expire(0, KEPT_RUNS)
    return True


if __name__ == "__main__":
    if "--next" in sys.argv[2:]:
        be_newer()
    chosen = "normal" if "--normal" in sys.argv[2:] else "full"
    asyncio.run(live(Path(sys.argv[1]), synchronous=chosen))
