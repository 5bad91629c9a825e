"""LangSmith's OTel export.

Its kind stands before its operation names, which mislead: a retriever says `embeddings`, a prompt
`chat`. Errors arrive as an exception of class `Exception` whose message is the `repr` of the real
one. `langsmith.trace.session_id` is the id of a project, not of a conversation: threads are told by
metadata. Source: conventions.md 1 exception (a), 2, 3.3; spans of langsmith 0.15.0.
"""

import json

from agentslo.dialects import faults
from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.dialects.content import MAX_JSON_BYTES
from agentslo.model import CONTROL_FLOW, Fault, Role, Step

KIND = "langsmith.span.kind"
KINDS: dict[str, Role] = {
    "chain": Role.STEP,
    "parser": Role.STEP,
    "prompt": Role.STEP,
    "llm": Role.LLM,
    "tool": Role.TOOL,
    "retriever": Role.RETRIEVAL,
    "embedding": Role.EMBEDDING,
}


def role(view: SpanView) -> Role | None:
    """The role of a span with a LangSmith kind."""
    kind = view.attributes.get(KIND)
    return KINDS.get(kind.lower()) if isinstance(kind, str) else None


def refine(view: SpanView, step: Step) -> None:
    """The real class of an exception, and how many documents were retrieved."""
    if KIND not in view.attributes:
        return
    if step.fault is Fault.OTHER:
        _unwrap(view, step)
    if step.role is Role.RETRIEVAL and step.documents is None:
        step.documents = _documents(text(view.attributes.get("gen_ai.completion")))


def _unwrap(view: SpanView, step: Step) -> None:
    for event in view.events:
        if event.name == "exception" and event.attributes.get("exception.type") == "Exception":
            message = text(event.attributes.get("exception.message"))
            step.fault, name = faults.of_message(message)
            step.error_type = faults.safe_type(name) or step.error_type
    if step.fault in CONTROL_FLOW:
        step.failed = None


def _documents(answer: str) -> int | None:
    if not answer.startswith("{") or len(answer) > MAX_JSON_BYTES:
        return None
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    output = found.get("output", found.get("documents")) if isinstance(found, dict) else None
    return len(output) if isinstance(output, list) else None


DIALECT = Dialect(
    name="langsmith",
    role=role,
    markers=(KIND.encode(),),
    keys={
        "agent": ("langsmith.metadata.lc_agent_name",),
        "tool_args": ("gen_ai.prompt",),
        "tool_result": ("gen_ai.completion",),
        "conversation_id": (
            "langsmith.metadata.session_id",
            "langsmith.metadata.thread_id",
            "langsmith.metadata.conversation_id",
        ),
        "output": ("gen_ai.completion",),
    },
    refine=refine,
)
