"""`agentslo runs list|show|export`: looking back at counted runs.

In: the ledger of a service (`storage.directory`, or --ledger). Out: a table, a timeline or JSON.
Exit codes: 0 done, 1 the ledger cannot be read, 3 nothing was found.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from os import environ
from pathlib import Path
from typing import Any

from agentslo.cli.explain import lines as explained
from agentslo.config.kinds import Duration, Fault
from agentslo.config.problems import ConfigError
from agentslo.config.service_file import load
from agentslo.outcomes.groups import BAD, ENDED, GOOD
from agentslo.service.report import rfc3339
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerError, LedgerRun, Query


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("runs", help="look back at counted runs")
    commands = parser.add_subparsers(dest="what", metavar="list|show|export", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, help="service file that names the storage")
    shared.add_argument("--ledger", type=Path, help="the ledger file itself")
    shared.add_argument("--json", action="store_true", help="print JSON")
    listed = commands.add_parser("list", parents=[shared], help="the newest runs")
    listed.add_argument("--agent", default="")
    listed.add_argument("--environment", default="")
    listed.add_argument("--outcome", action="append", default=[], help="may be repeated")
    listed.add_argument("--bad", action="store_true", help="only runs that went wrong")
    listed.add_argument("--slo", default="", help="only runs this objective counts as bad")
    listed.add_argument("--since", default="7d", help="how far back (default 7d)")
    listed.add_argument("--limit", type=int, default=50)
    show = commands.add_parser("show", parents=[shared], help="one run's timeline")
    show.add_argument("run", metavar="RUN")
    export = commands.add_parser("export", parents=[shared], help="one run as a JSON bundle")
    export.add_argument("run", metavar="RUN")
    export.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the sub-command."""
    try:
        with Ledger(_file(arguments), read_only=True) as ledger:
            match arguments.what:
                case "list":
                    return _list(ledger, arguments)
                case "show":
                    return _show(ledger, arguments)
                case _:
                    return _export(ledger, arguments)
    except (LedgerError, ConfigError, Fault, OSError) as error:
        sys.stderr.write(f"agentslo runs: {error}\n")
        return 1


def _file(arguments: argparse.Namespace) -> Path:
    if arguments.ledger:
        return Path(arguments.ledger)
    named = arguments.config or environ.get("AGENTSLO_CONFIG")
    config = load(Path(named) if named else None, environ)
    if not config.storage.directory:
        raise LedgerError("no ledger: give --ledger FILE, or a service file with storage.directory")
    return Path(config.storage.directory) / LEDGER_FILE


def _list(ledger: Ledger, arguments: argparse.Namespace) -> int:
    since_s = float(Duration(0, 3_650 * 86_400).parse(arguments.since))
    query = Query(
        agent=arguments.agent,
        environment=arguments.environment,
        outcomes=(*arguments.outcome, *(BAD if arguments.bad else ())),
        slo=arguments.slo,
        since_ns=time.time_ns() - int(since_s * 1e9),
        limit=arguments.limit,
    )
    found = list(ledger.runs(query))
    if arguments.json:
        sys.stdout.write(json.dumps([dict(r.body["run"]) for r in found], indent=2) + "\n")
    else:
        for row in found:
            line = row.body["run"]
            sys.stdout.write(
                f"{rfc3339(row.end_ns)[:19]}  {row.agent}  {row.environment}  {row.outcome}  "
                f"{line['reason']}  {line['duration_s']} s  {row.run_id}\n"
            )
        sys.stderr.write(f"{len(found)} runs\n")
    return 0 if found else 3


def _find(ledger: Ledger, run_id: str) -> LedgerRun | None:
    found = ledger.run(run_id)
    if found is None:
        sys.stderr.write(f"agentslo runs: {run_id}: not in the ledger, or not the only one\n")
    return found


def _show(ledger: Ledger, arguments: argparse.Namespace) -> int:
    found = _find(ledger, arguments.run)
    if found is None:
        return 3
    if arguments.json:
        sys.stdout.write(json.dumps(bundle(ledger, found), indent=2) + "\n")
        return 0
    for line in (*explained(found.body), *_history(ledger, found)):
        sys.stdout.write(line + "\n")
    return 0


def _history(ledger: Ledger, found: LedgerRun) -> Iterator[str]:
    versions = found.body["versions"]
    yield f"versions: agent {versions['agent'] or '-'}, models {', '.join(versions['models'])}"
    yield f"release {found.release}, task type {found.task_type or '-'}"
    step = departure(ledger, found)
    yield f"path: {found.path.replace('>', ' > ') or 'no tool was called'}"
    if step is not None:
        yield f"first step off the usual path: {step}"
    for correction in ledger.corrections(found.run_id):
        when = rfc3339(correction.time_ns)[:19]
        yield f"corrected {when}: {correction.before} -> {correction.after} ({correction.source})"


def departure(ledger: Ledger, found: LedgerRun) -> str | None:
    """The first tool call in which a run leaves the commonest path of its task's good runs."""
    usual = ledger.usual_path(found.agent, found.task_type, (*GOOD, *ENDED))
    if usual is None or usual == found.path:
        return None
    took, expected = found.path.split(">"), usual.split(">")
    for place, (mine, theirs) in enumerate(zip(took, expected, strict=False), start=1):
        if mine != theirs:
            return f"call {place} was {mine or 'none'}, usually {theirs or 'none'}"
    place = min(len(took), len(expected)) + 1
    more = took[place - 1] if len(took) >= place else "none"
    return (
        f"call {place} was {more}, usually {'none' if len(took) >= place else expected[place - 1]}"
    )


def bundle(ledger: Ledger, found: LedgerRun) -> dict[str, Any]:
    """Everything that is kept of a run."""
    return {
        **found.body,
        "release": found.release,
        "path": found.path.split(">") if found.path else [],
        "first_step_off_the_usual_path": departure(ledger, found),
        "corrections": [
            {"time": rfc3339(c.time_ns), "from": c.before, "to": c.after, "source": c.source}
            for c in ledger.corrections(found.run_id)
        ],
    }


def _export(ledger: Ledger, arguments: argparse.Namespace) -> int:
    found = _find(ledger, arguments.run)
    if found is None:
        return 3
    text = json.dumps(bundle(ledger, found), indent=2) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    else:
        sys.stdout.write(text)
    return 0
