"""`agentslo gate release|launch|except|end`: whether a release may go out, who lets it pass anyway.

In: Prometheus or the local ledger, agent files, exceptions. Out: the decision with its numbers, in
words or JSON; recorded where a storage directory is given. Exit codes: 0 pass, 1 usage or
configuration, 2 fail, 3 inconclusive, 4 refused.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from functools import partial
from os import environ
from pathlib import Path
from typing import get_args

from agentslo.cli.checklist import add_common, show
from agentslo.cli.gate_words import report, words
from agentslo.cli.storage import Storage, actor, add_storage, desk, storage
from agentslo.config.agent_options import AgentFile, Releases, defaults
from agentslo.config.kinds import Duration, Fault
from agentslo.config.problems import ConfigError
from agentslo.config.service_file import ServiceConfig, load
from agentslo.respond.desk import Ask as DeskAsk
from agentslo.respond.desk import Draft, Rule
from agentslo.respond.exceptions import COVERS, GIVEN, MAX_AGE_S, draft, end, in_force
from agentslo.respond.from_ledger import from_ledger
from agentslo.respond.from_prometheus import from_prometheus
from agentslo.respond.gates import (
    EXIT_CODES,
    RECORDED,
    Ask,
    Change,
    Evidence,
    GateDecision,
    decide,
)
from agentslo.respond.rights import Refused
from agentslo.store.audit import audit
from agentslo.store.decisions import Book, DecisionsError, Entry
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerError
from agentslo.watch.prometheus import Prometheus, PrometheusError


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("gate", help="ask whether a release may go out")
    commands = parser.add_subparsers(
        dest="what", metavar="release|launch|except|end", required=True
    )
    release = commands.add_parser("release", help="pass, fail or inconclusive, with the numbers")
    _add_common(release)
    release.add_argument("--prometheus", metavar="URL", help="ask a Prometheus, not the ledger")
    release.add_argument("--release", default="", help="the release that is to go out")
    release.add_argument(
        "--change",
        choices=get_args(Change),
        default="feature",
        help="what it changes: a spent budget holds features alone, and a rollback always passes",
    )
    release.add_argument("--min-runs", type=float, default=20, help="fewer are inconclusive")
    release.add_argument("--max-age", default="24h", help="without a run for so long: stale")
    release.set_defaults(func=_release)
    launch = add_common(commands.add_parser("launch", help="whether an agent may go live"))
    launch.set_defaults(func=partial(show, "prelaunch"))
    given = commands.add_parser("except", help="let a release pass what the gate holds, for a time")
    _add_common(given)
    given.add_argument("--release", default="", help="this one alone (default: every one)")
    given.add_argument(
        "--covers", action="append", choices=COVERS, required=True, help="may be repeated"
    )
    given.add_argument("--reason", required=True, help="stands in every decision it lets pass")
    given.add_argument("--for", dest="for_", default="24h", help="how long, 14 days at most")
    given.set_defaults(func=_except)
    ended = commands.add_parser("end", help="end an exception before it expires")
    _add_common(ended)
    ended.add_argument("--number", type=int, required=True, help="as `gate except` printed it")
    ended.set_defaults(func=_end)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_storage(parser)
    parser.add_argument("--agent", required=True, help="as in its metrics")
    parser.add_argument("--environment", default="production")


def _release(arguments: argparse.Namespace) -> int:
    now_ns = time.time_ns()
    try:
        config = _config(arguments)
        directory = arguments.storage or config.storage.directory
        file = next((a for a in config.agents if a.name == arguments.agent), None)
        ask = Ask(
            agent=arguments.agent,
            environment=arguments.environment,
            release=arguments.release,
            change=arguments.change,
            now_ns=now_ns,
            min_runs=arguments.min_runs,
            max_age_s=float(Duration(60, 90 * 86_400).parse(arguments.max_age)),
            releases=file.releases if file else Releases(),
        )
        evidence = _evidence(arguments, config, file, ask)
        if directory:
            found = Storage(directory=Path(directory), config=config)
            decision = _recorded(found, ask, evidence)
        else:
            decision = decide(ask, evidence, ())
    except (ConfigError, DecisionsError, Fault, PrometheusError) as error:
        sys.stderr.write(f"agentslo gate: {error}\n")
        return 1
    said = report(ask, evidence, decision)
    text = json.dumps(said, indent=2) if arguments.json else words(ask, evidence, decision)
    sys.stdout.write(text + "\n")
    return EXIT_CODES[decision.result]


def _config(arguments: argparse.Namespace) -> ServiceConfig:
    named = arguments.config or environ.get("AGENTSLO_CONFIG")
    return load(Path(named) if named else None, environ)


def _evidence(
    arguments: argparse.Namespace, config: ServiceConfig, file: AgentFile | None, ask: Ask
) -> Evidence:
    if arguments.prometheus:
        token = environ.get("AGENTSLO_PROMETHEUS_TOKEN", "")
        return from_prometheus(Prometheus(arguments.prometheus, token), file, ask)
    directory = arguments.storage or config.storage.directory
    if not directory:
        raise DecisionsError("nothing to ask: give --prometheus URL or --storage DIR")
    declared = file or defaults(config.slos, config.environments)
    try:
        with Ledger(Path(directory) / LEDGER_FILE, read_only=True) as ledger:
            return from_ledger(ledger, declared, ask)
    except LedgerError as error:
        return Evidence(source="the ledger", trouble=str(error))


def _recorded(found: Storage, ask: Ask, evidence: Evidence) -> GateDecision:
    """The decision with exceptions, in the same transaction that records it."""
    taking = desk(found)
    try:
        sound = not audit(found.directory, {}).problems
        with taking.decisions.writing(ask.now_ns) as book:
            rows = book.rows(agent=ask.agent, kind=GIVEN)
            written = book.rows(agent=ask.agent, kind="incident.post_mortem")
            ask = replace(ask, post_mortem_ns=max((r.time_ns for r in written), default=0))
            exceptions = in_force(rows, ask.agent, ask.environment, ask.release, ask.now_ns)
            if not sound:
                trouble = "the recorded decisions were changed: see `agentslo audit verify`"
                evidence = Evidence(source=evidence.source, trouble=trouble)
            decision = decide(ask, evidence, exceptions if sound else ())
            body = report(ask, evidence, decision)
            book.add(
                Entry(
                    kind=RECORDED,
                    subject=f"gate/{ask.agent}",
                    agent=ask.agent,
                    actor="agentslo",
                    role="machine",
                    rights=found.config.revision,
                    body=body,
                )
            )
        return decision
    finally:
        taking.decisions.close()


def _except(arguments: argparse.Namespace) -> int:
    now_ns = time.time_ns()
    try:
        lasts_s = float(Duration(60, MAX_AGE_S).parse(arguments.for_))
    except Fault as fault:
        sys.stderr.write(f"agentslo gate: --for: {fault.what}; {fault.fix}\n")
        return 1

    def rule(_: Book) -> list[Draft]:
        return [
            draft(
                agent=arguments.agent,
                environment=arguments.environment,
                release=arguments.release,
                covers=sorted(set(arguments.covers)),
                reason=arguments.reason,
                until_ns=now_ns + int(lasts_s * 1e9),
            )
        ]

    return _take(arguments, now_ns, "gate except", rule)


def _end(arguments: argparse.Namespace) -> int:
    def rule(book: Book) -> list[Draft]:
        return end(book, arguments.agent, arguments.number)

    return _take(arguments, time.time_ns(), "gate end", rule)


def _take(arguments: argparse.Namespace, now_ns: int, wants: str, rule: Rule) -> int:
    try:
        found = storage(arguments)
        taking = desk(found)
        try:
            ask = DeskAsk(
                actor=actor(found),
                right="rollout",
                agent=arguments.agent,
                subject=f"gate/{arguments.agent}",
                wants=wants,
            )
            (made,) = taking.take(ask, now_ns, rule)
        finally:
            taking.decisions.close()
    except Refused as refusal:
        sys.stderr.write(f"agentslo gate: refused: {refusal}\n")
        return 4
    except (ConfigError, DecisionsError) as error:
        sys.stderr.write(f"agentslo gate: {error}\n")
        return 1
    said = {"number": made.seq, "kind": made.kind, "actor": made.actor, "role": made.role}
    words_of = f"exception {made.body.get('number', made.seq)} of {made.agent}: {made.kind}"
    sys.stdout.write((json.dumps(said) if arguments.json else words_of) + "\n")
    return 0
