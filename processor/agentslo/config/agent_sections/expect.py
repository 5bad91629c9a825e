"""What must hold: `expect`, `commits_together`, `evaluations`, `policies`.

In: nodes. Out: `Expect`, `CommitGroup`, `EvaluationRule` and `Policy` each. No state. Source:
requirements.md S4, S16; design.md 3 (evidence, default reading of evaluations).
"""

from dataclasses import dataclass, fields

from agentslo.config.agent_options import (
    Condition,
    EvaluationDimension,
    EvaluationRule,
    Expect,
    Policy,
    Source,
)
from agentslo.config.agent_options import Group as CommitGroup
from agentslo.config.agent_sections.condition import (
    CONDITION_FIELDS,
    folded,
    folded_of_span,
    unfolded,
)
from agentslo.config.agent_sections.words import ATTRIBUTE, FIELD, NAME, TOOL, WAIT, WORD
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Boolean, Number, Text, choice_of
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, GroupList, GroupMap, Values

_SOURCES: tuple[Source, ...] = ("attribute", "tool_result", "tool_argument", "system_of_record")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolField:
    """A field of a tool's result or arguments."""

    tool: str
    field: str


def _tool_field(name: str, doc: str) -> Group[ToolField]:
    return Group(
        name=name,
        doc=doc,
        make=ToolField,
        fields=(
            Key("tool", TOOL, "The tool.", required=True),
            Key("field", FIELD, "Field at the top level, dotted for nested ones.", required=True),
        ),
    )


def _fold_expect(values: Values, path: OptionPath, reading: Reading) -> Values:
    values = folded(values, path, reading, needed=True)
    written = [name for name in _SOURCES if reading.is_written((*path, name))]
    for extra in written[1:]:
        what = f"{written[0]} is given already"
        reading.note((*path, extra), what, "keep one; write a second assertion")
    if not written:
        reading.note(path, "does not say where the value is", f"add one of {', '.join(_SOURCES)}")
    found = {name: values.pop(name) for name in _SOURCES if name in values}
    for source, place in found.items():
        values |= {"source": source}
        if isinstance(place, ToolField):
            values |= {"tool": place.tool, "key": place.field}
        else:
            values |= {"key": place}
    return _fold_absence(values, path, reading)


def _fold_absence(values: Values, path: OptionPath, reading: Reading) -> Values:
    """A value that must not be there is missed by nobody, and its lack proves nothing."""
    condition = values.get("condition")
    if not isinstance(condition, Condition) or not condition.is_absence:
        return values
    for key, what in (
        ("required", "asks for a value that must not be there"),
        ("proves_success", "what was not seen proves nothing"),
    ):
        if values.get(key) is True:
            reading.note((*path, key), what, "remove it, or write 'present: true'")
    return {**values, "proves_success": False}


def _unfold_expect(expect: Expect) -> Values:
    values: Values = {f.name: getattr(expect, f.name) for f in fields(expect)}
    place = ToolField(tool=expect.tool, field=expect.key) if expect.tool else expect.key
    return {**values, expect.source: place, **unfolded(expect.condition)}


def _unfold_policy(policy: Policy) -> Values:
    values: Values = {f.name: getattr(policy, f.name) for f in fields(policy)}
    return {**values, **unfolded(policy.condition)}


def _finish_expect(
    items: dict[int, Expect], path: OptionPath, reading: Reading
) -> tuple[Expect, ...]:
    first: dict[str, int] = {}
    for index, item in items.items():
        if item.name in first:
            what = f"{quoted(item.name)} is also the name of {path[-1]}[{first[item.name]}]"
            reading.note((*path, index, "name"), what, "give each its own name")
        first.setdefault(item.name, index)
    return tuple(items.values())


def _fold_policy(values: Values, path: OptionPath, reading: Reading) -> Values:
    return folded_of_span(values, path, reading)


EXPECT = GroupList(
    name="expect",
    doc="Assertions on what a run left behind. One of `attribute`, `tool_result`, `tool_argument` "
    "and `system_of_record` says where the value is, one condition what it must be.",
    finish=_finish_expect,
    item=Group(
        name="assertion",
        doc="One assertion.",
        make=Expect,
        fold=_fold_expect,
        unfold=_unfold_expect,
        fields=(
            Key("name", NAME, "Named in reasons.", required=True),
            Key("attribute", ATTRIBUTE, "Attribute of any span of the run."),
            _tool_field("tool_result", "A field of what a tool gave back."),
            _tool_field("tool_argument", "A field of what a tool was called with."),
            Key(
                "system_of_record",
                ATTRIBUTE,
                "Attribute an instrumented system of record sets; the strongest evidence.",
            ),
            *CONDITION_FIELDS,
            TextList("task_types", WORD, "Kinds of task it applies to; none given: all."),
            Key("required", Boolean(), "A value that was never seen fails."),
            Key("proves_success", Boolean(), "Holding is evidence that the task went well."),
        ),
    ),
)

COMMITS_TOGETHER = GroupMap(
    name="commits_together",
    doc="Tools whose effects belong together, by a name of yours: some done and some failed is "
    "data corruption. A list is enough: `refund: [issue_refund, close_ticket]`.",
    key_kind=NAME,
    item=Group(
        name="group",
        doc="One group.",
        make=CommitGroup,
        shorthand="tools",
        fields=(TextList("tools", TOOL, "At least two tools.", required=True),),
    ),
)

EVALUATIONS = GroupMap(
    name="evaluations",
    doc="How evaluations are read, by name; `*` stands for anything. Others are read by what they "
    "are called.",
    key_kind=Text(r"\S(?:[^\n]{0,198}\S)?", "the evaluation's name, `*` for anything"),
    item=Group(
        name="evaluation",
        doc="Evaluations of one name.",
        make=EvaluationRule,
        fields=(
            Key("dimension", choice_of(EvaluationDimension), "What it judges."),
            Key("pass_at_least", Number(-1e6, 1e6), "Lowest score that passes."),
            Key(
                "wait",
                WAIT,
                "How long counting waits for it; unsafe actions and corruption never wait.",
                into="wait_s",
            ),
        ),
    ),
)

POLICIES = GroupMap(
    name="policies",
    doc="Rules whose breach shows on a span, by name: violated where the condition holds.",
    key_kind=NAME,
    item=Group(
        name="policy",
        doc="One policy.",
        make=Policy,
        fold=_fold_policy,
        unfold=_unfold_policy,
        fields=(
            Key("attribute", ATTRIBUTE, "Attribute of any span of the run.", required=True),
            *CONDITION_FIELDS,
            Key(
                "blocked_attribute",
                ATTRIBUTE,
                "Where this is true on the same span, the violation was blocked.",
            ),
        ),
    ),
)
