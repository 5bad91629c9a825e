"""What occurs in a run, as bits: read once when the run is built, so that no rule is called where
nothing it looks at occurs.

In: the steps of a run with their parents. Out: marks, and the few values a run is named by. Pure,
linear in the steps. A mark says "somewhere in the run"; where one is missing, no step has it. Steps
above a step are those of the same run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from agentslo.model import Role, Step

ROLE_BITS: Final[Mapping[Role, int]] = {role: 1 << place for place, role in enumerate(Role)}
"""A bit for each role: a step of it is there."""
_AFTER_ROLES = 1 << len(ROLE_BITS)

FAULT: Final = _AFTER_ROLES
"""A step carries an error mark, or failed by its own word."""
TRIGGERED: Final = _AFTER_ROLES << 1
EVALUATED: Final = _AFTER_ROLES << 2
DECLARED: Final = _AFTER_ROLES << 3
FACTS: Final = _AFTER_ROLES << 4
COST: Final = _AFTER_ROLES << 5
ASKED: Final = _AFTER_ROLES << 6
"""Messages tell of tool calls."""
CARRIED: Final = _AFTER_ROLES << 7
INSTRUCTED: Final = _AFTER_ROLES << 8
RETRIEVED: Final = _AFTER_ROLES << 9
CITED: Final = _AFTER_ROLES << 10
LINKED: Final = _AFTER_ROLES << 11
ARM: Final = _AFTER_ROLES << 12
STREAMED: Final = _AFTER_ROLES << 13
MAX_STEPS: Final = _AFTER_ROLES << 14
DOCUMENTS: Final = _AFTER_ROLES << 15
UNDER_TOOL: Final = _AFTER_ROLES << 16
"""A step has a tool call above it."""
UNDER_MODEL: Final = _AFTER_ROLES << 17
UNDER_ACTION: Final = _AFTER_ROLES << 18
"""A step has a model call, a tool call, a retrieval, a hand-off or a person above it."""
NESTED_TOOL: Final = _AFTER_ROLES << 19
"""A tool call has a tool call above it."""
NESTED_MODEL: Final = _AFTER_ROLES << 20
EVERYTHING: Final = -1
"""Of a run that nobody looked through: all may occur in it."""

_TOOL, _LLM = ROLE_BITS[Role.TOOL], ROLE_BITS[Role.LLM]
_OTHERS = ROLE_BITS[Role.RETRIEVAL] | ROLE_BITS[Role.HANDOFF] | ROLE_BITS[Role.HUMAN]
_BELOW = _TOOL | _LLM | _OTHERS


_NO_HASHES: Final = frozenset[int]()
_RARELY: Final[Mapping[int, tuple[str, object]]] = {
    FAULT: ("fault", None),
    TRIGGERED: ("triggered", None),
    EVALUATED: ("evaluations", ()),
    DECLARED: ("declared", {}),
    FACTS: ("facts", {}),
    COST: ("cost_usd", None),
    ASKED: ("asked", ()),
    CARRIED: ("carried", _NO_HASHES),
    INSTRUCTED: ("instructed", _NO_HASHES),
    RETRIEVED: ("retrieved_ids", _NO_HASHES),
    CITED: ("cited_ids", _NO_HASHES),
    LINKED: ("links", ()),
    ARM: ("arm", ""),
    STREAMED: ("ttft_s", None),
    MAX_STEPS: ("max_steps", None),
    DOCUMENTS: ("documents", None),
}
"""Marks of what few steps tell: the field, and its value where it is not told."""
_TOLD = attrgetter(*(name for name, _ in _RARELY.values()))
_UNTOLD = tuple(untold for _, untold in _RARELY.values())


@dataclass(slots=True)
class Marked:
    """The marks of a run, and what its steps name it by, in the order they came."""

    marks: int = 0
    agents: list[Step] = field(default_factory=list)
    """Agent spans that carry a name."""
    models: set[str] = field(default_factory=set)
    prompts: list[str] = field(default_factory=list)
    tools_versions: set[str] = field(default_factory=set)
    agent_version: str = ""
    conversation_id: str = ""
    task_type: str = ""


def look(steps: Iterable[Step]) -> Marked:
    """What occurs in the steps, each by itself."""
    seen = Marked()
    marks, bits = 0, ROLE_BITS
    for step in steps:
        role = step.role
        marks |= bits[role] | _marks(step)
        if role is Role.LLM:
            if step.model:
                seen.models.add(step.model)
        elif role is Role.AGENT and step.agent:
            seen.agents.append(step)
        if step.agent_version and not seen.agent_version:
            seen.agent_version = step.agent_version
        if step.conversation_id and not seen.conversation_id:
            seen.conversation_id = step.conversation_id
        if step.task_type and not seen.task_type:
            seen.task_type = step.task_type
        if step.prompt_version:
            seen.prompts.append(step.prompt_version)
        if step.tools_version:
            seen.tools_versions.add(step.tools_version)
    seen.marks = marks
    return seen


def _marks(step: Step) -> int:
    """The marks of one step's own fields."""
    found, told = FAULT if step.failed else 0, _TOLD(step)
    if told != _UNTOLD:
        for mark, value, untold in zip(_RARELY, told, _UNTOLD, strict=True):
            if value != untold:
                found |= mark
    return found


def nesting(steps: Sequence[Step], parents: Mapping[bytes, bytes], root: Step | None) -> int:
    """The marks that say what is above what."""
    inside: dict[bytes, int] = {b"": 0}
    """By span id, the roles of a step and of those above it."""
    if root is not None:
        inside[root.span_id] = ROLE_BITS[root.role]
    by_id: dict[bytes, Step] = {}
    marks, bits = 0, ROLE_BITS
    for step in steps:
        if step is root:
            continue
        span_id = step.span_id
        above = inside.get(parents.get(span_id, b""))
        if above is None:
            # Its parent stands behind it, or is of another run.
            by_id = by_id or {s.span_id: s for s in steps}
            above = _climbed(span_id, by_id, parents, inside)
        own = bits[step.role]
        inside[span_id] = above | own
        if above & _BELOW:
            marks |= UNDER_ACTION
            if above & _TOOL:
                marks |= UNDER_TOOL | (NESTED_TOOL if own == _TOOL else 0)
            if above & _LLM:
                marks |= UNDER_MODEL | (NESTED_MODEL if own == _LLM else 0)
    return marks


def _climbed(
    span_id: bytes,
    by_id: Mapping[bytes, Step],
    parents: Mapping[bytes, bytes],
    inside: dict[bytes, int],
) -> int:
    """The roles above a step, and those of every step passed on the way up."""
    chain: list[Step] = []
    at = by_id.get(parents.get(span_id, b""))
    while at is not None and at.span_id not in inside and len(chain) < len(by_id):
        chain.append(at)
        at = by_id.get(parents.get(at.span_id, b""))
    above = inside[at.span_id] if at is not None and at.span_id in inside else 0
    for step in reversed(chain):
        above |= ROLE_BITS[step.role]
        inside[step.span_id] = above
    return above


def marked(steps: Sequence[Step], parents: Mapping[bytes, bytes], root: Step | None) -> int:
    """All marks of a run."""
    return look(steps).marks | nesting(steps, parents, root)
