"""`agentslo audit verify|list`: whether the decisions are those that were recorded, and which.

In: the storage directory. Out: what is wrong, or the newest head to keep elsewhere. Exit codes: 0
every row is as recorded, 1 it cannot be read, 2 a row was changed, added, moved or taken away.
"""

import argparse
import json
import re
import sys

from agentslo.cli.storage import add_storage, storage
from agentslo.config.problems import ConfigError
from agentslo.service.report import rfc3339
from agentslo.store.audit import Audit, audit
from agentslo.store.decisions import DecisionsError, open_decisions

_HEAD = re.compile(r"(\d{1,12}):([0-9a-f]{64})")
CANNOT = (
    "What this cannot prove: rows that were cut off after the newest head you gave, and anything "
    "against somebody who can read the key."
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("audit", help="check and list the recorded decisions")
    commands = parser.add_subparsers(dest="what", metavar="verify|list", required=True)
    verify = commands.add_parser("verify", help="check every row against its chain")
    add_storage(verify)
    verify.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="SEQ:DIGEST",
        help="a head that was published (log, metric, an earlier verify); may be repeated",
    )
    verify.set_defaults(func=_verify)
    listed = commands.add_parser("list", help="the decisions, oldest first")
    add_storage(listed)
    listed.add_argument("--agent", default="")
    listed.add_argument("--subject", default="", help="such as incident/3")
    listed.add_argument("--kind", default="", help="the start of one, such as contain")
    listed.set_defaults(func=_list)


def _verify(arguments: argparse.Namespace) -> int:
    heads: dict[int, str] = {}
    for text in arguments.head:
        found = _HEAD.fullmatch(text)
        if found is None:
            sys.stderr.write(f"agentslo audit: {text}: write --head SEQ:DIGEST\n")
            return 1
        heads[int(found[1])] = found[2]
    try:
        result = audit(storage(arguments).directory, heads)
    except (DecisionsError, ConfigError) as error:
        sys.stderr.write(f"agentslo audit: {error}\n")
        return 1
    _print(result, as_json=arguments.json)
    return 2 if result.problems else 0


def _print(result: Audit, *, as_json: bool) -> None:
    if as_json:
        said = {
            "rows": result.rows,
            "first_bad": result.first_bad or None,
            "problems": list(result.problems),
            "head": result.head,
            "cannot_prove": CANNOT,
        }
        sys.stdout.write(json.dumps(said, indent=2) + "\n")
        return
    for problem in result.problems:
        sys.stdout.write(problem + "\n")
    word = "NOT as recorded" if result.problems else "as recorded"
    sys.stdout.write(f"{result.rows} decisions, {word}; head {result.head}\n{CANNOT}\n")


def _list(arguments: argparse.Namespace) -> int:
    try:
        decisions = open_decisions(storage(arguments).directory, read_only=True)
    except (DecisionsError, ConfigError) as error:
        sys.stderr.write(f"agentslo audit: {error}\n")
        return 1
    found = decisions.rows(subject=arguments.subject, agent=arguments.agent, kind=arguments.kind)
    decisions.close()
    for row in found:
        if arguments.json:
            values = {
                "seq": row.seq,
                "time": rfc3339(row.time_ns),
                "kind": row.kind,
                "subject": row.subject,
                "agent": row.agent,
                "actor": row.actor,
                "role": row.role,
                "rights": row.rights,
                "body": row.body,
                "digest": row.digest,
            }
            sys.stdout.write(json.dumps(values) + "\n")
        else:
            sys.stdout.write(
                f"{row.seq:>6}  {rfc3339(row.time_ns)[:19]}  {row.kind:<22}  {row.subject}  "
                f"{row.agent or '-'}  {row.actor} ({row.role})\n"
            )
    sys.stderr.write(f"{len(found)} decisions\n")
    return 0
