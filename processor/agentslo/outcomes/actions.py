"""Effects on the world: what became of each, and whether one was done twice or only in part.

In: a `RunView` and the agent file. Out: `Action`s with their states, and findings. Pure. The key of
an effect is the tool with the arguments that name it, never the call id: models mint a new one when
they try again (methods.md 2.4). Without captured arguments no two effects are held to be one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentslo.config.agent_options import AgentFile, Tool
from agentslo.model import Evidence, Fault, Finding, Outcome, Step
from agentslo.outcomes.conditions import same
from agentslo.outcomes.promised import promised
from agentslo.outcomes.view import RunView

State = Literal[
    "attempted", "committed", "verified", "rejected", "compensated", "unresolved", "duplicate"
]
COMMITTED: frozenset[State] = frozenset({"committed", "verified", "duplicate"})


@dataclass(slots=True)
class Action:
    """One call of a tool that changes something, and what became of it."""

    step: Step
    tool: Tool
    state: State


def tools_by_name(file: AgentFile) -> Mapping[str, Tool]:
    """The declared tools by name."""
    return promised(file).tools


def pending(step: Step, tool: Tool) -> bool:
    """True where the result says, by the declared field, that the work is not done yet."""
    value = step.facts.get(f"result:{tool.poll_field}") if tool.poll_field else None
    return value is not None and any(same(value, p) for p in tool.poll_pending)


def actions(view: RunView, file: AgentFile) -> list[Action]:
    """The run's calls of write tools in order of start, with their states."""
    known = tools_by_name(file)
    found = [
        Action(step, known[step.tool], _state(view, step, known[step.tool]))
        for step in view.tools
        if step.tool in known and known[step.tool].effect == "write"
    ]
    _mark_duplicates(found)
    _mark_compensated(found, view, known)
    return found


def _state(view: RunView, step: Step, tool: Tool) -> State:
    if view.failed(step):
        return "rejected"
    if step.fault in (Fault.PAUSED, Fault.HANDOFF):
        return "attempted"
    if step.fault is Fault.CANCELLED or (step.has_args and not step.has_result):
        # Dispatched, and nobody knows how it ended. Where content is not captured at all, a call
        # that ended without an error counts as done.
        return "unresolved" if step.status != 1 else "committed"
    if pending(step, tool):
        return "unresolved"
    told = step.declared.get("action_state")
    return "verified" if told == "verified" else "committed"


def _mark_duplicates(found: Sequence[Action]) -> None:
    seen: set[tuple[str, int | str]] = set()
    for action in found:
        declared = action.step.declared.get("idempotency_key")
        name = str(declared) if declared else action.step.effect_key
        if name is None or action.tool.repeatable or action.state not in COMMITTED:
            continue
        key = action.tool.name, name
        if key in seen and action.step.declared.get("action_state") != "replayed":
            action.state = "duplicate"
        seen.add(key)


def _mark_compensated(found: Sequence[Action], view: RunView, known: Mapping[str, Tool]) -> None:
    for step in view.tools:
        undoes = known[step.tool].compensates if step.tool in known else ()
        if undoes and not view.failed(step):
            for action in found:
                if action.tool.name in undoes and action.step.end_ns <= step.start_ns:
                    action.state = "compensated" if action.state in COMMITTED else action.state


def corruption(found: Sequence[Action], file: AgentFile) -> Iterator[Finding]:
    """Effects done twice, and groups of effects of which only some were done."""
    twice = [a.step.span_id for a in found if a.state == "duplicate"]
    if twice:
        yield _corrupt("duplicate_commit", twice)
    for group in file.commits_together:
        members = [a for a in found if a.tool.name in group.tools]
        done = {a.tool.name for a in members if a.state in COMMITTED}
        failed = [a for a in members if a.state == "rejected" and a.tool.name not in done]
        if done and failed:
            yield _corrupt("partial_commit", [a.step.span_id for a in members])


def _corrupt(reason: str, span_ids: list[bytes]) -> Finding:
    return Finding(
        outcome=Outcome.DATA_CORRUPTION,
        reason=reason,
        evidence=Evidence.TOOL_RESULT,
        span_ids=tuple(span_ids),
    )
