"""`agentslo incident`: open, follow and close incidents.

In: the storage directory, who runs it. Out: the incident as it is then. Exit codes: 0 done, 1 usage
or storage, 3 there is none to list, 4 refused: the role or the state does not allow it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from agentslo.cli.incident_playbook import add_playbook
from agentslo.cli.storage import actor, add_storage, duty, storage
from agentslo.config.playbook_options import CATEGORIES, SEVERITIES
from agentslo.config.problems import ConfigError
from agentslo.respond import incidents, post_mortem
from agentslo.respond.desk import Draft
from agentslo.respond.duty import Duty
from agentslo.respond.incidents import Incident
from agentslo.respond.rights import Actor, Refused
from agentslo.service.report import rfc3339
from agentslo.store.decisions import DecisionsError
from agentslo.store.ledger import LedgerError

Handler = Callable[[argparse.Namespace, Duty, Actor], int]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("incident", help="open, follow and close incidents")
    commands = parser.add_subparsers(
        dest="what",
        metavar="open|list|show|advise|ack|note|classify|resolve|draft|close|playbook",
        required=True,
    )

    def command(name: str, about: str, func: Handler) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about)
        add_storage(made)
        made.set_defaults(func=partial(_run, func))
        if name not in ("open", "list"):
            made.add_argument("id", metavar="ID", help="number of the incident")
        return made

    opened = command("open", "open one by hand", _open)
    opened.add_argument("--agent", required=True, help="the agent it is about")
    opened.add_argument("--environment", default="production", help="default: production")
    opened.add_argument("--category", choices=CATEGORIES, default="undetermined", help="its kind")
    opened.add_argument("--severity", choices=SEVERITIES, default="", help="default: by category")
    opened.add_argument("title", metavar="TITLE", help="what is wrong, in one line")
    listed = command("list", "those that are not closed", _list)
    listed.add_argument("--all", action="store_true", help="closed ones too")
    command("show", "one incident with its timeline", _show)
    command("advise", "what to do next, and why", _advise)
    command("ack", "take it", _step("ack", lambda _: incidents.acknowledged))
    noted = command("note", "add a line", _step("note", _text(incidents.noted)))
    noted.add_argument("text", metavar="TEXT", help="the line")
    changed = command("classify", "change its kind or severity", _classify)
    changed.add_argument("--category", choices=CATEGORIES, default="", help="its kind")
    changed.add_argument("--severity", choices=SEVERITIES, default="", help="how bad")
    ended = command("resolve", "the harm has stopped", _step("resolve", _text(incidents.resolved)))
    ended.add_argument("text", metavar="HOW", help="what ended it")
    command("draft", "a post-mortem with the facts filled in", _draft)
    closed = command("close", "done with, with its post-mortem", _close)
    closed.add_argument("--with", dest="file", type=Path, help="the post-mortem")
    add_playbook(commands)


def _run(func: Handler, arguments: argparse.Namespace) -> int:
    try:
        found = storage(arguments)
        return func(arguments, duty(found), actor(found))
    except Refused as refusal:
        sys.stderr.write(f"agentslo incident: refused: {refusal}\n")
        return 4
    except (ConfigError, DecisionsError, LedgerError, OSError) as error:
        sys.stderr.write(f"agentslo incident: {error}\n")
        return 1


def _open(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
    made = on_duty.open(
        who,
        agent=arguments.agent,
        environment=arguments.environment,
        category=arguments.category,
        severity=arguments.severity,
        title=arguments.title,
        now_ns=time.time_ns(),
    )
    return _print(arguments, on_duty, made)


def _step(
    name: str, rule: Callable[[argparse.Namespace], Callable[[Incident], Sequence[Draft]]]
) -> Handler:
    def handle(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
        now_ns = time.time_ns()
        found = on_duty.change(who, arguments.id, name, now_ns, rule(arguments))
        return _print(arguments, on_duty, found)

    return handle


def _text(
    rule: Callable[[Incident, str], Sequence[Draft]],
) -> Callable[[argparse.Namespace], Callable[[Incident], Sequence[Draft]]]:
    return lambda arguments: lambda incident: rule(incident, arguments.text)


def _classify(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
    def rule(one: Incident) -> Sequence[Draft]:
        plays = on_duty.plays(one.agent)
        return incidents.reclassified(one, arguments.category, arguments.severity, plays)

    found = on_duty.change(who, arguments.id, "classify", time.time_ns(), rule)
    return _print(arguments, on_duty, found)


def _close(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
    text = arguments.file.read_text(encoding="utf-8") if arguments.file else None
    return _print(arguments, on_duty, on_duty.close(who, arguments.id, text, time.time_ns()))


def _draft(arguments: argparse.Namespace, on_duty: Duty, _who: Actor) -> int:
    sys.stdout.write(post_mortem.draft(on_duty.incident(arguments.id)))
    return 0


def _list(arguments: argparse.Namespace, on_duty: Duty, _who: Actor) -> int:
    found = [i for i in on_duty.incidents() if arguments.all or i.state != "closed"]
    if arguments.json:
        sys.stdout.write(json.dumps([as_json(i) for i in found], indent=2) + "\n")
    else:
        for one in found:
            sys.stdout.write(line(one) + "\n")
        sys.stderr.write(f"{len(found)} incidents\n")
    return 0 if found else 3


def _show(arguments: argparse.Namespace, on_duty: Duty, _who: Actor) -> int:
    return _print(arguments, on_duty, on_duty.incident(arguments.id))


def _advise(arguments: argparse.Namespace, on_duty: Duty, _who: Actor) -> int:
    found = on_duty.advise(arguments.id, time.time_ns())
    if arguments.json:
        said = [{"what": a.what, "why": a.why, "command": a.command or None} for a in found]
        sys.stdout.write(json.dumps(said, indent=2) + "\n")
        return 0
    for number, advice in enumerate(found, 1):
        sys.stdout.write(f"{number}. {advice.what}\n     because: {advice.why}\n")
        if advice.command:
            sys.stdout.write(f"     {advice.command}\n")
    return 0


def _print(arguments: argparse.Namespace, on_duty: Duty, one: Incident) -> int:
    if arguments.json:
        sys.stdout.write(json.dumps(as_json(one), indent=2) + "\n")
        return 0
    play = on_duty.plays(one.agent)[one.category]
    sys.stdout.write(f"{line(one)}\n  {one.category}: {play.means}\n")
    if one.exposure_usd is not None:
        sys.stdout.write(f"  bad runs cost {one.exposure_usd} USD so far\n")
    if one.at_stake_usd is not None:
        sys.stdout.write(f"  they would have been worth {one.at_stake_usd} USD\n")
    for run in one.evidence:
        sys.stdout.write(f"  evidence: agentslo runs show {run}\n")
    for row in one.timeline:
        said = row.body.get("text") or row.body.get("title") or row.body.get("containment") or ""
        if alert := row.body.get("alert"):
            said = f"{said} {alert['name']} {alert['status']}".strip()
        when = rfc3339(row.time_ns)[:19]
        sys.stdout.write(f"  {when}  {row.kind}  {row.actor} ({row.role})  {said}".rstrip() + "\n")
    return 0


def line(one: Incident) -> str:
    """One incident on one line."""
    firing = "  alert firing" if one.firing else ""
    return (
        f"incident {one.id}  {one.severity}  {one.state}  {one.agent}  {one.environment}  "
        f"{rfc3339(one.opened_ns)[:19]}  {one.title}{firing}"
    )


def as_json(one: Incident) -> dict[str, object]:
    """One incident as values; durations in seconds since it began, null where not yet."""

    def after(time_ns: int) -> float | None:
        return round((time_ns - one.began_ns) / 1e9, 3) if time_ns else None

    return {
        "id": one.id,
        "agent": one.agent,
        "environment": one.environment,
        "category": one.category,
        "severity": one.severity,
        "state": one.state,
        "title": one.title,
        "began": rfc3339(one.began_ns),
        "time_to_detect_s": after(one.opened_ns),
        "time_to_acknowledge_s": after(one.acknowledged_ns),
        "time_to_contain_s": after(one.contained_ns),
        "time_to_resolve_s": after(one.resolved_ns),
        "owner": one.owner or None,
        "firing": one.firing,
        "evidence": list(one.evidence),
        "exposure_usd": one.exposure_usd,
        "at_stake_usd": one.at_stake_usd,
        "containments": one.containments,
        "post_mortem": one.post_mortem,
        "timeline": [
            {"time": rfc3339(r.time_ns), "kind": r.kind, "actor": r.actor, "role": r.role}
            for r in one.timeline
        ],
    }
