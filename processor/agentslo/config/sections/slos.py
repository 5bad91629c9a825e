"""The `slos` and `environments` sections: what agents without an agent file are held to.

In: nodes. Out: `Slo` each, names of environments. No state. Source: design.md 3.
"""

from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Duration, Ratio, Text, choice_of
from agentslo.config.options import DAY_S, Dimension, MinEvidence, Slo
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, GroupList


def _finish(slo: Slo, path: OptionPath, reading: Reading) -> Slo:
    if not reading.is_sound(*path):
        return slo
    if slo.dimension == "latency":
        if slo.limit_s is None:
            what = "a latency SLO needs the longest good duration"
            reading.note((*path, "limit_s"), what, "add 'limit_s: 120s' here")
        if reading.is_written((*path, "min_evidence")):
            what = "a duration is measured, not judged"
            reading.note((*path, "min_evidence"), what, "remove it, or change dimension")
    elif slo.limit_s is not None:
        what = f"has no meaning for dimension {slo.dimension}"
        reading.note((*path, "limit_s"), what, "remove it, or set dimension: latency")
    return slo


def _finish_all(items: dict[int, Slo], path: OptionPath, reading: Reading) -> tuple[Slo, ...]:
    first: dict[str, int] = {}
    for index, slo in items.items():
        if slo.name in first:
            what = f"{quoted(slo.name)} is also the name of slos[{first[slo.name]}]"
            reading.note((*path, index, "name"), what, "give each its own name")
        first.setdefault(slo.name, index)
    return tuple(items.values())


SLOS = GroupList(
    name="slos",
    doc="Replaces the default SLOs, all of them; an empty list leaves none.",
    item=Group(
        name="slo",
        doc="One objective.",
        make=Slo,
        finish=_finish,
        fields=(
            Key(
                "name",
                Text(r"[a-z][a-z0-9_-]{0,62}", "lower-case letters, digits, '-' and '_'"),
                "Value of the label `slo`.",
                required=True,
            ),
            Key("dimension", choice_of(Dimension), "What a run is judged by.", required=True),
            Key(
                "objective_ratio",
                Ratio(),
                "Share of valid runs that must be good.",
                required=True,
            ),
            Key(
                "min_evidence",
                choice_of(MinEvidence),
                "Weakest evidence that makes a run good; not for latency.",
            ),
            Key("limit_s", Duration(0.001, 30 * DAY_S), "Longest good duration; latency alone."),
            Key(
                "window",
                Duration(3_600, 92 * DAY_S),
                "Window of the error budget.",
                into="window_s",
            ),
        ),
    ),
    finish=_finish_all,
)

ENVIRONMENTS = TextList(
    "environments",
    Text(r"[^\s,]{1,100}", "a name without spaces and commas"),
    "Environments SLOs apply to; others get metrics, never a page. Spans without one are `unset`.",
)
