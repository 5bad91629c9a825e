"""NeMo Guardrails: `guardrails.request` around a call, rails inside it, actions inside rails.

The request is a step, not a guardrail: around a bare model it is what a run is. A rail that stopped
the request was triggered. Source: conventions.md 1 rule 10, 8; constants of nemoguardrails 0.24.1.
"""

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Role, Step

PREFIX = "guardrails."
NAMES: dict[str, Role] = {
    "guardrails.request": Role.STEP,
    "guardrails.rail": Role.GUARDRAIL,
    "guardrails.action": Role.STEP,
}
# Rails that write the answer rather than check it; `dialog` and `generation` never refuse.
_WORKING_RAILS = frozenset({"dialog", "generation"})


def role(view: SpanView) -> Role | None:
    """The role by the span's name; a rail is told by its type as well."""
    kind = view.attributes.get("rail.type")
    if isinstance(kind, str):
        return Role.STEP if kind in _WORKING_RAILS else Role.GUARDRAIL
    return NAMES.get(view.name) if view.name.startswith(PREFIX) else None


def refine(view: SpanView, step: Step) -> None:
    """A rail says itself whether it stopped the request."""
    stop = view.attributes.get("rail.stop")
    if step.role is Role.GUARDRAIL and step.triggered is None and "rail.type" in view.attributes:
        step.triggered = stop if isinstance(stop, bool) else False


DIALECT = Dialect(
    name="nemo-guardrails",
    role=role,
    markers=(PREFIX.encode(),),
    refine=refine,
)
