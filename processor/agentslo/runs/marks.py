"""What occurs in a run, as bits: read once when the run is built, so that no rule is called where
nothing it looks at occurs.

In: the steps of a run with their parents. Out: marks, and the few values a run is named by. Pure,
linear in the steps. A mark says "somewhere in the run"; where one is missing, no step has it. Steps
above a step are those of the same run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agentslo.model import Role, Step
from agentslo.step import NOTHING, Rare, Reading

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


_ROLES: Final = _AFTER_ROLES - 1
_SHARED: Final[Mapping[str, int]] = {"arm": ARM, "max_steps": MAX_STEPS}
_RARE: Final[Mapping[str, int]] = {
    "evaluations": EVALUATED,
    "declared": DECLARED,
    "facts": FACTS,
    "cost_usd": COST,
    "asked": ASKED,
    "carried": CARRIED,
    "instructed": INSTRUCTED,
    "retrieved_ids": RETRIEVED,
    "cited_ids": CITED,
    "links": LINKED,
    "ttft_s": STREAMED,
    "documents": DOCUMENTS,
}
"""Marks of what few steps tell, by its field."""


@dataclass(slots=True)
class Marked:
    """The marks of a run, and what its steps name it by."""

    marks: int
    readings: Sequence[Reading]
    """What its steps say, each once, in the order they came."""
    named: Sequence[Step]
    """Agent spans that carry a name."""


def look(steps: Sequence[Step]) -> Marked:
    """What occurs in the steps, each by itself."""
    readings = {id(s.reading): s.reading for s in steps}
    marks, named = 0, False
    for reading in readings.values():
        if reading.marks < 0:
            reading.marks = _of_reading(reading)
        marks |= reading.marks
        named = named or (reading.role is Role.AGENT and bool(reading.agent))
    for rare in [s.rare for s in steps if s.rare is not NOTHING]:
        marks |= _of_rare(rare)
    agents = [s for s in steps if s.role is Role.AGENT and s.agent] if named else []
    return Marked(marks, list(readings.values()), agents)


def _of_reading(reading: Reading) -> int:
    found = ROLE_BITS[reading.role]
    if reading.fault is not None or reading.failed:
        found |= FAULT
    if reading.triggered:
        found |= TRIGGERED
    return found | sum(bit for name, bit in _SHARED.items() if _told(getattr(reading, name)))


def _of_rare(rare: Rare) -> int:
    return sum(bit for name, bit in _RARE.items() if _told(getattr(rare, name)))


def _told(value: object) -> bool:
    """Neither None nor empty; 0 is told."""
    return value is not None and (bool(value) or value == 0)


def nesting(steps: Sequence[Step], parents: Mapping[bytes, bytes], root: Step | None) -> int:
    """The marks that say what is above what; `steps` were looked at."""
    if {s.span_id for s in steps if s.reading.marks & _BELOW}.isdisjoint(parents.values()):
        return 0
    inside: dict[bytes, int] = {b"": 0}
    """By span id, the roles of a step and of those above it."""
    if root is not None:
        inside[root.span_id] = ROLE_BITS[root.role]
    by_id: dict[bytes, Step] = {}
    marks = 0
    for step in steps:
        if step is root:
            continue
        span_id = step.span_id
        above = inside.get(parents.get(span_id, b""))
        if above is None:
            # Its parent stands behind it, or is of another run.
            by_id = by_id or {s.span_id: s for s in steps}
            above = _climbed(span_id, by_id, parents, inside)
        own = step.reading.marks & _ROLES
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
