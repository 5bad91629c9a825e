"""`agentslo baseline relearn`: give up an agent's baseline, and say why.

In: agent, environment, a reason; who asks. Out: a recorded decision, which a running service
follows at its next scrape. Exit codes: 0 recorded, 1 the storage cannot be used, 4 refused.
"""

import argparse
import json
import sys
import time

from agentslo.cli.storage import actor, desk, storage
from agentslo.respond.desk import Ask
from agentslo.respond.rebaseline import draft
from agentslo.respond.rights import Refused
from agentslo.store.decisions import DecisionsError
from agentslo.watch.baseline import BaselineError
from agentslo.watch.shelf import Shelf


def run(arguments: argparse.Namespace) -> int:
    """Records the decision."""
    at = (arguments.agent, arguments.environment)
    try:
        found = storage(arguments)
        kept = Shelf(found.directory).get(*at)
        taking = desk(found)
        try:
            ask = Ask(
                actor=actor(found),
                right="rollout",
                agent=arguments.agent,
                subject=f"baseline/{arguments.agent}",
                wants="baseline relearn",
            )
            decided = draft(at, arguments.reason, kept.digest if kept else "")
            (made,) = taking.take(ask, time.time_ns(), lambda _: [decided])
        finally:
            taking.decisions.close()
    except Refused as refusal:
        sys.stderr.write(f"agentslo baseline: refused: {refusal}\n")
        return 4
    except (BaselineError, DecisionsError) as error:
        sys.stderr.write(f"agentslo baseline: {error}\n")
        return 1
    said = {"number": made.seq, "kind": made.kind, "actor": made.actor, "role": made.role}
    words = f"decision {made.seq}: {made.agent} learns its baseline anew"
    sys.stdout.write((json.dumps(said) if arguments.json else words) + "\n")
    return 0
