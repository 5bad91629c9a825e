"""Whether objectives can be kept, judged and shown: units of work, evidence, label counts.

In: an `AgentFile` whose `slos` are sound, its `Reading`, the caps. Out: problems and warnings,
noted. No state. Source: requirements.md S1, S2, S11; design.md 6 (caps).
"""

import re

from agentslo.config.agent_options import AgentFile, AgentSlo
from agentslo.config.options import CapOptions
from agentslo.config.problems import did_you_mean, quoted
from agentslo.config.reading import Reading

_ACCURACY_LIKE = re.compile(r"accura|quality|helpful|correct")

# How many values the other labels of the two widest families have: design.md 6.
_OUTCOMES = 17
_RESULTS = 3


Sections = frozenset[str]
"""The top-level keys in which nothing is wrong, so that they can be compared."""


def check_promises(agent: AgentFile, reading: Reading, caps: CapOptions, sound: Sections) -> None:
    """Everything objectives need from the rest of the file."""
    if agent.slos and not agent.task.unit and "task" in sound:
        what = "an objective counts runs, and task.unit does not say what one is"
        reading.note(("slos",), what, "add 'task: {unit: one ...}'")
    for index, slo in enumerate(agent.slos):
        _check_name(slo, index, reading)
        _check_evidence(agent, slo, index, reading, sound)
    _check_parts(agent, reading)
    _check_caps(agent, reading, caps)


def _check_name(slo: AgentSlo, index: int, reading: Reading) -> None:
    if _ACCURACY_LIKE.search(slo.name) and not slo.label_definition:
        what = f"{quoted(slo.name)} promises a judgement nobody has defined"
        fix = "add 'label_definition:' with what a judge calls correct, or name the task's outcome"
        reading.note(("slos", index, "name"), what, fix)


def _check_evidence(
    agent: AgentFile, slo: AgentSlo, index: int, reading: Reading, sound: Sections
) -> None:
    """A success objective whose evidence nothing in the file can give stays unknown forever."""
    if slo.dimension != "success" or not {"expect", "evaluations", "tools"} <= sound:
        return
    proving = [expect for expect in agent.expect if expect.proves_success]
    judged = any(rule.dimension == "success" for rule in agent.evaluations)
    records = any(expect.source == "system_of_record" for expect in proving)
    # A hand-over that keeps its declared reasons and deadline is good by itself (design.md 3).
    handed = any(
        t.escalation and t.escalation.reasons and t.escalation.deadline_s for t in agent.tools
    )
    needed = {
        "tool_result": (
            bool(proving) or judged or handed,
            "an assertion under expect, or an evaluation",
        ),
        "evaluator": (judged or records, "an evaluation with dimension success"),
        "system_of_record": (records, "an assertion with system_of_record under expect"),
    }
    given, what_is_missing = needed.get(slo.min_evidence, (True, ""))
    if not given:
        what = f"asks for {slo.min_evidence} evidence, and nothing here can ever give it"
        reading.note(("slos", index), what, f"add {what_is_missing}, or lower min_evidence")
    elif slo.min_evidence == "tool_result" and proving and not judged:
        _check_covered(agent, slo, index, reading)


def _check_covered(agent: AgentFile, slo: AgentSlo, index: int, reading: Reading) -> None:
    proving = [expect for expect in agent.expect if expect.proves_success]
    kinds = slo.task_types or agent.task.types
    bare = [k for k in kinds if all(e.task_types and k not in e.task_types for e in proving)]
    if bare:
        what = f"no assertion can prove success of task type {', '.join(bare)}"
        fix = "add one under expect, or give the SLO the task_types it is for"
        reading.warn(("slos", index), what, fix)


def _check_parts(agent: AgentFile, reading: Reading) -> None:
    parts = {slo.name: slo.of for slo in agent.slos}
    for index, slo in enumerate(agent.slos):
        where = ("slos", index, "of")
        for name in slo.of:
            if name not in parts:
                near = did_you_mean(name, tuple(parts))
                fix = f"did you mean {near}?" if near else f"use {', '.join(parts)}"
                reading.note(where, f"{quoted(name)} is none of the SLOs", fix)
        if slo.name in _below(slo.name, parts):
            reading.note(where, "leads back to this SLO itself", "name the parts alone")


def _below(name: str, parts: dict[str, tuple[str, ...]]) -> set[str]:
    """Every part of a composite, and the parts of its parts."""
    found: set[str] = set()
    left = list(parts[name])
    while left:
        part = left.pop()
        if part not in found:
            found.add(part)
            left.extend(parts.get(part, ()))
    return found


def _check_caps(agent: AgentFile, reading: Reading, caps: CapOptions) -> None:
    """What is beyond a cap is counted under `_other`: the labels declared here must fit."""
    types, tools = agent.task.types, agent.tools
    segments = {segment for slo in agent.slos for segment in slo.segments}
    for where, count, cap in (
        (("task", "types"), len(types), caps.task_types),
        (("tools",), len(tools), caps.tools),
        (("slos",), len(segments), caps.segments),
    ):
        if count > cap:
            label = "segments" if where == ("slos",) else where[-1]
            what = f"{count} {label} are more than the cap of {cap}: the rest would be _other"
            fix = "list fewer, or raise metrics.caps in the service file"
            reading.note(where, what, fix)
    per_release = sum(len(slo.segments) + 1 for slo in agent.slos) * _RESULTS
    series = caps.releases * (per_release + (len(types) + 1) * _OUTCOMES)
    if series > caps.series_per_agent:
        what = (
            f"SLOs x segments and task types x outcomes make {series} series over "
            f"{caps.releases} releases, more than the cap of {caps.series_per_agent}"
        )
        fix = "tell fewer segments or task types apart, or raise metrics.caps.series_per_agent"
        reading.note(("slos",), what, fix)
