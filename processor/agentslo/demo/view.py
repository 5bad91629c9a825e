"""The demo on a terminal: a picture while it runs, a summary at its end.

In: the stack, what was seen, time. Out: text. Pure.
"""

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from agentslo.demo.fleet import FLEET, Actor
from agentslo.demo.receiver import Arrival
from agentslo.demo.seen import AgentSeen, Seen
from agentslo.demo.stack import Stack

_BAR: Final = 40
DRIFT_S: Final = 150
"""How long the story must be for drift to be found, and to be worth a ticket."""
_ALERTS_SHOWN: Final = 6
_GOOD: Final = frozenset({"success", "completed", "safe_escalation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where the story is: seconds since its start, of how many, and when trouble begins."""

    at_s: float
    total_s: float
    trouble_s: float
    sent: int

    @property
    def trouble(self) -> bool:
        """Whether trouble has begun."""
        return self.at_s >= self.trouble_s


def started(stack: Stack, total_s: float, trouble_s: float) -> str:
    """What runs where, and what is missing; printed once."""
    lines = ["agentslo demo: eight agents, one stack, hours made minutes", ""]
    for part in stack.parts:
        where = f"missing: {part.missing}" if part.missing else part.url
        lines.append(f"  {part.name:13s} {part.does:30s} {where}")
    lines += [
        f"  {'who is called':13s} {'gets pages and tickets':30s} {stack.alerts.url}",
        "",
        (
            f"All is well for {trouble_s:.0f} s, then trouble until {total_s:.0f} s."
            " A minute of the alert rules is a second here."
        ),
        *([] if total_s >= DRIFT_S else [f"Drift needs {DRIFT_S} s: it will not show."]),
        "",
    ]
    return "\n".join(lines) + "\n"


def frame(stack: Stack, seen: Seen, moment: Moment) -> str:
    """One picture: progress, a line for each agent, the newest alerts."""
    done = min(_BAR, int(_BAR * moment.at_s / moment.total_s))
    phase = "trouble" if moment.trouble else "all is well"
    lines = [
        (
            f"[{'#' * done}{'.' * (_BAR - done)}] {moment.at_s:4.0f} of {moment.total_s:.0f} s"
            f"   {phase}   {moment.sent} runs sent"
        ),
        f"page {stack.url('page')}/   to stop: Ctrl-C",
        "",
        (
            f"  {'agent':15s}{'runs':>5s} {'failed':>6s}  {'worst outcome':15s}{'within SLO':12s}"
            f"{'safe to run':13s}alerts"
        ),
    ]
    firing = stack.alerts.firing()
    lines += [_line(actor, seen, firing) for actor in FLEET]
    lines += ["", *_newest(stack.alerts.arrived)]
    return "\n".join(lines) + "\n"


def _line(actor: Actor, seen: Seen, firing: Iterable[Arrival]) -> str:
    agent = seen.of(actor.name)
    bad = {k: n for k, n in agent.outcomes.items() if k not in _GOOD}
    worst = max(bad, key=lambda k: bad[k]) if bad else ""
    names = sorted({a.name.removeprefix("Agent") for a in firing if a.agent == actor.name})
    return (
        f"  {actor.name:15s}{agent.runs:5d} {sum(bad.values()):6d}  {worst:15s}"
        f"{agent.within_slo:12s}{agent.safe_to_run:13s}{', '.join(names)}"
    )


def _newest(arrived: Iterable[Arrival]) -> Iterator[str]:
    # An objective burns in several windows: one line is enough.
    last = {(a.who, a.status, a.name, a.agent): a for a in arrived if a.who != "deadman"}
    shown = sorted(last.values(), key=lambda a: a.at_s)[-_ALERTS_SHOWN:]
    yield "  Alerts that reached somebody, newest last:" if shown else "  No alert yet."
    for alert in shown:
        clock = time.strftime("%H:%M:%S", time.localtime(alert.at_s))
        yield f"  {clock} {alert.who:7s} {alert.status:9s} {alert.name}: {alert.summary}"[:150]


def summary(stack: Stack, seen: Seen, alerts: Iterable[Arrival]) -> str:
    """What happened to each agent, and where to look."""
    came = [a for a in alerts if a.who != "deadman" and a.status == "firing"]
    lines = ["", "What happened", ""]
    for actor in FLEET:
        lines += _told(actor, stack, seen, [a for a in came if a.agent == actor.name])
    return "\n".join([*lines, *_places(stack), ""]) + "\n"


def _told(actor: Actor, stack: Stack, seen: Seen, came: list[Arrival]) -> Iterator[str]:
    agent = seen.of(actor.name)
    yield f"{actor.name}: {actor.story}"
    yield f"  expected  {actor.expect}"
    yield f"  seen      {_outcomes(agent)}"
    if agent.missed:
        yield f"            budget spent: {', '.join(agent.missed)}"
    for who in ("page", "ticket"):
        names = sorted({a.name for a in came if a.who == who})
        if names:
            yield f"            {who}: {', '.join(names)}"
    for drift in seen.drifted.get(actor.name, ()):
        yield f"            drift: {drift}"
    for what, command in actor.look.items():
        if filled := _filled(command, actor, seen):
            yield f"  {what}:"
            yield f"    {program()} {filled} --config {stack.config}"
    yield ""


def _outcomes(agent: AgentSeen) -> str:
    if not agent.runs:
        return "no run was counted"
    counts = sorted(agent.outcomes.items(), key=lambda item: -item[1])
    return f"{agent.runs} runs: " + ", ".join(f"{n} {outcome}" for outcome, n in counts)


def _filled(command: str, actor: Actor, seen: Seen) -> str:
    """The command with its names; empty where a release it is about was not seen."""
    releases = seen.releases.get(actor.name, {})
    stable, canary = releases.get("1.0.0", ""), releases.get("1.1.0", "")
    if "{canary}" in command and not (stable and canary):
        return ""
    return command.format(agent=actor.name, stable=stable, canary=canary)


def _places(stack: Stack) -> Iterator[str]:
    folder = stack.folder
    yield "Where to look"
    yield ""
    yield "  Every alert names a command; it works as it stands after:"
    yield f"  export AGENTSLO_CONFIG={stack.config}"
    yield ""
    yield f"  page           {stack.url('page')}/   (an agent's name leads to its own page)"
    yield f"  metrics        {stack.url('metrics')}/metrics"
    for name, path in (("Prometheus", "/alerts"), ("Alertmanager", "/")):
        if stack.has(name):
            yield f"  {name:14s} {stack.url(name.lower())}{path}"
    if stack.has("Collector"):
        yield f"  back end       {folder / 'backend.jsonl'}   (every span, and the verdicts)"
    yield f"  alerts         {folder / 'alerts.jsonl'}   (each as its receiver got it)"
    yield f"  agent files    {folder / 'agents'}"
    yield f"  logs           {folder}/*.log"
    yield "  runbooks       alert-rules/runbooks/, boards: docs/boards.md (Grafana: make up)"


def program() -> str:
    """What to type for `agentslo`: its path, where it is not in PATH."""
    return "agentslo" if shutil.which("agentslo") else sys.argv[0]


def clear() -> str:
    """What empties a terminal before the next picture; nothing where output is no terminal."""
    return "\x1b[H\x1b[2J" if sys.stdout.isatty() else ""
