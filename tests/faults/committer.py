"""A process that commits to a store, tells what was committed, and is killed by who watches it.

In: a folder. Out: on standard output a line for each thing that is on disk: `journal N`, `spill N`,
`ready`. Each life puts, overwrites and deletes entries, has requests delivered, and makes what is
large enough for checkpoints. It reads what earlier lives left and says what is missing first.
"""

import asyncio
import sys
from pathlib import Path

from agentslo.store.spill import Spill
from agentslo.store.store import Store

ROUNDS = 12
BODY = b"x" * 20_000


def say(words: str) -> None:
    """Tell who watches, at once."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


async def live(folder: Path) -> None:
    """One life."""
    store, spill = Store(folder, 2**26), Spill(folder / "spill", 2**26)
    found = store.read()
    if found.trouble or found.damaged:
        say(f"trouble {found.trouble} {found.damaged}")
    kept = {(entry.kind, entry.key): entry.body for entry in found.entries()}
    for (kind, key), body in kept.items():
        if kind == "n":
            say(f"has journal {int.from_bytes(key, 'big')} {body[:8].hex()}")
    store.start()
    spill.open()
    for one in list(spill.waiting):
        say(f"has spill {int.from_bytes(spill.read(one)[:8], 'big')}")
    await store.renew(list(kept.items()))
    say("ready")
    first = 1 + max((int.from_bytes(k, "big") for kind, k in kept if kind == "n"), default=0)
    for number in range(first, first + ROUNDS):
        name = number.to_bytes(8, "big")
        # A close: one entry comes, another goes, a counter moves, all or nothing.
        await store.commit({("n", name): name + BODY, ("row", name): BODY, ("count", b""): name})
        if store.trouble:
            say(f"trouble {store.trouble}")
            return
        say(f"journal {number}")
        await store.commit({("row", name): None})
        stored = await spill.store(0, 1, name + BODY, number)
        if stored is None:
            say(f"trouble {spill.trouble}")
            return
        spill.put_back(stored)
        say(f"spill {number}")
        if number % 3 == 0:
            taken = spill.take()
            say(f"delivered {int.from_bytes(spill.read(taken)[:8], 'big')}")
            spill.done(taken)
    store.stop(5)
    spill.stop(5)
    say("end")


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1])))
