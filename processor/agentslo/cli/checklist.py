"""`agentslo checklist prelaunch|day30|quarterly|attest`: what is done of what should be.

In: the storage directory, the agent's file, its runs and decisions. Out: each item, why it stands
as it does, what mends it. Exit codes: 0 all of it holds, 1 usage or storage, 2 something is
missing, 3 something cannot be told, 4 refused.
"""

import argparse
import json
import sys
import time
from functools import partial
from typing import get_args

from agentslo.cli.storage import actor, add_storage, desk, storage
from agentslo.config.problems import ConfigError
from agentslo.respond import attestations
from agentslo.respond.checklists import LISTS, Checklist, Result, check, items, verdict
from agentslo.respond.desk import Ask
from agentslo.respond.known import known
from agentslo.respond.rights import Refused
from agentslo.store.decisions import DecisionsError
from agentslo.store.ledger import LedgerError

EXIT_CODES = {"ok": 0, "missing": 2, "unknown": 3}
MARKS = {"ok": "ok     ", "missing": "MISSING", "unknown": "unknown"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("checklist", help="what is done of what should be")
    commands = parser.add_subparsers(
        dest="what", metavar="prelaunch|day30|quarterly|attest", required=True
    )
    about = {
        "prelaunch": "before an agent goes live",
        "day30": "after its first month",
        "quarterly": "every quarter",
    }
    for name in get_args(Checklist):
        add_common(commands.add_parser(name, help=about[name])).set_defaults(
            func=partial(show, name)
        )
    given = add_common(commands.add_parser("attest", help="vouch for an item, with evidence"))
    given.add_argument("--item", required=True, choices=sorted(items()), help="which")
    given.add_argument("--evidence", required=True, help="where it can be seen: a link, a ticket")
    given.add_argument("--note", default="", help="what was found or decided")
    given.add_argument("--days", type=float, default=0, help="how long it holds (default: by item)")
    given.set_defaults(func=_attest)


def add_common(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The arguments of every checklist."""
    add_storage(parser)
    parser.add_argument("--agent", required=True, help="the agent's name")
    return parser


def show(name: Checklist, arguments: argparse.Namespace) -> int:
    """Print a checklist; gives the exit code."""
    try:
        found = storage(arguments)
        now_ns = time.time_ns()
        seen, attested = known(found.directory, found.config, arguments.agent, now_ns)
    except (ConfigError, DecisionsError, LedgerError, OSError) as error:
        sys.stderr.write(f"agentslo {arguments.command}: {error}\n")
        return 1
    results = check(name, seen, attested)
    state = verdict(results)
    if arguments.json:
        said = {"agent": arguments.agent, "checklist": name, "state": state}
        sys.stdout.write(json.dumps({**said, "items": as_json(results)}, indent=2) + "\n")
    else:
        for result in results:
            sys.stdout.write("\n".join(lines(result)) + "\n")
        count = sum(result.state == "ok" for result in results)
        sys.stdout.write(f"{name} of {arguments.agent}: {count} of {len(LISTS[name])} hold\n")
    return EXIT_CODES[state]


def lines(result: Result) -> list[str]:
    """One item as text."""
    out = [f"{MARKS[result.state]}  {result.item.name:<17} {result.item.asks} {result.why}"]
    out += [f"         see {one}" for one in result.evidence]
    if result.state != "ok" and result.mend:
        out.append(f"         do: {result.mend}")
    return out


def as_json(results: list[Result]) -> list[dict[str, object]]:
    """The items as values."""
    return [
        {
            "item": result.item.name,
            "asks": result.item.asks,
            "state": result.state,
            "why": result.why,
            "mend": result.mend or None,
            "evidence": list(result.evidence),
        }
        for result in results
    ]


def _attest(arguments: argparse.Namespace) -> int:
    try:
        found = storage(arguments)
        taking = desk(found)
        item = items()[arguments.item]
        now_ns = time.time_ns()
        ask = Ask(
            actor=actor(found),
            right="attest",
            agent=arguments.agent,
            subject=attestations.subject(arguments.agent),
            wants=f"checklist attest {item.name}",
        )
        (row,) = taking.take(
            ask,
            now_ns,
            lambda _: attestations.attested(
                *(arguments.agent, item.name, items(), arguments.evidence, arguments.note),
                arguments.days or item.days,
                now_ns,
            ),
        )
    except Refused as refusal:
        sys.stderr.write(f"agentslo checklist: refused: {refusal}\n")
        return 4
    except (ConfigError, DecisionsError, LedgerError, OSError) as error:
        sys.stderr.write(f"agentslo checklist: {error}\n")
        return 1
    sys.stdout.write(f"decision {row.seq}: {row.actor} ({row.role}) vouches for {item.name}\n")
    return 0
