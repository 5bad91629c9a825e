"""Semantic Kernel: OTel GenAI names, with operations of its own in older and text services.

Source: conventions.md 3.2; semantic-kernel 1.45.0 (`model_diagnostics/decorators.py`).
"""

from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.model import Role

SCOPE = "semantic_kernel."
OPERATIONS: dict[str, Role] = {
    "text_completions": Role.LLM,
    "chat.completions": Role.LLM,
    "chat.streaming_completions": Role.LLM,
    "text.completions": Role.LLM,
    "text.streaming_completions": Role.LLM,
}


def role(view: SpanView) -> Role | None:
    """Roles of operations that the general conventions do not know."""
    if not view.scope.name.startswith(SCOPE):
        return None
    return OPERATIONS.get(text(view.attributes.get("gen_ai.operation.name")))


DIALECT = Dialect(name="semantic-kernel", role=role, scopes=(SCOPE,), answer_scopes=(SCOPE,))
