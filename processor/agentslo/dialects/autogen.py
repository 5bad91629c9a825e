"""AutoGen, and Semantic Kernel's runtime, which came out of it: messaging around agents.

Agents and tools have OTel GenAI names. A runtime's spans are steps on the way of a message; every
message of a team is a trace of its own, and the team's key in the destination is all they share.
What OpenInference captures of a team's result says why the team stopped.
Source: conventions.md 1 rule 11, 3.2; spans of autogen-agentchat 0.7.5, semantic-kernel 1.45.0.
"""

import re

from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.model import Fault, Role, Step

SCOPES = ("autogen", "agent_runtime")
_NAMES = tuple(scope + " " for scope in SCOPES)
_SHARED_BY_ALL = ("", "default")
_TEAM_SCOPE = "openinference.instrumentation.autogen"
# The end of a `TaskResult`, by the sentences of the termination conditions that are limits. A team
# given one turn is a way to ask a person back, no limit it ran into.
_STOPPED_BY_LIMIT = re.compile(
    r'"stop_reason": "(Maximum number of (messages|turns (?!1 ))|Token usage limit|Timeout of )'
    r'[^"]*"\}$'
)
_TAIL = 300


def role(view: SpanView) -> Role | None:
    """A step, for the spans of a runtime; operation names tell the rest."""
    if not view.name.startswith(_NAMES) or "messaging.operation" not in view.attributes:
        return None
    return Role.STEP


def refine(view: SpanView, step: Step) -> None:
    """The team a message belongs to: `researcher_<team>.(<team>)-A`; a team's limit."""
    if step.role is Role.STEP and view.scope.name.startswith(_TEAM_SCOPE):
        told = text(view.attributes.get("output.value"))[-_TAIL:]
        if step.fault is None and _STOPPED_BY_LIMIT.search(told):
            step.fault = Fault.LIMIT
    if step.dialect != NAME:
        return
    step.carries_message = True
    if step.conversation_id:
        return
    _, _, key = text(view.attributes.get("messaging.destination")).rpartition(".(")
    key = key.rpartition(")")[0]
    step.conversation_id = "" if key in _SHARED_BY_ALL else key


NAME = "autogen"
DIALECT = Dialect(name=NAME, role=role, scopes=SCOPES, refine=refine)
