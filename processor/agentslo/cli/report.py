"""`agentslo report`, `daily` to `billing` and `privacy`: what happened, with what proves it.

In: the storage directory, the agent's file. Out: Markdown, or JSON. Exit codes: 0 printed, 1 usage
or storage, 3 there is no run to report of.
"""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

from agentslo.cli import privacy
from agentslo.cli.checklist import add_common
from agentslo.cli.storage import storage
from agentslo.config.kinds import Duration, Fault
from agentslo.config.problems import ConfigError
from agentslo.respond import reports
from agentslo.respond.known import known
from agentslo.service.report import rfc3339
from agentslo.store.decisions import DecisionsError
from agentslo.store.ledger import LedgerError

DAYS = {"daily": "1d", "day30": "30d", "quarterly": "92d", "governance": "92d", "billing": "30d"}
ABOUT = {
    "daily": "runs, objectives, failures, incidents",
    "day30": "the checklist of the first month, with the numbers",
    "quarterly": "the checklist of the quarter, with the numbers",
    "governance": "explain, prove, detect, recover",
    "billing": "outcomes that may be billed, and why not the others",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("report", help="what happened, with what proves it")
    commands = parser.add_subparsers(
        dest="what", metavar="|".join((*DAYS, "privacy")), required=True
    )
    for name, days in DAYS.items():
        made = add_common(commands.add_parser(name, help=ABOUT[name]))
        made.add_argument("--since", default=days, help=f"how far back (default {days})")
        made.set_defaults(func=partial(_run, name))
    made = commands.add_parser("privacy", help="what is kept where, for how long, and what leaves")
    made.add_argument("--config", type=Path, help="service file (default: AGENTSLO_CONFIG)")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(func=privacy.run)


def _run(name: str, arguments: argparse.Namespace) -> int:
    now_ns = time.time_ns()
    try:
        found = storage(arguments)
        days = float(Duration(60, 3_650 * 86_400).parse(arguments.since)) / 86_400
        seen, attested = known(found.directory, found.config, arguments.agent, now_ns, days)
    except (ConfigError, DecisionsError, LedgerError, Fault, OSError) as error:
        sys.stderr.write(f"agentslo report: {error}\n")
        return 1
    title = f"{name} report of {arguments.agent}, {arguments.since} to {rfc3339(now_ns)[:19]}Z"
    if name == "billing":
        _billing(title, arguments, reports.billing(seen.runs))
    else:
        if name == "governance":
            sections = reports.governance(seen, attested)
        elif name == "daily":
            sections = reports.daily(seen)
        else:
            sections = reports.checklist(
                "day30" if name == "day30" else "quarterly", seen, attested
            )
        if arguments.json:
            said = {"title": title, "sections": reports.as_json(sections)}
            sys.stdout.write(json.dumps(said, indent=2) + "\n")
        else:
            sys.stdout.write(reports.markdown(title, sections))
    return 0 if seen.runs else 3


def _billing(title: str, arguments: argparse.Namespace, rows: list[reports.Bill]) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps({"title": title, "outcomes": rows}, indent=2) + "\n")
        return
    sys.stdout.write(f"# {title}\n\n")
    for row in rows:
        word = "billable" if row["billable"] else f"not billable: {row['why_not']}"
        sys.stdout.write(f"- {row['end']}  {row['outcome']}  {row['run_id']}  {word}\n")
    count = sum(bool(row["billable"]) for row in rows)
    sys.stdout.write(f"\n{count} of {len(rows)} good outcomes may be billed\n")
