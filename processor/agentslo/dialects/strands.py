"""Strands Agents: OTel GenAI names, with its verdicts in places of its own.

Why a model or the whole agent stopped stands in the `gen_ai.choice` event or inside the output
messages of the `...operation.details` event; what a tool got and gave likewise. The status of a
tool is an attribute, older versions leave the span OK. A cancelled run is UNSET with a class name.
Source: conventions.md 3.2, 6, 10; spans of strands-agents 1.62.0.
"""

from agentslo.dialects.answer import finish_of
from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.dialects.content import content_hash, error_result
from agentslo.dialects.faults import safe_type
from agentslo.dialects.finish import normalise
from agentslo.model import AGENT_LIKE, Fault, Role, Step

SCOPE = "strands."
_CANCELLED = "strands.cancellation.type"
_CHOICE = "gen_ai.choice"
_DETAILS = "gen_ai.client.inference.operation.details"
# Why the loop around the model stopped (`StopReason`); the rest are the model's own reasons.
_STOPS: dict[str, Fault] = {
    "interrupt": Fault.PAUSED,
    "checkpoint": Fault.PAUSED,
    "cancelled": Fault.CANCELLED,
    "limit_turns": Fault.LIMIT,
    "limit_output_tokens": Fault.LIMIT,
    "limit_total_tokens": Fault.LIMIT,
}
# The name the bundled tool gives its interrupt: the pause is a hand-over to a person.
_HANDOVER = "strands:handoff-to-user"


def role(_view: SpanView) -> Role | None:
    """No role of its own: operation names tell them all."""
    return None


def refine(view: SpanView, step: Step) -> None:
    """Cancellation, the tool's status, and what only events say."""
    if not view.scope.name.startswith(SCOPE):
        return
    cancelled = text(view.attributes.get(_CANCELLED))
    if cancelled:
        step.fault, step.failed = Fault.CANCELLED, None
        step.error_type = safe_type(cancelled)
    if step.role is Role.TOOL:
        _tool(view, step)
    elif step.role is Role.LLM or step.role in AGENT_LIKE:
        _stop(view, step)


def _tool(view: SpanView, step: Step) -> None:
    if view.attributes.get("gen_ai.tool.status") == "error" and step.fault is None:
        step.fault, step.failed = Fault.OTHER, True
    for event in view.events:
        if event.name == "gen_ai.tool.message" and not step.has_args:
            sent = event.attributes.get("content")
            step.has_args, step.args_hash = True, content_hash(sent)
        elif event.name == _CHOICE and not step.has_result:
            answer = event.attributes.get("message")
            step.has_result, step.result_hash = True, content_hash(answer)
            step.failed = step.failed or error_result(answer) or None


def _stop(view: SpanView, step: Step) -> None:
    for event in view.events:
        if event.name == _CHOICE:
            reason = text(event.attributes.get("finish_reason"))
            handed = _HANDOVER in text(event.attributes.get("message"))[:2000]
            if step.role is not Role.LLM and step.fault is None and not handed:
                step.fault = _STOPS.get(reason)
            step.finish = step.finish or normalise(reason)
        elif event.name == _DETAILS:
            told = finish_of(text(event.attributes.get("gen_ai.output.messages")))
            step.finish = step.finish or told
    step.answered = step.answered or bool(step.finish)


DIALECT = Dialect(
    name="strands",
    role=role,
    scopes=(SCOPE,),
    tool_scopes=(SCOPE,),
    answer_scopes=(SCOPE,),
    refine=refine,
)
