"""Hand-overs to a person, told by the names tools and roles carry.

In: a `RunView`. Out: the escalating step or None, and its declared reason. Pure. There is no
convention for escalation (conventions.md 9); tool names are the signal that exists, measured on
labelled customer-service runs: precision 1.00, recall 1.00 (corpora README).
"""

import re

from agentslo.model import Role, Step
from agentslo.outcomes.view import RunView

_PERSON = r"(human|person|agents?_?human|operator|representative|supervisor|support_team|staff)"
PATTERN = re.compile(
    rf"(^|[_.\-/ ])(escalate\w*|(transfer|hand_?off|handover|route|forward|connect)_to_\w*{_PERSON}"
    rf"\w*|{_PERSON}_(handoff|handover|escalation|takeover))($|[_.\-/ ])"
    # The one the agent talks with, and nobody who only serves users.
    rf"|(^|[_.\-/ ])(transfer|hand_?off|handover)_to_(the_)?user$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def escalates(name: str) -> bool:
    """True where a tool of this name hands over to a person."""
    return bool(PATTERN.search(_CAMEL.sub("_", name)))


def find(view: RunView) -> Step | None:
    """The last hand-over to a person that was not refused or failed."""
    calls = [
        s
        for s in view.run.steps
        if s.role in (Role.TOOL, Role.HANDOFF) and escalates(s.tool or s.name) and not s.failed
    ]
    return calls[-1] if calls else None


def reason(view: RunView) -> str:
    """The reason the application declared, "" where it declared none."""
    for step in view.run.steps:
        value = step.declared.get("escalation_reason")
        if isinstance(value, str):
            return value
    return ""
