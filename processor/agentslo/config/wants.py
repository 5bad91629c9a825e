"""Which parts of spans the agent files ask about, so that nothing else is kept.

In: all agent files in force. Out: `Wants`, handed to the reader of spans. Pure. Tools are told
apart by name only at this point: what any file asks of a tool's name is read for all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agentslo.config.agent_options import AgentFile, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolWants:
    """What to read of one tool's calls: fields of arguments and result, arguments that do not tell
    two effects apart (or, where given, those that do), and arguments that must not be injected.
    """

    arguments: frozenset[str] = frozenset()
    results: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    idempotency: tuple[str, ...] = ()
    untrusted: frozenset[str] = frozenset()
    write: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What to keep of spans: attributes by key, and per tool name its `ToolWants`.

    `provenance`: some tool has untrusted arguments, so it must be known which words came from a
    person and which from instructions inside tool results.
    """

    attributes: frozenset[str] = frozenset()
    tools: Mapping[str, ToolWants] = field(default_factory=dict)
    provenance: bool = False
    citation_patterns: tuple[str, ...] = ()


NOTHING = Wants()


def wanted(files: Iterable[AgentFile]) -> Wants:
    """Everything the files ask about."""
    files = tuple(files)
    names = {t.name for f in files for t in f.tools}
    names |= {e.tool for f in files for e in f.expect if e.tool}
    tools = {name: _tool(name, files) for name in sorted(names)}
    return Wants(
        attributes=frozenset(key for f in files for key in _attributes(f)),
        tools=tools,
        provenance=any(t.untrusted for t in tools.values()),
        citation_patterns=tuple(sorted({f.citation_pattern for f in files} - {""})),
    )


def _attributes(file: AgentFile) -> Iterable[str]:
    if file.task.type_attribute:
        yield file.task.type_attribute
    for expect in file.expect:
        if expect.source in ("attribute", "system_of_record"):
            yield expect.key
    for policy in file.policies:
        yield from (k for k in (policy.attribute, policy.blocked_attribute) if k)
    for tool in file.tools:
        if tool.approval.attribute:
            yield tool.approval.attribute


def _tool(name: str, files: tuple[AgentFile, ...]) -> ToolWants:
    tools = [t for f in files for t in f.tools if t.name == name]
    expects = [e for f in files for e in f.expect if e.tool == name]
    return ToolWants(
        arguments=frozenset(a for t in tools for a in _asked(t))
        | {e.key for e in expects if e.source == "tool_argument"},
        results=frozenset(t.poll_field for t in tools if t.poll_field)
        | {e.key for e in expects if e.source == "tool_result"},
        volatile=frozenset(a for t in tools for a in t.volatile_arguments),
        idempotency=next((t.idempotency_arguments for t in tools if t.idempotency_arguments), ()),
        untrusted=frozenset(a for t in tools for a in t.untrusted_arguments),
        write=any(t.effect == "write" for t in tools),
    )


def _asked(tool: Tool) -> Iterable[str]:
    if tool.escalation is not None:
        asked = (tool.escalation.reason_argument, tool.escalation.queue_argument)
        yield from (key for key in asked if key)
