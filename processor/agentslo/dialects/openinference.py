"""OpenInference (conventions.md 1 rule 3, 2, 4, 5, 7, 8; FINDINGS 3).

Kinds are upper-case words in `openinference.span.kind`. Documents and messages are flattened into
indexed keys, and so are evaluations (`evaluations.py`). A guardrail span may say in its output
whether it was triggered; a hand-off is a TOOL span named `handoff to X`.
"""

import json
import re

from agentslo.dialects.base import Attributes, Dialect, SpanView, text
from agentslo.model import Fault, Finish, Role, Step

KIND = "openinference.span.kind"
KINDS: dict[str, Role] = {
    "AGENT": Role.AGENT,
    "CHAIN": Role.STEP,
    "UNKNOWN": Role.STEP,
    "PROMPT": Role.STEP,
    "LLM": Role.LLM,
    "DECISION": Role.LLM,
    "TOOL": Role.TOOL,
    "RETRIEVER": Role.RETRIEVAL,
    "RERANKER": Role.RETRIEVAL,
    "EMBEDDING": Role.EMBEDDING,
    "GUARDRAIL": Role.GUARDRAIL,
    "EVALUATOR": Role.EVALUATOR,
}
# The dual write of `gen_ai.*` knows no operation for these: what stands beside them says less.
_KEPT = frozenset({"GUARDRAIL", "EVALUATOR", "RERANKER", "PROMPT", "DECISION"})
_RUNS = (".run", ".arun", ".run_async", ".kickoff")
_AGENT_RUN = re.compile(r"(^|\.)\w*Agent\.\w+$")
"""Emitters without AGENT spans name a chain after the method that runs an agent."""
_METHOD = re.compile(r"\.(__call__|acall|call|arun|run)$")
_DOCUMENT = "retrieval.documents."
_TOOL_CALL = ".message.tool_calls.0.tool_call.function.name"
_SESSION_KEYS = ("session_id", "conversation_id", "thread_id")
_TRIGGERED = ("triggered", "tripwire_triggered")


def role(view: SpanView) -> Role | None:
    """The role of a span with an OpenInference kind."""
    kind = view.attributes.get(KIND)
    if not isinstance(kind, str):
        return None
    found = KINDS.get(kind.upper())
    if found is Role.TOOL and view.name.startswith("handoff to "):
        return Role.HANDOFF
    if found is Role.STEP and view.name.endswith(_RUNS) and _AGENT_RUN.search(view.name):
        return Role.AGENT
    return found


def kept_role(view: SpanView) -> Role | None:
    """The role of a kind that stands against any operation name."""
    kind = view.attributes.get(KIND)
    if isinstance(kind, str) and kind.upper() in _KEPT:
        return KINDS[kind.upper()]
    return None


def refine(view: SpanView, step: Step) -> None:
    """Facts that sit in indexed keys, JSON strings or event names."""
    found = view.attributes
    if KIND not in found:
        return
    if step.role is Role.TOOL and not step.tool:
        step.tool = _METHOD.sub("", view.name)
    elif step.role is Role.RETRIEVAL and step.documents is None:
        step.documents = _documents(found)
    elif step.role is Role.GUARDRAIL and step.triggered is None:
        step.triggered = _triggered(text(found.get("output.value")))
    elif step.role is Role.LLM and step.finish in (None, Finish.STOP) and _asks_for_tool(found):
        step.finish = Finish.TOOL_CALL
    if not step.conversation_id:
        step.conversation_id = _session(text(found.get("metadata")))
    if step.fault is None and any(e.name == "span.cancelled" for e in view.events):
        step.fault = Fault.CANCELLED


def _asks_for_tool(found: Attributes) -> bool:
    """Some providers stop with `stop` although the answer is a tool call: the message tells."""
    return "llm.output_messages.0" + _TOOL_CALL in found


def _documents(found: Attributes) -> int | None:
    places = {k.split(".", 3)[2] for k in found if k.startswith(_DOCUMENT)}
    return len(places) if places else None


def _triggered(output: str) -> bool | None:
    parsed = _json(output)
    if not isinstance(parsed, dict):
        return None
    for key in _TRIGGERED:
        if isinstance(parsed.get(key), bool):
            return bool(parsed[key])
    passed = parsed.get("validation_passed")
    return not passed if isinstance(passed, bool) else None


def _session(metadata: str) -> str:
    parsed = _json(metadata)
    if not isinstance(parsed, dict):
        return ""
    return next((v for k in _SESSION_KEYS if isinstance(v := parsed.get(k), str)), "")


def _json(value: str) -> object:
    if not value.startswith("{") or len(value) > 65_536:
        return None
    try:
        parsed: object = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed


DIALECT = Dialect(
    name="openinference",
    role=role,
    markers=(KIND.encode(),),
    keys={
        "agent": ("agent.name",),
        "tool": ("tool.name",),
        "call_id": ("tool_call.id", "tool.id", "tool.call_id"),
        "tool_args": ("tool.parameters", "input.value"),
        "tool_result": ("output.value",),
        "model": ("llm.model_name", "llm.request.model_name", "embedding.model_name"),
        "provider": ("llm.provider", "llm.system"),
        "conversation_id": ("session.id",),
        "finish": (
            "llm.finish_reason",
            "llm.response.finish_reason",
            "llm.response.stop_reason",
            "llm.output_messages.0.message.finish_reason",
        ),
        "usage_in": ("llm.token_count.prompt", "decision.token_count.input"),
        "usage_out": ("llm.token_count.completion",),
        "usage_cached": (
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
        ),
        "usage_cache_written": ("llm.token_count.prompt_details.cache_write",),
        "cost_usd": ("llm.cost.total",),
        "prompt_version": ("llm.prompt_template.version", "prompt.id"),
        "input": ("input.value",),
        "output": ("output.value", "llm.output_messages.0.message.content"),
    },
    tool_scopes=("openinference.instrumentation.",),
    answer_scopes=("openinference.instrumentation.",),
    status_scopes=("openinference.instrumentation.",),
    refine=refine,
)

KEPT = Dialect(name="openinference", role=kept_role)
