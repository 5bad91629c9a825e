"""From a closed tree to a `Run`: identity, times, release.

In: a `Tree`, its forest's parents, how it closed. Out: Run. Pure. Sources: design.md 3 "Identity",
conventions.md 4 (first non-empty wins, root preferred).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from agentslo.dialects.prompts import DERIVED
from agentslo.model import Role, Run, Step
from agentslo.runs.forest import Tree
from agentslo.runs.told import with_told_calls

UNSET = "unset"
_INSTANCE = re.compile(
    r"[ _./:-]*\(?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\)?",
    re.IGNORECASE,
)
_DECORATION = re.compile(
    r"^(invoke_agent|invoke_workflow|create_agent|agent_run) |\.(run|workflow|agent|kickoff|task)$"
)


def run_id(tree: Tree, trace_id: bytes) -> str:
    """Trace id and root span id, or the missing parent's, as hex."""
    head = tree.root.span_id if tree.root else tree.missing_parent
    return f"{trace_id.hex()}:{head.hex()}"


def build(tree: Tree, parents: Mapping[bytes, bytes], finalized_by: str) -> Run:
    """The run of a closed tree."""
    steps, parents = with_told_calls(tree.members, parents)
    lead = tree.root or steps[0]
    name = agent_name(tree, parents)
    service = lead.resource.service
    entry = _entry(tree, parents) or lead
    version = entry.agent_version or _first(steps, lambda s: s.agent_version)
    told = versions(lead, steps, version or lead.resource.service_version)
    return Run(
        run_id=run_id(tree, lead.trace_id),
        trace_id=lead.trace_id.hex(),
        trace_ids=(lead.trace_id.hex(),),
        root=tree.root,
        steps=steps,
        parents=parents,
        finalized_by=finalized_by,
        agent=identity(service, name),
        entry_agent=name,
        agent_version=told.agent,
        prompt_version=told.prompt,
        tools_version=told.tools,
        policy_version=told.policy,
        models=told.models,
        service=service,
        environment=lead.resource.environment or UNSET,
        release=told.release,
        conversation_id=lead.conversation_id or _first(steps, lambda s: s.conversation_id),
        task_type=_declared(lead, steps, "task_type") or _first(steps, lambda s: s.task_type),
        start_ns=tree.root.start_ns if tree.root else min(s.start_ns for s in steps),
        end_ns=tree.root.end_ns if tree.root else max(s.end_ns for s in steps),
        source=lead.source,
    )


def _first(steps: Iterable[Step], pick: Callable[[Step], str]) -> str:
    return next((found for s in steps if (found := pick(s))), "")


def _declared(lead: Step, steps: Iterable[Step], key: str) -> str:
    for step in (lead, *steps):
        value = step.declared.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _entry(tree: Tree, parents: Mapping[bytes, bytes]) -> Step | None:
    """The agent that got the task: the outermost, earliest AGENT span that carries a name."""
    depth: dict[bytes, int] = {}
    for step in tree.members:
        chain, at = [], step.span_id
        while at and at not in depth:
            chain.append(at)
            at = parents.get(at, b"")
        base = depth.get(at, -1) if at else -1
        for i, span_id in enumerate(reversed(chain), start=1):
            depth[span_id] = base + i
    named = [s for s in tree.members if s.role is Role.AGENT and s.agent]
    return min(named, key=lambda s: (depth[s.span_id], s.start_ns, s.span_id), default=None)


def agent_name(tree: Tree, parents: Mapping[bytes, bytes]) -> str:
    """The run's agent as the sender names it; "" where no span tells.

    An instance's UUID in a name would make every run an agent of its own: it is left out.
    """
    return _INSTANCE.sub("", _sent_name(tree, parents))


def _sent_name(tree: Tree, parents: Mapping[bytes, bytes]) -> str:
    entry = _entry(tree, parents)
    if entry is not None:
        return entry.agent
    root = tree.root
    if root is None:
        return _first(tree.members, lambda s: s.agent)
    if root.workflow:
        return root.workflow
    return _DECORATION.sub("", root.name)


def identity(service: str, name: str) -> str:
    """`service.name/agent-name`; the agent name alone where the service says nothing of its own."""
    if not service or service.startswith("unknown_service") or service == name:
        return name or service or "unknown"
    return f"{service}/{name}" if name else service


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What a release is told by: as declared, as sent, or derived from what the model was given."""

    agent: str
    prompt: str
    models: tuple[str, ...]
    tools: str
    policy: str

    @property
    def release(self) -> str:
        """Short stable id of the tuple; `unset` where the spans tell none of it."""
        parts = (self.agent, self.prompt, *self.models, f"t={self.tools}", f"p={self.policy}")
        if not any((self.agent, self.prompt, self.models, self.tools, self.policy)):
            return UNSET
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def versions(lead: Step, steps: Sequence[Step], agent_version: str) -> Versions:
    """The version tuple of a run."""
    models = sorted({s.model for s in steps if s.model and s.role is Role.LLM})
    prompts = [s.prompt_version for s in steps if s.prompt_version]
    tools = sorted({s.tools_version for s in steps if s.tools_version})
    return Versions(
        agent=agent_version,
        prompt=_declared(lead, steps, "prompt_version")
        or next((p for p in prompts if not p.startswith(DERIVED)), "")
        or next(iter(prompts), ""),
        models=tuple(models),
        tools=_declared(lead, steps, "tool_version") or "+".join(tools),
        policy=_declared(lead, steps, "policy_version"),
    )
