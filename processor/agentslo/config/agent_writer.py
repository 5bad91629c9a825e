"""A first agent file from what was seen: commented, with every guess marked as one.

In: a `SeenAgent`. Out: its file as text, which passes `check` with warnings at most. Pure. Limits
come from the 95th percentile seen.
"""

import math
import re
from collections.abc import Callable

from agentslo.config.agent_options import (
    AgentFile,
    AgentSlo,
    Escalation,
    EvaluationRule,
    Limits,
    Match,
    Task,
    Tool,
)
from agentslo.config.agent_schema import AGENT
from agentslo.config.kinds import Fault, Text, show_duration
from agentslo.config.seen_agent import SeenAgent, SeenTool
from agentslo.config.tool_names import guessed_effect
from agentslo.config.writing import written

MAX_TOOLS = 50
MAX_TASK_TYPES = 10
LIMIT_FACTOR = 3
"""A run beyond this many times the 95th percentile is no longer slow, it is lost."""

_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_PLAIN = Text(r"[^\s,](?:[^\n]{0,198}[^\s])?")


def file_name(seen: SeenAgent) -> str:
    """The name of the agent in its file, and of the file."""
    name = _NAME.sub("-", seen.agent or seen.service).strip("-_.")[:80].strip("-_.")
    return name or "agent"


def draft(seen: SeenAgent, name: str) -> str:
    """The commented file."""
    agent = _agent(seen, name)
    return _head(seen) + written(AGENT, agent, _notes(seen, agent))


def _agent(seen: SeenAgent, name: str) -> AgentFile:
    tools = tuple(_tool(tool) for tool in seen.tools[:MAX_TOOLS] if _fits(tool.name))
    return AgentFile(
        name=name,
        match=Match(
            agents=(seen.agent,) if _fits(seen.agent) else (),
            services=(seen.service,) if _fits(seen.service) else (),
        ),
        task=Task(
            unit=f"one run of {name}",
            ends_when="its root span ends",
            types=tuple(filter(_fits, seen.task_types))[:MAX_TASK_TYPES],
            limits=Limits(
                duration_s=_times(seen.p95_duration_s),
                cost_usd=_times(seen.p95_cost_usd),
                steps=_whole(_times(seen.p95_steps)),
                tokens=_whole(_times(seen.p95_tokens)),
            ),
        ),
        tools=tools,
        evaluations=tuple(
            EvaluationRule(name=name, dimension=dimension)
            for name, dimension in seen.evaluations.items()
            if _fits(name)
        ),
        slos=_slos(seen),
    )


def _fits(name: str) -> bool:
    """Whether a file can hold a name that telemetry brought."""
    try:
        return bool(name) and _PLAIN.parse(name) == name
    except Fault:
        return False


def _tool(seen: SeenTool) -> Tool:
    effect = "write" if seen.escalates else guessed_effect(seen.name) or "read"
    escalation = Escalation() if seen.escalates else None
    return Tool(name=seen.name, effect=effect, escalation=escalation)


def _slos(seen: SeenAgent) -> tuple[AgentSlo, ...]:
    judged = any(dimension == "success" for dimension in seen.evaluations.values())
    found = [
        AgentSlo(
            name="success",
            dimension="success",
            objective_ratio=0.90,
            min_evidence="evaluator" if judged else "heuristic",
        ),
        AgentSlo(
            name="latency",
            dimension="latency",
            objective_ratio=0.95,
            limit=max(1.0, rounded_up(seen.p95_duration_s or 60.0)),
        ),
        AgentSlo(
            name="safety", dimension="safety", objective_ratio=0.999, min_evidence="heuristic"
        ),
    ]
    if seen.p95_cost_usd:
        limit = max(0.000001, rounded_up(seen.p95_cost_usd))
        cost = AgentSlo(name="cost", dimension="cost", objective_ratio=0.95, limit=limit)
        found.append(cost)
    return tuple(found)


def rounded_up(value: float) -> float:
    """`value` with two digits, not below it."""
    if value <= 0:
        return 0.0
    places = 1 - math.floor(math.log10(value))
    scaled = math.ceil(round(value * 10.0**places, 6))
    return round(scaled / 10.0**places, max(0, places))


def _times(value: float | None) -> float | None:
    return rounded_up(value * LIMIT_FACTOR) if value else None


def _whole(value: float | None) -> int | None:
    return None if value is None else max(1, math.ceil(value))


def _head(seen: SeenAgent) -> str:
    where = ", ".join(seen.environments) or "unset"
    return (
        f"# Written by agentslo init from {seen.runs} runs of what the spans call\n"
        f"# {_shown(seen.agent)}, service {_shown(seen.service)}, environments: {_shown(where)}.\n"
        "# Guesses are marked: read them, correct them, say in `expect` what a good run leaves\n"
        "# behind. Then: agentslo check. Every key is in docs/agent-file.md.\n\n"
    )


def _notes(seen: SeenAgent, agent: AgentFile) -> dict[tuple[str | int, ...], str]:
    notes: dict[tuple[str | int, ...], str] = {
        ("task",): "Who answers for it; alerts name them:\n"
        "owners: {product: ..., engineering: ..., operations: ...}",
        ("task", "unit"): "A guess: say what one run does and when it is over.",
        ("task", "limits"): f"{LIMIT_FACTOR} times the 95th percentile of the newest "
        f"{seen.sampled} runs; an unproven run beyond it ends as `limit`.",
        ("slos",): "What proves success is not declared yet, so a run that ended without an error "
        "counts as good.\nDeclare it, then raise min_evidence:\n"
        "expect:\n  - {name: ..., tool_result: {tool: ..., field: ...}, equals: ...}",
        ("slos", 0, "objective"): "Objectives are starting points, not what was reached.",
        ("slos", 1, "limit"): _percentile(seen.p95_duration_s, show_duration),
    }
    if agent.slos[0].min_evidence == "evaluator":
        del notes[("slos",)]
    if len(agent.slos) > 3:
        notes["slos", 3, "limit"] = _percentile(seen.p95_cost_usd, lambda usd: f"{usd:.4g} USD")
    if seen.tools:
        notes["tools",] = (
            "Effects are guessed from names. Where a person must agree first:\n"
            "permission: confirm, approval: {tools: [...]} or {attribute: ..., equals: ...}"
        )
    if agent.evaluations:
        notes["evaluations",] = "What each judges is guessed from its name."
    for known in seen.tools:
        _note_tool(known, notes)
    return notes


def _note_tool(tool: SeenTool, notes: dict[tuple[str | int, ...], str]) -> None:
    failed = f", {tool.failed} failed" if tool.failed else ""
    said = f"{tool.calls} {'call' if tool.calls == 1 else 'calls'}{failed}"
    where = ("tools", tool.name)
    effect = guessed_effect(tool.name)
    if tool.escalates:
        notes[where] = f"{said}. A guess: hands over to a person."
        notes[*where, "escalation"] = (
            "Where reasons and a deadline hold, handing over is as good as solving:\n"
            "reasons: [...], reason_argument: ...,\n"
            "queues: [...], queue_argument: ..., deadline: 45s"
        )
    elif effect is None:
        notes[where] = f"{said}. No verb tells what it does: write `effect: write` if it changes."
    else:
        notes[where] = said
    if tool.escalates or effect == "write":
        notes[*where, "effect"] = "A guess."
        notes[*where, "permission"] = "Not a guess, but the default: confirm, escalate or never?"


def _percentile(value: float | None, show: Callable[[float], str]) -> str:
    if value is None:
        return "No run told: a guess."
    return f"95th percentile seen: {show(round(value, 6))}."


def _shown(text: str) -> str:
    """A name that telemetry brought, fit for a comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200] or "(no name)"
