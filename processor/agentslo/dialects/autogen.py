"""AutoGen: OTel GenAI names for agents and tools, messaging spans of its runtimes around them.

`autogen process X` is a step on the way of a message; a runtime alone is no run. Source:
conventions.md 1 rule 11, 3.2; autogen-core 0.7.5.
"""

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Role

SCOPE = "autogen"


def role(view: SpanView) -> Role | None:
    """A step, for the spans of a runtime; operation names tell the rest."""
    if not view.scope.name.startswith(SCOPE) or "gen_ai.operation.name" in view.attributes:
        return None
    return Role.STEP if view.name.startswith(SCOPE + " ") else None


DIALECT = Dialect(name="autogen", role=role, scopes=(SCOPE,))
