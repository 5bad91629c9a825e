"""The `slos` section of an agent file: what the team promises.

In: nodes. Out: an `AgentSlo` each. No state. Source: requirements.md S1 to S12; design.md 3.
"""

from dataclasses import fields

from agentslo.config.agent_options import AgentDimension, AgentSlo, Verdict
from agentslo.config.agent_sections.words import NAME, SENTENCE, WORD
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import (
    Duration,
    Fault,
    Kind,
    Number,
    Objective,
    Text,
    choice_of,
    exact_duration,
)
from agentslo.config.options import DAY_S, MinEvidence
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, GroupList, Values

LIMIT_KINDS: dict[str, Kind[float]] = {
    "latency": Duration(0.001, 30 * DAY_S),
    "cost": Number(0.000001, 1_000_000),
}
_EXAMPLES = {"latency": "limit: 60s", "cost": "limit: 0.02"}
_MEASURED = {"latency": "a duration", "cost": "a cost"}


def _fold(values: Values, path: OptionPath, reading: Reading) -> Values:
    """The limit in the unit of its dimension."""
    text, dimension = values.get("limit"), values.get("dimension")
    if not isinstance(text, str) or not isinstance(dimension, str):
        return values
    rest = {key: value for key, value in values.items() if key != "limit"}
    kind = LIMIT_KINDS.get(dimension)
    if kind is None:
        what = f"has no meaning for dimension {dimension}"
        reading.note((*path, "limit"), what, "remove it; latency and cost have limits")
        return rest
    try:
        return {**rest, "limit": kind.parse(text)}
    except Fault as fault:
        reading.note((*path, "limit"), fault.what, fault.fix)
        return rest


def _unfold(slo: AgentSlo) -> Values:
    values: Values = {f.name: getattr(slo, f.name) for f in fields(slo)}
    if slo.limit is not None and slo.dimension == "latency":
        values["limit"] = exact_duration(slo.limit)
    return values


def _finish(slo: AgentSlo, path: OptionPath, reading: Reading) -> AgentSlo:
    if not reading.is_sound(*path):
        return slo
    if slo.dimension in LIMIT_KINDS and slo.limit is None:
        what = f"a {slo.dimension} SLO needs the most that is still good"
        reading.note((*path, "limit"), what, f"add '{_EXAMPLES[slo.dimension]}' here")
    if slo.dimension in _MEASURED and reading.is_written((*path, "min_evidence")):
        what = f"{_MEASURED[slo.dimension]} is measured, not judged"
        reading.note((*path, "min_evidence"), what, "remove it, or change dimension")
    _check_composite(slo, path, reading)
    return slo


def _check_composite(slo: AgentSlo, path: OptionPath, reading: Reading) -> None:
    if slo.dimension == "composite":
        if not slo.of:
            fix = "add 'of: [...]' with the names of other SLOs"
            reading.note((*path, "of"), "a composite SLO needs its parts", fix)
        if reading.is_written((*path, "min_evidence")):
            what = "the evidence a composite needs is that of its parts"
            reading.note((*path, "min_evidence"), what, "remove it, and set it on the parts")
    elif slo.of:
        fix = "remove it, or set dimension: composite"
        reading.note((*path, "of"), f"has no meaning for dimension {slo.dimension}", fix)


def _finish_all(
    items: dict[int, AgentSlo], path: OptionPath, reading: Reading
) -> tuple[AgentSlo, ...]:
    first: dict[str, int] = {}
    for index, slo in items.items():
        if slo.name in first:
            what = f"{quoted(slo.name)} is also the name of slos[{first[slo.name]}]"
            reading.note((*path, index, "name"), what, "give each its own name")
        first.setdefault(slo.name, index)
    return tuple(items.values())


OBJECTIVES = GroupList(
    name="slos",
    doc="The objectives. A critical agent has at least success, latency, safety and cost.",
    finish=_finish_all,
    item=Group(
        name="slo",
        doc="One objective.",
        make=AgentSlo,
        fold=_fold,
        unfold=_unfold,
        finish=_finish,
        fields=(
            Key("name", NAME, "Value of the label `slo`.", required=True),
            Key("dimension", choice_of(AgentDimension), "What is judged.", required=True),
            Key(
                "objective",
                Objective(),
                "Share of valid runs that must be good: `0.95` or `95%`.",
                required=True,
                into="objective_ratio",
            ),
            Key(
                "min_evidence",
                choice_of(MinEvidence),
                "Weakest evidence that makes a run good; not for latency, cost and composite.",
            ),
            Key(
                "limit",
                Text(r".{1,40}", "a duration such as `60s` (latency), US dollars (cost)"),
                "Most that is still good; for latency and cost, which need it.",
            ),
            Key(
                "window",
                Duration(3_600, 92 * DAY_S),
                "Window of the error budget.",
                into="window_s",
            ),
            TextList("of", NAME, "For a composite: SLOs that must all be good in the same run."),
            TextList("task_types", WORD, "Kinds of task it applies to; none given: all."),
            TextList(
                "segments",
                WORD,
                "Values of `agent_slo.declared.user_segment` told apart in metrics.",
            ),
            Key("refused", choice_of(Verdict), "What a refusal counts as."),
            Key("blocked", choice_of(Verdict), "What a run a guardrail stopped counts as."),
            Key(
                "label_definition",
                SENTENCE,
                "What a judge was told to call correct; names like accuracy and quality need it.",
            ),
        ),
    ),
)
