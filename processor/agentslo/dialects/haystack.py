"""Haystack: pipelines of components, agents with steps.

Roles come from span names; a component that calls a model, a retriever or an embedder is told by
its class. A tool that failed says so in `haystack.tool.error` on a span without status; usage is
only inside captured output. Source: conventions.md 1 rule 11, 2, 3.2; haystack-ai 3.4.1.
"""

from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.model import Fault, Role, Step

PREFIX = "haystack."
NAMES: dict[str, Role] = {
    "haystack.pipeline.run": Role.WORKFLOW,
    "haystack.async_pipeline.run": Role.WORKFLOW,
    "haystack.agent.run": Role.AGENT,
    "haystack.agent.step.llm": Role.LLM,
    "haystack.agent.step.tool": Role.TOOL,
    "haystack.agent.hook.human_in_the_loop.strategy": Role.HUMAN,
}
# The last part of a component's class name, by the framework's own naming.
_COMPONENTS: tuple[tuple[str, Role], ...] = (
    ("Generator", Role.LLM),
    ("Retriever", Role.RETRIEVAL),
    ("Ranker", Role.RETRIEVAL),
    ("Embedder", Role.EMBEDDING),
)
_AGENT = "Agent"


def role(view: SpanView) -> Role | None:
    """The role by name; of a component by its class; otherwise a step."""
    if not view.name.startswith(PREFIX):
        return None
    found = NAMES.get(view.name)
    if found is not None:
        return found
    kind = text(view.attributes.get("haystack.component.type"))
    return next((r for ending, r in _COMPONENTS if kind.endswith(ending)), Role.STEP)


def refine(view: SpanView, step: Step) -> None:
    """A failed tool, and an agent that is named by its place in the pipeline."""
    found = view.attributes
    if step.dialect != NAME:
        return
    if step.role is Role.TOOL and found.get("haystack.tool.error") is True and step.fault is None:
        step.fault, step.failed = Fault.OTHER, True
    if found.get("haystack.agent.hook.human_in_the_loop.strategy.decision") == "reject":
        step.failed = None


NAME = "haystack"
DIALECT = Dialect(
    name=NAME,
    role=role,
    markers=(b"haystack.",),
    keys={
        "tool": ("haystack.tool.name",),
        "tool_args": ("haystack.agent.step.tool.input",),
        "tool_result": ("haystack.agent.step.tool.output",),
        "output": ("haystack.agent.step.llm.output", "haystack.component.output"),
        "documents": (),
    },
    refine=refine,
)
