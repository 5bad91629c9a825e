"""Reads the spans of Acme's agent runner.

Its convention: `acme.kind` says what a span does, `acme.*` hold names and counts, and an action
that failed sets `acme.outcome` to `broken` on a span that ends OK.
"""

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Fault, Role, Step

KIND = "acme.kind"
KINDS = {
    "turn": Role.AGENT,
    "think": Role.LLM,
    "act": Role.TOOL,
}


def role(view: SpanView) -> Role | None:
    """Asked of every span that passes: one look-up, and None for what is not ours."""
    kind = view.attributes.get(KIND)
    return KINDS.get(kind) if isinstance(kind, str) else None


def refine(view: SpanView, step: Step) -> None:
    """What no attribute key can say. Asked of every step, so look whether it is ours first."""
    if step.role is Role.TOOL and view.attributes.get("acme.outcome") == "broken":
        step.fault, step.failed = Fault.OTHER, True


DIALECT = Dialect(
    name="acme",
    role=role,
    # Bytes that are in every encoded span of ours: other spans pass without being parsed.
    markers=(KIND.encode(),),
    keys={
        "agent": ("acme.bot",),
        "tool": ("acme.action",),
        "conversation_id": ("acme.thread",),
        "usage_in": ("acme.tokens.in",),
        "usage_out": ("acme.tokens.out",),
    },
    refine=refine,
)
