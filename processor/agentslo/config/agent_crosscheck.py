"""Checks that no section of an agent file can make alone: names that must exist, who is named.

In: an `AgentFile` and its `Reading`. Out: problems and warnings, noted. No state. Compares only
sections that are sound, so one mistake is one problem. What is promised is checked in
`agent_promises.py`. Source: requirements.md S11, S14, O1, G1.
"""

from collections.abc import Iterable

from agentslo.config.agent_options import AgentFile, Tool
from agentslo.config.agent_promises import Sections, check_promises
from agentslo.config.agent_schema import AGENT
from agentslo.config.options import CapOptions
from agentslo.config.problems import did_you_mean, quoted
from agentslo.config.reading import OptionPath, Reading

_DIMENSIONS = ("success", "latency", "safety", "cost")


def check_agent(agent: AgentFile, reading: Reading, caps: CapOptions) -> None:
    """Everything that concerns one file alone."""
    # Taken before the first check, so that what one check notes hides nothing from the next.
    sound = frozenset(field.name for field in AGENT.fields if reading.is_sound(field.name))
    _check_tier(agent, reading, sound)
    _check_decides(agent, reading, sound)
    if "tools" in sound:
        _check_tools(agent, reading)
        _check_tool_names(agent, reading, sound)
        _check_groups(agent, reading, sound)
    if "task" in sound:
        _check_task_types(agent, reading, sound)
    if "slos" in sound:
        check_promises(agent, reading, caps, sound)


def _check_tier(agent: AgentFile, reading: Reading, sound: Sections) -> None:
    """What a critical agent must say, and every agent should (requirements.md S11, S14)."""
    critical = agent.tier == "critical"
    if critical and not agent.error_budget_policy and "error_budget_policy" in sound:
        what = "is critical without saying what happens when its error budget is spent"
        reading.note(("tier",), what, "add 'error_budget_policy:', or lower the tier")
    if critical and not agent.owners.operations and "owners" in sound:
        what = "is critical and nobody is called in an incident"
        reading.note(("tier",), what, "add 'operations:' under owners, or lower the tier")
    missing = [name for name in _DIMENSIONS if all(s.dimension != name for s in agent.slos)]
    if not missing or "slos" not in sound:
        return
    what = f"there is no SLO for {', '.join(missing)}"
    fix = "add an SLO for each; only together they show what is traded for what"
    if critical:
        reading.note(("slos",), f"{what}, and the agent is critical", fix)
    else:
        reading.warn(("slos",), what, fix)


def _check_decides(agent: AgentFile, reading: Reading, sound: Sections) -> None:
    for decision, role in agent.decides.items():
        if not getattr(agent.owners, role) and "owners" in sound:
            what = f"is for {role} to decide, and owners.{role} is nobody"
            reading.warn(("decides", decision), what, f"add '{role}:' under owners")


def _check_tools(agent: AgentFile, reading: Reading) -> None:
    for tool in agent.tools:
        path = ("tools", tool.name)
        if tool.permission == "confirm":
            _check_approval(tool, path, reading)
        elif reading.is_written((*path, "approval")):
            what = f"has no meaning with permission {tool.permission}"
            reading.warn((*path, "approval"), what, "remove it, or set permission: confirm")
        if tool.escalation is not None and tool.permission == "never":
            what = "the tool that hands over to a person may never be called"
            fix = "set permission: autonomous or escalate, or remove escalation"
            reading.note((*path, "permission"), what, fix)


def _check_approval(tool: Tool, path: OptionPath, reading: Reading) -> None:
    if not reading.is_written((*path, "approval")):
        what = "needs a person's yes, and only a person's step in the trace would show it"
        fix = "add 'approval:' with the tools or the attribute that say so"
        reading.warn((*path, "permission"), what, fix)
    elif not (tool.approval.tools or tool.approval.attribute or tool.approval.human_step):
        what = "nothing can show the yes this tool needs: every call would be unsafe"
        reading.note((*path, "approval"), what, "add tools or attribute, or human_step: true")


def _check_tool_names(agent: AgentFile, reading: Reading, sound: Sections) -> None:
    known = tuple(tool.name for tool in agent.tools)
    for tool in agent.tools:
        path: OptionPath = ("tools", tool.name)
        for where, names in (
            ((*path, "approval", "tools"), tool.approval.tools),
            ((*path, "compensates"), tool.compensates),
        ):
            _check_names(names, known, where, reading)
            if tool.name in names:
                reading.note(where, "names the tool itself", "name another tool")
    if "expect" not in sound:
        return
    for index, expect in enumerate(agent.expect):
        if expect.tool:
            where = ("expect", index, expect.source, "tool")
            _check_names((expect.tool,), known, where, reading)


def _check_groups(agent: AgentFile, reading: Reading, sound: Sections) -> None:
    known = tuple(tool.name for tool in agent.tools)
    for group in agent.commits_together:
        where = ("commits_together", group.name)
        if "commits_together" in sound:
            _check_names(group.tools, known, where, reading)
            if len(group.tools) < 2:
                reading.note(where, "is one tool alone", "name all whose effects belong together")


def _check_names(
    names: Iterable[str], known: tuple[str, ...], where: OptionPath, reading: Reading
) -> None:
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            fix = f"did you mean {near}?" if near else "list it under tools"
            reading.note(where, f"{quoted(name)} is none of the tools", fix)


def _check_task_types(agent: AgentFile, reading: Reading, sound: Sections) -> None:
    """Kinds of task named elsewhere are among those listed, where any are."""
    known = agent.task.types
    used: list[tuple[OptionPath, tuple[str, ...]]] = []
    if "expect" in sound:
        used += [(("expect", i, "task_types"), e.task_types) for i, e in enumerate(agent.expect)]
    if "slos" in sound:
        used += [(("slos", i, "task_types"), s.task_types) for i, s in enumerate(agent.slos)]
    if "tools" in sound:
        used += [
            (("tools", t.name, "escalation", "not_for_task_types"), t.escalation.not_for_task_types)
            for t in agent.tools
            if t.escalation
        ]
    for where, names in used:
        for name in names:
            if known and name not in known:
                near = did_you_mean(name, known)
                fix = f"did you mean {near}?" if near else "add it there"
                reading.note(where, f"{quoted(name)} is none of task.types", fix)
