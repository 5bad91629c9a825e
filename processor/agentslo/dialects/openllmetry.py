"""OpenLLMetry / Traceloop, old and new (conventions.md 1 rules 4 and 12, 2 to 5; FINDINGS 3).

Version 0.6x writes `gen_ai.*` beside its own keys, so the general dialect gives most roles; before
that there are only `traceloop.*`, `llm.*` and messages in indexed keys.
"""

import json
import re

from agentslo.dialects.answer import MAX_BYTES
from agentslo.dialects.base import Attributes, Dialect, SpanView, Value, text
from agentslo.dialects.content import content_hash, error_result
from agentslo.dialects.finish import normalise
from agentslo.model import Role, Step

KIND = "traceloop.span.kind"
KINDS: dict[str, Role] = {
    "workflow": Role.WORKFLOW,
    "agent": Role.AGENT,
    "task": Role.STEP,
    "unknown": Role.STEP,
    "tool": Role.TOOL,
    "handoff": Role.HANDOFF,
}
_ASSOCIATION = "traceloop.association.properties."
_SESSION = re.compile(r"^(session|conversation|thread|chat)_?id$", re.IGNORECASE)
_PLACEHOLDERS = ("unknown",)
_TEAM = "agno.team.name"
_AGNO = "opentelemetry.instrumentation.agno"
_CREWAI = "opentelemetry.instrumentation.crewai"
# The result of a call as agno's class prints itself.
_AGNO_FAILED = re.compile(r"^status='(failure|error)' ")


def role(view: SpanView) -> Role | None:
    """The role of a span with a Traceloop kind; a task that names a tool is the call of it, and an
    agno team is the agent that leads it.
    """
    found = KINDS.get(text(view.attributes.get(KIND)).lower())
    if found is Role.STEP and "tool.name" in view.attributes:
        return Role.TOOL
    if found is Role.WORKFLOW and _TEAM in view.attributes:
        return Role.AGENT
    return found


def refine(view: SpanView, step: Step) -> None:
    """Names from the entity, reasons and calls from indexed keys, the guardrail's own status."""
    found = view.attributes
    entity = text(found.get("traceloop.entity.name"))
    if step.role is Role.AGENT and not step.agent and entity not in _PLACEHOLDERS:
        step.agent = entity
    elif step.role is Role.WORKFLOW and not step.workflow:
        step.workflow = entity or text(found.get("traceloop.workflow.name"))
    elif step.role is Role.LLM and step.finish is None:
        step.finish = normalise(found.get("gen_ai.completion.0.finish_reason"))
    if step.role is Role.TOOL and KIND in found:
        _unwrap(found, step)
        printed = text(found.get("traceloop.entity.output"))
        if view.scope.name == _AGNO and step.fault is None and _AGNO_FAILED.match(printed):
            step.failed = True
    status = text(found.get("gen_ai.guardrail.status"))
    if status and step.triggered is None:
        step.triggered = status.upper() == "FAILED"
    if step.role is Role.TOOL and found.get("gen_ai.task.status") == "failure":
        step.failed = True if step.fault is None else step.failed
    if not step.conversation_id and KIND in found:
        step.conversation_id = next(
            (
                text(value)
                for key, value in found.items()
                if key.startswith(_ASSOCIATION) and _SESSION.match(key[len(_ASSOCIATION) :])
            ),
            "",
        )


def _unwrap(found: Attributes, step: Step) -> None:
    """LangChain's callback data holds the call among volatile fields: step numbers, ids, tags."""
    sent = _json(text(found.get("traceloop.entity.input")))
    for key in ("inputs", "input_str"):
        if sent.get(key):
            step.args_hash = content_hash(sent[key])
            break
    message = _json(text(found.get("traceloop.entity.output"))).get("output")
    inner = message.get("kwargs") if isinstance(message, dict) else None
    if isinstance(inner, dict) and "content" in inner:
        content = inner["content"]
        step.result_hash = content_hash(content)
        told = inner.get("status") == "error" or error_result(content)
        if step.fault is None and told:
            step.failed = True


def _json(value: str) -> dict[str, Value]:
    if not value.startswith("{") or len(value) > MAX_BYTES:
        return {}
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


DIALECT = Dialect(
    name="openllmetry",
    role=role,
    markers=(KIND.encode(),),
    keys={
        "agent": (_TEAM,),
        "agent_version": ("traceloop.entity.version",),
        "tool": ("tool.name", "traceloop.entity.name"),
        "tool_args": ("traceloop.entity.input", "tool.arguments"),
        "tool_result": ("traceloop.entity.output",),
        "usage_in": ("llm.usage.prompt_tokens",),
        "usage_out": ("llm.usage.completion_tokens",),
        "prompt_version": ("traceloop.prompt.version", "traceloop.prompt.version_hash"),
        "output": ("traceloop.entity.output", "gen_ai.completion.0.content"),
        "max_steps": ("crewai.agent.max_iter",),
    },
    tool_scopes=(_AGNO,),
    status_scopes=(_AGNO, _CREWAI),
    refine=refine,
)
