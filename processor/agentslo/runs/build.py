"""From a closed tree to a `Run`: identity, times, release.

In: a `Tree`, its forest's parents, how it closed. Out: Run. Pure. Sources: design.md 3 "Identity",
conventions.md 4 (first non-empty wins, root preferred).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from agentslo.dialects.prompts import DERIVED
from agentslo.model import Role, Run, Step
from agentslo.runs.forest import Tree
from agentslo.runs.marks import ASKED, DECLARED, look, nesting
from agentslo.runs.told import with_told_calls
from agentslo.step import Reading

UNSET = "unset"
MAX_NAMES = 10_000
"""Names and versions remembered with what they make."""
_INSTANCE = re.compile(
    r"[ _./:-]*\(?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\)?",
    re.IGNORECASE,
)
_DECORATION = re.compile(
    r"^(invoke_agent|invoke_workflow|create_agent|agent_run) |\.(run|workflow|agent|kickoff|task)$"
)


def build(tree: Tree, parents: Mapping[bytes, bytes], finalized_by: str) -> Run:
    """The run of a closed tree."""
    members, root = tree.members, tree.root
    seen = look(members)
    steps: tuple[Step, ...] = tuple(members)
    entry = _entry(seen.named, parents)
    if seen.marks & ASKED:
        steps, parents = with_told_calls(members, parents)
        seen = look(steps)
    lead, said = root or steps[0], seen.readings
    sender, trace_id = lead.resource, lead.trace_id.hex()
    name, agent = _named(sender.service, entry.agent if entry else _sent_name(tree))
    version = (entry or lead).agent_version or next(
        (r.agent_version for r in said if r.agent_version), sender.service_version
    )
    declared = (lead, *steps) if seen.marks & DECLARED else ()
    told = _versions(declared, said, version)
    return Run(
        run_id=f"{trace_id}:{(root.span_id if root else tree.missing_parent).hex()}",
        trace_id=trace_id,
        trace_ids=(trace_id,),
        root=root,
        steps=steps,
        parents=parents,
        finalized_by=finalized_by,
        agent=agent,
        entry_agent=name,
        agent_version=told.agent,
        prompt_version=told.prompt,
        tools_version=told.tools,
        policy_version=told.policy,
        models=told.models,
        service=sender.service,
        environment=sender.environment or UNSET,
        release=release_of(told),
        conversation_id=lead.conversation_id
        or next((s.conversation_id for s in steps if s.conversation_id), ""),
        task_type=_declared(declared, "task_type")
        or next((r.task_type for r in said if r.task_type), ""),
        start_ns=root.start_ns if root else min(s.start_ns for s in steps),
        end_ns=root.end_ns if root else max(s.end_ns for s in steps),
        source=lead.source,
        marks=seen.marks | nesting(steps, parents, root),
        piece=not tree.settled,
    )


def _declared(steps: Iterable[Step], key: str) -> str:
    for step in steps:
        value = step.declared.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _entry(named: Sequence[Step], parents: Mapping[bytes, bytes]) -> Step | None:
    """The agent that got the task: the outermost, earliest AGENT span that carries a name."""
    if len(named) < 2:
        return named[0] if named else None
    depth: dict[bytes, int] = {b"": 0}
    for step in named:
        chain, at = [], step.span_id
        while at not in depth:
            chain.append(at)
            at = parents.get(at, b"")
        base = depth[at]
        for above, span_id in enumerate(reversed(chain), start=1):
            depth[span_id] = base + above
    return min(named, key=lambda s: (depth[s.span_id], s.start_ns, s.span_id))


def _sent_name(tree: Tree) -> str:
    """The run's name where no agent span carries one."""
    root = tree.root
    if root is None:
        return next((s.agent for s in tree.members if s.agent), "")
    return root.workflow or _DECORATION.sub("", root.name)


@lru_cache(MAX_NAMES)
def _named(service: str, sent: str) -> tuple[str, str]:
    """The run's agent as its sender names it, and as we do.

    An instance's UUID in a name would make every run an agent of its own: it is left out.
    """
    name = _INSTANCE.sub("", sent)
    return name, identity(service, name)


def identity(service: str, name: str) -> str:
    """`service.name/agent-name`; the agent name alone where the service says nothing of its own."""
    if not service or service.startswith("unknown_service") or service == name:
        return name or service or "unknown"
    return f"{service}/{name}" if name else service


class Versions(NamedTuple):
    """What a release is told by: as declared, as sent, or derived from what the model was given."""

    agent: str
    prompt: str
    models: tuple[str, ...]
    tools: str
    policy: str


@lru_cache(MAX_NAMES)
def release_of(told: Versions) -> str:
    """Short stable id of the versions; `unset` where the spans tell none of them."""
    if not any((told.agent, told.prompt, told.models, told.tools, told.policy)):
        return UNSET
    parts = (told.agent, told.prompt, *told.models, f"t={told.tools}", f"p={told.policy}")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def _versions(declared: Sequence[Step], said: Sequence[Reading], agent_version: str) -> Versions:
    """What the release of a run is told by; `declared`: where the application may say it."""
    models = {r.model for r in said if r.model and r.role is Role.LLM}
    prompts = [r.prompt_version for r in said if r.prompt_version]
    tools = {r.tools_version for r in said if r.tools_version}
    prompt = next((p for p in prompts if not p.startswith(DERIVED)), "") if prompts else ""
    return Versions(
        agent_version,
        _declared(declared, "prompt_version") or prompt or (prompts[0] if prompts else ""),
        tuple(sorted(models)),
        _declared(declared, "tool_version") or "+".join(sorted(tools)),
        _declared(declared, "policy_version"),
    )
