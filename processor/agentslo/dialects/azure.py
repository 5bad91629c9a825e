"""Azure AI agents: threads and runs beside the OTel GenAI operations.

Everything that keeps threads, messages and files is administration. The status of a thread's run is
an attribute, on a span that may be OK. Source: conventions.md 2, 3.2; azure-ai-projects 2.10.0
(documentation, no recording).
"""

from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.model import Fault, Role, Step

STATUS = "gen_ai.thread.run.status"
_ADMIN_PREFIXES = ("list_", "get_", "update_agent", "delete_agent", "create_vector_store")
_FAULTS: dict[str, Fault] = {
    "failed": Fault.OTHER,
    "expired": Fault.LIMIT,
    "incomplete": Fault.LIMIT,
    "cancelled": Fault.CANCELLED,
    "cancelling": Fault.CANCELLED,
    "requires_action": Fault.PAUSED,
}


def role(view: SpanView) -> Role | None:
    """ADMIN for life-cycle operations that the general table does not list."""
    operation = view.attributes.get("gen_ai.operation.name")
    if isinstance(operation, str) and operation.startswith(_ADMIN_PREFIXES):
        return Role.ADMIN
    return None


def refine(view: SpanView, step: Step) -> None:
    """How a thread's run ended; a run that asks for tool outputs is paused."""
    status = text(view.attributes.get(STATUS)).rsplit(".", 1)[-1].lower()
    if status and step.role is Role.AGENT and step.fault is None:
        step.fault = _FAULTS.get(status)


DIALECT = Dialect(name="azure-ai", role=role, refine=refine)
