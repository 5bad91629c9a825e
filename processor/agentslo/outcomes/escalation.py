"""Hand-overs to a person, told by the names tools and roles carry.

In: a `RunView`. Out: the escalating step or None, and its declared reason. Pure. There is no
convention for escalation (conventions.md 9); tool names are the signal that exists, measured on
labelled customer-service runs: precision 1.00, recall 1.00 (corpora README).
"""

import re
from functools import lru_cache

from agentslo.model import Role, Step
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark

MAX_NAMES = 10_000
"""Names of tools and hand-offs remembered."""
_PERSON = r"(human|person|agents?_?human|operator|representative|supervisor|support_team|staff)"
PATTERN = re.compile(
    rf"(^|[_.\-/ ])(escalate\w*|(transfer|hand_?off|handover|route|forward|connect)_to_\w*{_PERSON}"
    rf"\w*|{_PERSON}_(handoff|handover|escalation|takeover))($|[_.\-/ ])"
    # The one the agent talks with, and nobody who only serves users.
    rf"|(^|[_.\-/ ])(transfer|hand_?off|handover)_to_(the_)?user$",
    re.IGNORECASE,
)
_CALLS = (Role.TOOL, Role.HANDOFF)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(MAX_NAMES)
def escalates(name: str) -> bool:
    """True where a tool of this name hands over to a person."""
    return bool(PATTERN.search(_CAMEL.sub("_", name)))


def find(view: RunView) -> Step | None:
    """The last hand-over to a person that was not refused or failed."""
    nested = view.marks & (mark.NESTED_TOOL | mark.ROLE_BITS[Role.HANDOFF])
    calls = view.tools if not nested else [s for s in view.run.steps if s.role in _CALLS]
    for step in reversed(calls):
        if escalates(step.tool or step.name) and not step.failed:
            return step
    return None


def reason(view: RunView) -> str:
    """The reason the application declared, "" where it declared none."""
    for step in view.run.steps if view.marks & mark.DECLARED else ():
        value = step.declared.get("escalation_reason")
        if isinstance(value, str):
            return value
    return ""
