"""Haystack: pipelines of components, agents with steps.

Roles come from span names; a component that calls a model, a retriever or an embedder is told by
its class. A tool that failed says so in `haystack.tool.error` on a span without status. Model,
usage and why an agent stopped are only inside captured output. The scope is the application's own.
OpenInference sends two spans a run and no model's: usage and stop reasons are in their output.
Source: conventions.md 1 rule 11, 2, 3.2; spans of haystack-ai 3.4.0.
"""

import json
import re

from agentslo.dialects.answer import MAX_BYTES
from agentslo.dialects.base import Attributes, Dialect, SpanView, Value, count, text
from agentslo.dialects.finish import normalise
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
    ("Agent", Role.AGENT),
)
_OUTPUTS = ("haystack.agent.step.llm.output", "haystack.component.output")
_OUT_OF_STEPS = "max_agent_steps"
_OPENINFERENCE = "openinference.instrumentation.haystack"
# A message printed as the Python object it is.
_FINISH = re.compile(r"'finish_reason': '(\w+)'")


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
    """A failed tool, what a captured answer says of cost, an agent that ran out of steps."""
    if view.scope.name == _OPENINFERENCE and step.role is Role.AGENT:
        _result(_object(text(view.attributes.get("output.value"))), step)
    if step.dialect != NAME:
        return
    found = view.attributes
    if step.role is Role.TOOL:
        if found.get("haystack.tool.error") is True and step.fault is None:
            step.fault, step.failed = Fault.OTHER, True
    elif step.role is Role.LLM:
        _answer(found, step)
    elif step.role is Role.AGENT:
        step.agent = step.agent or text(found.get("haystack.component.name"))
        _stop(_object(text(found.get("haystack.agent.output"))), step)
    elif step.role is Role.RETRIEVAL and step.documents is None:
        documents = _object(text(found.get(_OUTPUTS[1]))).get("documents")
        step.documents = len(documents) if isinstance(documents, list) else None


def _stop(output: Attributes, step: Step) -> None:
    if output.get("exit_reason") == _OUT_OF_STEPS and step.fault is None:
        step.fault = Fault.LIMIT


def _result(output: Attributes, step: Step) -> None:
    """The result of a whole agent: why it stopped, and its usage where no model's span holds it."""
    _stop(output, step)
    said = _FINISH.findall(text(output.get("last_message")))
    step.finish = normalise(said[-1]) if said else step.finish
    _usage(output.get("token_usage"), step)


def _usage(usage: Value, step: Step) -> None:
    if isinstance(usage, dict):
        step.usage_in = count(usage.get("prompt_tokens", usage.get("input_tokens"))) or None
        step.usage_out = count(usage.get("completion_tokens", usage.get("output_tokens"))) or None


def _answer(found: Attributes, step: Step) -> None:
    output = next((_object(o) for key in _OUTPUTS if (o := text(found.get(key)))), {})
    replies = output.get("replies")
    reply = replies[-1] if isinstance(replies, list) and replies else None
    meta = (reply.get("meta") if isinstance(reply, dict) else None) or output.get("meta")
    meta = meta[-1] if isinstance(meta, list) and meta else meta
    if not isinstance(meta, dict):
        return
    step.model = step.model or text(meta.get("model"))
    _usage(meta.get("usage"), step)


def _object(value: str) -> dict[str, Value]:
    if not value.startswith("{") or len(value) > MAX_BYTES:
        return {}
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


NAME = "haystack"
DIALECT = Dialect(
    name=NAME,
    role=role,
    markers=(PREFIX.encode(),),
    keys={
        "tool": ("haystack.tool.name",),
        "tool_args": ("haystack.agent.step.tool.input",),
        "tool_result": ("haystack.agent.step.tool.output",),
        "output": _OUTPUTS,
    },
    refine=refine,
)
