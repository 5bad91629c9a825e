"""CrewAI's own traces (scope `crewai`).

Its `gen_ai.agent.name` is a hash, the role is the name people know. A failed tool call is followed
by a zero-length span with the same operation, which is not a second call. Guardrails and asking a
person are told by span names. Source: conventions.md 2, 3.2, 8, 9; spans of
crewai 1.15.30.
"""

from agentslo.dialects.base import Attributes, Dialect, SpanView, text
from agentslo.dialects.faults import OTHER_TYPE, safe_type
from agentslo.model import AGENT_LIKE, Fault, Role, Step

SCOPE = "crewai"
NAMES: dict[str, Role] = {
    "execute crew": Role.WORKFLOW,
    "execute flow": Role.WORKFLOW,
    "execute task": Role.STEP,
    "execute agent": Role.AGENT,
    "execute lite agent": Role.AGENT,
    "call method": Role.STEP,
    "call llm": Role.LLM,
    "call tool": Role.TOOL,
    "tool failure": Role.STEP,
    "query memory": Role.RETRIEVAL,
    "retrieve memory": Role.RETRIEVAL,
    "query knowledge": Role.RETRIEVAL,
    "search knowledge": Role.RETRIEVAL,
    "save memory": Role.MEMORY,
    "evaluate guardrail": Role.GUARDRAIL,
    "request human feedback": Role.HUMAN,
    "receive human feedback": Role.HUMAN,
}
# What it writes on spans still open when the work was cut off: failures have events of their own.
_CUT_OFF = "Span orphaned"
_TIMED_OUT = " execution timed out after "
_FAILURE = ("crewai.tool.failure.code", "crewai.tool.failure.reason", "crewai.tool.failure.message")
_DENIED = ("deny", "denied", "block", "blocked", "reject", "rejected")


def role(view: SpanView) -> Role | None:
    """The role by the span's name."""
    return NAMES.get(view.name) if view.scope.name == SCOPE else None


def refine(view: SpanView, step: Step) -> None:
    """Names of agents and crews, failures of tools, guardrails' and policies' own words."""
    if view.scope.name != SCOPE:
        return
    found = view.attributes
    if step.fault is Fault.OTHER:
        step.fault = _fault(view)
    step.agent = text(found.get("crewai.agent.role")).strip() or step.agent
    if step.role in AGENT_LIKE and not step.workflow:
        step.workflow = text(found.get("crewai.crew.name")) or text(found.get("crewai.flow.name"))
    if step.role is Role.TOOL and any(key in found for key in _FAILURE):
        _failure(found, step)
    passed = found.get("crewai.guardrail.success")
    if step.role is Role.GUARDRAIL and isinstance(passed, bool):
        step.triggered = not passed
    if found.get("crewai.policy.blocking") is True:
        decision = text(found.get("crewai.policy.decision")).lower()
        step.triggered = decision in _DENIED or step.triggered


def _failure(found: Attributes, step: Step) -> None:
    """A failed call, with the code or else the reason that the framework gives it as its type."""
    if step.fault is None:
        step.fault, step.failed = Fault.OTHER, True
    if step.error_type in ("", OTHER_TYPE):
        named = (text(found.get(key)) for key in _FAILURE[:2])
        step.error_type = safe_type(next((n for n in named if n), "")) or step.error_type


def _fault(view: SpanView) -> Fault:
    """What an error without a class says: cut off from outside, or beyond its time."""
    if view.message.startswith(_CUT_OFF):
        return Fault.CANCELLED
    timed_out = view.message.startswith("Task ") and _TIMED_OUT in view.message
    return Fault.LIMIT if timed_out else Fault.OTHER


DIALECT = Dialect(
    name="crewai",
    role=role,
    scopes=(SCOPE,),
    refine=refine,
)
