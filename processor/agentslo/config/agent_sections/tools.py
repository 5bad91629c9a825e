"""The `tools` section: what each tool does to the world and what the agent may do with it.

In: nodes. Out: a `Tool` each, with `Approval` and `Escalation`. No state. Source: requirements.md
G1 (autonomous, confirm, escalate, never), T17 (idempotency); methods.md 2.
"""

from dataclasses import dataclass, fields

from agentslo.config.agent_options import Approval, Effect, Escalation, Permission, Tool
from agentslo.config.agent_sections.condition import CONDITION_FIELDS, folded_of_span, unfolded
from agentslo.config.agent_sections.words import ATTRIBUTE, FIELD, TOOL, USD, WORD
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Boolean, Duration, Number, choice_of
from agentslo.config.options import DAY_S
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, GroupMap, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The field of a result that says the work is pending, and its values that do."""

    field: str
    pending: tuple[str, ...]


def _fold_approval(values: Values, path: OptionPath, reading: Reading) -> Values:
    has_attribute = reading.is_written((*path, "attribute"))
    values = folded_of_span(values, path, reading, needed=has_attribute)
    if "condition" in values and not has_attribute:
        what = "a condition without the attribute it is about"
        reading.note(path, what, "add 'attribute:', or remove the condition")
    return values


def _fold_tool(values: Values, path: OptionPath, reading: Reading) -> Values:
    poll = values.pop("poll", None)
    if isinstance(poll, Poll):
        values |= {"poll_field": poll.field, "poll_pending": poll.pending}
    if (
        values.get("effect") == "write"
        and "permission" not in values
        and reading.is_sound(*path, "permission")
    ):
        what = "writes, and no permission is stated: it may be called without asking"
        fix = "add 'permission: autonomous' if that is meant, or confirm, escalate, never"
        reading.warn(path, what, fix)
    return values


def _unfold_approval(approval: Approval) -> Values:
    values: Values = {"tools": approval.tools, "human_step": approval.human_step}
    if approval.attribute:
        values |= {"attribute": approval.attribute, **unfolded(approval.condition)}
    return values


def _unfold_tool(tool: Tool) -> Values:
    values: Values = {f.name: getattr(tool, f.name) for f in fields(tool)}
    if tool.poll_field:
        values["poll"] = Poll(field=tool.poll_field, pending=tool.poll_pending)
    return values


APPROVAL = Group(
    name="approval",
    doc="What counts as a person's yes before the call; any of these is enough.",
    make=Approval,
    start=Approval(),
    fold=_fold_approval,
    unfold=_unfold_approval,
    fields=(
        TextList("tools", TOOL, "Tools whose call, not failed, is the yes."),
        Key("attribute", ATTRIBUTE, "Attribute of this or an earlier span that says so."),
        *CONDITION_FIELDS,
        Key("human_step", Boolean(), "A person's step earlier in the run counts."),
    ),
)

ESCALATION = Group(
    name="escalation",
    doc="This tool hands over to a person; what makes doing so right.",
    make=Escalation,
    fields=(
        TextList("reasons", WORD, "Allowed reasons; none given: any."),
        Key(
            "reason_argument",
            FIELD,
            "Argument that holds the reason; else `agent_slo.declared.escalation_reason`.",
        ),
        TextList("queues", WORD, "Allowed queues; none given: any."),
        Key("queue_argument", FIELD, "Argument that holds the queue."),
        Key(
            "deadline",
            Duration(0.001, 30 * DAY_S),
            "Latest start of the hand-over after the run's start.",
            into="deadline_s",
        ),
        TextList(
            "not_for_task_types",
            WORD,
            "Kinds of task the agent must solve itself: handing them over is unnecessary.",
        ),
    ),
)

POLL = Group(
    name="poll",
    doc="Asking again while work is pending is no loop.",
    make=Poll,
    fields=(
        Key("field", FIELD, "Field of the result, at its top level.", required=True),
        TextList("pending", WORD, "Its values that mean: ask again.", required=True),
    ),
)

TOOLS = GroupMap(
    name="tools",
    doc="The tools, by the name the spans carry.",
    key_kind=TOOL,
    item=Group(
        name="tool",
        doc="One tool.",
        make=Tool,
        fold=_fold_tool,
        unfold=_unfold_tool,
        fields=(
            Key("effect", choice_of(Effect), "Whether it changes anything outside the agent."),
            Key(
                "permission",
                choice_of(Permission),
                "May be called freely, after a person's yes, only to hand over, or never.",
            ),
            APPROVAL,
            TextList(
                "idempotency_arguments",
                FIELD,
                "Arguments that name the effect: the same twice is a duplicate. None given: all "
                "but the volatile ones.",
            ),
            TextList("volatile_arguments", FIELD, "Arguments that differ without meaning it."),
            Key("repeatable", Boolean(), "The same call twice is meant twice."),
            POLL,
            TextList("compensates", TOOL, "Tools whose effect a call of this one undoes."),
            TextList(
                "untrusted_arguments",
                FIELD,
                "Arguments that must not come from a tool's output: addresses, accounts, links.",
            ),
            ESCALATION,
            Key("price_usd", USD, "Cost of one call in US dollars."),
            Key(
                "human_minutes",
                Number(0, 100_000),
                "A person's time one call takes; its cost is told, and breaks no cost limit.",
            ),
        ),
    ),
)
