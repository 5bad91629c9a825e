"""Langfuse's SDK (version 3 and later, which are built on OTel).

Roles come from `langfuse.observation.type`; names of tools and agents are the span's. Usage and
cost are JSON objects whose entries do not overlap, so cached tokens are added to the input.
Source: conventions.md 1 rule 7, 2, 5.1, 5.2; spans of langfuse 5.0.4.
"""

import json

from agentslo.dialects.base import Attributes, Dialect, SpanView, Value, count, number, text
from agentslo.model import Fault, Role, Step

TYPE = "langfuse.observation.type"
TYPES: dict[str, Role] = {
    "generation": Role.LLM,
    "embedding": Role.EMBEDDING,
    "span": Role.STEP,
    "event": Role.STEP,
    "agent": Role.AGENT,
    "chain": Role.STEP,
    "tool": Role.TOOL,
    "retriever": Role.RETRIEVAL,
    "evaluator": Role.EVALUATOR,
    "guardrail": Role.GUARDRAIL,
}
_CACHED = ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens")
_WRITTEN = ("input_cache_creation", "cache_creation_input_tokens")


def role(view: SpanView) -> Role | None:
    """The role of a span with an observation type."""
    kind = view.attributes.get(TYPE)
    return TYPES.get(kind.lower()) if isinstance(kind, str) else None


def refine(view: SpanView, step: Step) -> None:
    """Names from the span, numbers from JSON, the error level where no status says it."""
    found = view.attributes
    if TYPE not in found:
        return
    if step.role is Role.TOOL:
        step.tool = step.tool or view.name
    elif step.role is Role.AGENT:
        step.agent = step.agent or view.name
    if found.get("langfuse.observation.level") == "ERROR" and step.fault is None:
        step.fault, step.failed = Fault.OTHER, True
    if "langfuse.observation.usage_details" in found and step.usage_in is None:
        _usage(_object(found, "langfuse.observation.usage_details"), step)
    if "langfuse.observation.cost_details" in found and step.cost_usd is None:
        step.cost_usd = number(_object(found, "langfuse.observation.cost_details").get("total"))


def _usage(told: dict[str, Value], step: Step) -> None:
    cached = next((n for k in _CACHED if (n := count(told.get(k))) is not None), 0)
    written = next((n for k in _WRITTEN if (n := count(told.get(k))) is not None), 0)
    fresh = count(told.get("input"))
    # OpenAI's own names come from its integration, where the prompt holds what was cached.
    whole = count(told.get("prompt_tokens")) if fresh is None else fresh + cached + written
    step.usage_in = whole or None
    step.usage_out = count(told.get("output", told.get("completion_tokens"))) or None
    step.usage_cached = cached or None
    step.answered = step.answered or step.usage_out is not None


def _object(found: Attributes, key: str) -> dict[str, Value]:
    try:
        parsed = json.loads(text(found.get(key))[:65_536])
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


DIALECT = Dialect(
    name="langfuse",
    role=role,
    markers=(TYPE.encode(),),
    keys={
        "agent_version": ("langfuse.version",),
        "tool_args": ("langfuse.observation.input",),
        "tool_result": ("langfuse.observation.output",),
        "model": ("langfuse.observation.model.name",),
        "documents": ("langfuse.observation.output",),
        "output": ("langfuse.observation.output",),
    },
    refine=refine,
)
