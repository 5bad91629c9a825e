"""Model Context Protocol: what a client asks of a server, on the spans of both.

A tool call is a tool; a server that asks back for a person's word is a human, for a model's answer
a step. Everything else, handshakes and listings, is no part of a run. The spans of one call on both
sides are counted once where runs are judged. `mcp.session.id` is no conversation: one connection
serves many. Source: conventions.md 1 rule 9, 3.3; spans of mcp 2.3.0.
"""

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Role, Step

METHOD = "mcp.method.name"
CALL = "tools/call"
METHODS: dict[str, Role] = {
    CALL: Role.TOOL,
    "sampling/createMessage": Role.STEP,
    "elicitation/create": Role.HUMAN,
}


def role(view: SpanView) -> Role | None:
    """The role of a span with a method; of a method that does no work for the run, ADMIN."""
    method = view.attributes.get(METHOD)
    if not isinstance(method, str):
        return None
    return METHODS.get(method, Role.ADMIN)


def refine(view: SpanView, step: Step) -> None:
    """The tool's name stands in the span's name where it has no attribute: `tools/call search`."""
    if step.role is Role.TOOL and not step.tool and view.name.startswith(CALL + " "):
        step.tool = view.name[len(CALL) + 1 :]


DIALECT = Dialect(name="mcp", role=role, markers=(METHOD.encode(),), refine=refine)
