"""`agentslo contain`: hold an agent back at once, see whether it obeys, let it go again.

In: the storage directory, who runs it. Out: the containments as they are then; the flag file that
agents read. Exit codes: 0 done, 1 usage or storage, 2 a containment in force has no effect, 4
refused.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial

from agentslo.cli.storage import actor, add_storage, duty, storage
from agentslo.config.kinds import Duration, Fault
from agentslo.config.playbook_options import ACTIONS
from agentslo.config.problems import ConfigError
from agentslo.respond.containment import MAX_S, Containment, Effect, Wish
from agentslo.respond.duty import Duty
from agentslo.respond.rights import Actor, Refused
from agentslo.service.report import rfc3339
from agentslo.store.decisions import DecisionsError
from agentslo.store.ledger import LedgerError

Handler = Callable[[argparse.Namespace, Duty, Actor], int]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("contain", help="hold an agent back, and let it go again")
    commands = parser.add_subparsers(
        dest="what", metavar="do|undo|extend|status|drill", required=True
    )

    def command(name: str, about: str, func: Handler) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about)
        add_storage(made)
        made.set_defaults(func=partial(_run, func))
        return made

    for name, about, func in (
        ("do", "put a containment in force", _do),
        ("drill", "put one in force for a minute, for practice", _drill),
    ):
        done = command(name, about, func)
        done.add_argument("--agent", required=True, help="the agent to hold back")
        done.add_argument("--action", required=True, choices=ACTIONS, help="how")
        done.add_argument("--tool", default="", help="with disable_tool: which")
        done.add_argument("--value", default="", help="autonomy left, or name of the safe prompt")
        done.add_argument("--version", action="append", default=[], help="only these versions")
        done.add_argument("--environment", default="", help="where its effect is looked for")
        done.add_argument("--incident", default="", help="number of the incident it is for")
        done.add_argument("--reason", default="", help="why; needed without --incident")
        if name == "do":
            done.add_argument("--for", dest="for_s", default="", help="such as 4h (default), 2d")
    extended = command("extend", "give one more time, from now", _extend)
    extended.add_argument("id", metavar="ID", help="number of the containment")
    extended.add_argument("--for", dest="for_s", default="4h", help="such as 4h (default), 2d")
    undone = command("undo", "lift one", _undo)
    undone.add_argument("id", metavar="ID", help="number of the containment")
    undone.add_argument("--reason", default="", help="why it may be lifted")
    status = command("status", "what is in force, and whether runs obey", _status)
    status.add_argument("--agent", default="", help="only this agent")


def _run(func: Handler, arguments: argparse.Namespace) -> int:
    try:
        found = storage(arguments)
        return func(arguments, duty(found), actor(found))
    except Refused as refusal:
        sys.stderr.write(f"agentslo contain: refused: {refusal}\n")
        return 4
    except (ConfigError, DecisionsError, LedgerError, Fault, OSError) as error:
        sys.stderr.write(f"agentslo contain: {error}\n")
        return 1


def _wish(arguments: argparse.Namespace, for_s: float, reason: str) -> Wish:
    return Wish(
        agent=arguments.agent,
        action=arguments.action,
        tool=arguments.tool,
        value=arguments.value,
        versions=tuple(arguments.version),
        environment=arguments.environment,
        incident=arguments.incident,
        reason=reason,
        for_s=for_s,
    )


def _do(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
    reason = arguments.reason or (f"incident {arguments.incident}" if arguments.incident else "")
    for_s = _seconds(arguments.for_s) if arguments.for_s else 0.0
    return _print(arguments, on_duty.contain(who, _wish(arguments, for_s, reason), time.time_ns()))


def _drill(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
    if arguments.action == "kill_switch":
        raise Refused("a kill switch does not expire, so it is nothing to practise with")
    wish = _wish(arguments, 60.0, f"drill {arguments.reason}".strip())
    return _print(arguments, on_duty.contain(who, wish, time.time_ns()))


def _extend(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
    for_s, now_ns = _seconds(arguments.for_s), time.time_ns()
    return _print(arguments, on_duty.extend(who, arguments.id, for_s, now_ns))


def _undo(arguments: argparse.Namespace, on_duty: Duty, who: Actor) -> int:
    return _print(arguments, on_duty.undo(who, arguments.id, arguments.reason, time.time_ns()))


def _seconds(text: str) -> float:
    return float(Duration(1, MAX_S).parse(text))


def _print(arguments: argparse.Namespace, one: Containment) -> int:
    now_ns = time.time_ns()
    if arguments.json:
        sys.stdout.write(json.dumps(as_json(one, None, now_ns), indent=2) + "\n")
    else:
        sys.stdout.write(f"{line(one, now_ns)}\n")
        if one.holds(now_ns):
            sys.stdout.write(f"  whether it works: agentslo contain status --agent {one.agent}\n")
    return 0


def _status(arguments: argparse.Namespace, on_duty: Duty, _who: Actor) -> int:
    now_ns = time.time_ns()
    held = [c for c in on_duty.containments(arguments.agent) if c.holds(now_ns)]
    # A crash between a decision and the file leaves the file behind; whoever looks mends it.
    on_duty.write_flags(now_ns)
    found = [(one, on_duty.effect(one, now_ns)) for one in held]
    if arguments.json:
        said = [as_json(one, effect, now_ns) for one, effect in found]
        sys.stdout.write(json.dumps(said, indent=2) + "\n")
    for one, effect in () if arguments.json else found:
        word = {True: "works", False: "DOES NOT WORK", None: "cannot be told yet"}
        sys.stdout.write(f"{line(one, now_ns)}\n  {word[effect.effective]}: {effect.why}\n")
        for run in effect.runs[:5]:
            sys.stdout.write(f"  agentslo runs show {run}\n")
    if not arguments.json:
        sys.stderr.write(f"{len(found)} containments in force\n")
    return 2 if any(effect.effective is False for _, effect in found) else 0


def line(one: Containment, now_ns: int) -> str:
    """One containment on one line."""
    what = " ".join(filter(None, (one.action, one.tool, one.value, *one.versions)))
    if not one.holds(now_ns):
        until = "no longer in force"
    else:
        until = f"until {rfc3339(one.expires_ns)[:19]}" if one.expires_ns else "until lifted"
    return f"containment {one.id}  {one.agent}  {what}  {until}  {one.actor}: {one.reason}"


def as_json(one: Containment, effect: Effect | None, now_ns: int) -> dict[str, object]:
    """One containment as values."""
    return {
        "id": one.id,
        "agent": one.agent,
        "environment": one.environment or None,
        "action": one.action,
        "tool": one.tool or None,
        "value": one.value or None,
        "versions": list(one.versions),
        "done": rfc3339(one.done_ns),
        "expires": rfc3339(one.expires_ns) if one.expires_ns else None,
        "in_force": one.holds(now_ns),
        "actor": one.actor,
        "reason": one.reason,
        "incident": one.incident or None,
        "effective": effect.effective if effect else None,
        "why": effect.why if effect else None,
    }
