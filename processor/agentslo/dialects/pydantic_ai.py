"""pydantic-ai: OTel GenAI names; deferred calls and retried arguments marked in its own keys.

A call that is deferred, for approval or to run elsewhere, is marked as an error by versions before
5 of its instrumentation: it is a pause. Arguments that did not validate are a failed call.
Source: conventions.md 5.3, 6; spans of pydantic-ai 1.x and 2.68.0 for everything but deferral.
"""

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Fault, Role, Step

SCOPE = "pydantic-ai"
_OLD_NAMES: dict[str, Role] = {
    "agent run": Role.AGENT,
    "running tool": Role.TOOL,
    "running tools": Role.STEP,
}


def role(view: SpanView) -> Role | None:
    """Roles of spans older than operation names."""
    if view.scope.name != SCOPE or "gen_ai.operation.name" in view.attributes:
        return None
    return _OLD_NAMES.get(view.name)


def refine(view: SpanView, step: Step) -> None:
    """Deferral and validation of tool calls."""
    if step.role is not Role.TOOL:
        return
    if "pydantic_ai.tool.deferral.name" in view.attributes:
        step.fault, step.failed = Fault.PAUSED, None
    elif view.attributes.get("pydantic_ai.tool.failure_stage") == "validation":
        step.failed = True


DIALECT = Dialect(name="pydantic-ai", role=role, refine=refine)
