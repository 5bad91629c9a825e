"""Claude Code and the Claude Agent SDK: the CLI's own traces, and what its SDK's wrappers say.

The CLI writes bare keys (`model`, `input_tokens`, `tool_name`), which mean nothing elsewhere: they
are read on its own spans alone. Its input count leaves cached tokens out. Waiting for a person is a
span, `claude_code.tool.blocked_on_user`; whether a call worked stands on the span of its execution.
Source: conventions.md 1 rule 5, 3.2, 5.1, 5.4, 6, 9 (vendor documentation, no recording).
"""

from agentslo.dialects.base import Attributes, Dialect, SpanView, count, text
from agentslo.dialects.finish import normalise
from agentslo.model import Fault, Role, Step

PREFIX = "claude_code."
TYPES: dict[str, Role] = {
    "interaction": Role.AGENT,
    "llm_request": Role.LLM,
    "tool": Role.TOOL,
    "tool.execution": Role.TOOL,
    "tool.blocked_on_user": Role.HUMAN,
    "hook": Role.STEP,
}
_ABORTED = ("user_abort",)
_RESULT = "Result error: "
_SUBTYPES: dict[str, Fault] = {
    "error_max_turns": Fault.LIMIT,
    "error_max_budget_usd": Fault.LIMIT,
}


def _type(view: SpanView) -> str:
    """The span's type without its prefix; empty where it is not the CLI's."""
    if view.name.startswith(PREFIX):
        return view.name[len(PREFIX) :]
    told = view.attributes.get("span.type")
    if isinstance(told, str):
        if told.startswith(PREFIX):
            return told[len(PREFIX) :]
        if view.scope.name.startswith("com.anthropic."):
            return told
    return ""


def role(view: SpanView) -> Role | None:
    """The role of a span of the CLI; of an unknown kind, a step."""
    found = _type(view)
    return TYPES.get(found, Role.STEP) if found else None


def refine(view: SpanView, step: Step) -> None:
    """The CLI's bare keys, and the SDK's way of saying that a run met a limit."""
    if view.message.startswith(_RESULT) and step.fault is Fault.OTHER:
        step.fault = _SUBTYPES.get(view.message[len(_RESULT) :].strip(), step.fault)
    if step.dialect != NAME:
        return
    found = view.attributes
    if step.role is Role.LLM:
        _request(found, step)
    elif step.role is Role.TOOL:
        step.tool = step.tool or text(found.get("tool_name"))
        if found.get("success") in (False, "false") and step.fault is None:
            step.failed = True
    elif step.role is Role.HUMAN and step.fault is None and _aborted(found):
        step.fault = Fault.CANCELLED


def _aborted(found: Attributes) -> bool:
    """A person stopped the work, rather than a rule or a hook that refused one call."""
    return found.get("decision") == "reject" and found.get("source") in _ABORTED


def _request(found: Attributes, step: Step) -> None:
    step.model = step.model or text(found.get("model"))
    step.finish = step.finish or normalise(found.get("stop_reason"))
    step.usage_cached = count(found.get("cache_read_tokens")) or None
    fresh = count(found.get("input_tokens"))
    if fresh is not None:
        written = count(found.get("cache_creation_tokens")) or 0
        step.usage_in = fresh + (step.usage_cached or 0) + written or None
    step.usage_out = count(found.get("output_tokens")) or None
    step.answered = step.answered or bool(step.usage_out or step.finish)
    if found.get("success") in (False, "false") and step.fault is None:
        step.fault, step.failed = Fault.OTHER, True


NAME = "claude-code"
DIALECT = Dialect(
    name=NAME, role=role, markers=(b"claude_code.",), scopes=("com.anthropic.",), refine=refine
)
