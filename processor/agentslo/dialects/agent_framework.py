"""Microsoft Agent Framework: OTel GenAI names for agents, span names of its own for workflows.

Building a workflow is no run. Source: conventions.md 1 rule 11, 2, 3.2; spans of
agent-framework-core 1.23.0.
"""

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Role

SCOPE = "agent_framework"
# By the part of the name before the first space: `executor.process triage_agent`.
NAMES: dict[str, Role] = {
    "workflow.run": Role.WORKFLOW,
    "workflow.build": Role.ADMIN,
    "executor.process": Role.STEP,
    "edge_group.process": Role.STEP,
    "message.send": Role.STEP,
}


def role(view: SpanView) -> Role | None:
    """Roles of the workflow engine's spans."""
    if view.scope.name != SCOPE:
        return None
    return NAMES.get(view.name.partition(" ")[0])


DIALECT = Dialect(
    name="agent-framework",
    role=role,
    keys={"workflow": ("workflow.name",)},
    scopes=(SCOPE,),
    tool_scopes=(SCOPE,),
    answer_scopes=(SCOPE,),
)
