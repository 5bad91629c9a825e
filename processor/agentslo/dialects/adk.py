"""google-adk, both schemas (conventions.md 3.2; FINDINGS 3).

Schema v1 sends spans without operation names: `invocation` around the run, `call_llm` for a model
call. Parallel calls add a span `(merged tools)`, which is no tool. A call that waits for a person
answers with a fixed sentence and stays UNSET.
"""

import json

from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.model import Fault, Role, Step

SCOPE = "gcp.vertex.agent"
_NAMES = {"invocation": Role.WORKFLOW, "call_llm": Role.LLM}
_NO_RESULT = "<not specified>"
_CONFIRM = "This tool call requires confirmation"


def role(view: SpanView) -> Role | None:
    """Roles of the spans that carry no operation, and of the merged pseudo tool."""
    if view.scope.name != SCOPE:
        return None
    if view.attributes.get("gen_ai.tool.name") == "(merged tools)":
        return Role.STEP
    if "gen_ai.operation.name" in view.attributes:
        return None
    if view.name.startswith("agent_run"):
        return Role.AGENT
    return _NAMES.get(view.name)


def refine(view: SpanView, step: Step) -> None:
    """A tool call that asks for confirmation is paused, not failed; a placeholder is no result."""
    if step.role is not Role.TOOL or view.scope.name != SCOPE or step.status:
        return
    result = text(view.attributes.get("gen_ai.tool.call.result")) or text(
        view.attributes.get("gcp.vertex.agent.tool_response")
    )
    if _NO_RESULT in result[:200]:
        step.has_result, step.result_hash = False, None
    elif _CONFIRM in result[:200] and _error(result).startswith(_CONFIRM):
        step.fault, step.failed = Fault.PAUSED, None


def _error(result: str) -> str:
    try:
        answer = json.loads(result)
    except ValueError:
        return ""
    return str(answer.get("error", "")) if isinstance(answer, dict) else ""


DIALECT = Dialect(
    name="google-adk",
    role=role,
    keys={
        "tool_args": ("gcp.vertex.agent.tool_call_args",),
        "tool_result": ("gcp.vertex.agent.tool_response",),
        "conversation_id": ("gcp.vertex.agent.session_id",),
        "output": ("gcp.vertex.agent.llm_response",),
    },
    scopes=(SCOPE,),
    tool_scopes=(SCOPE,),
    refine=refine,
)
