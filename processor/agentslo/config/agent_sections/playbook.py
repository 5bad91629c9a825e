"""The `playbook` section: what is different for this agent when an incident strikes.

In: nodes. Out: a `PlayChange` each. No state. Source: requirements.md I1, I2, I5, I9.
"""

from agentslo.config.agent_sections.words import SENTENCE
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import choice_of
from agentslo.config.playbook_options import Action, Category, PlayChange, Severity
from agentslo.config.schema import Group, GroupMap

PLAYBOOK = GroupMap(
    name="playbook",
    doc="What is different for this agent from the playbook (`agentslo incident playbook`), by "
    "kind of incident. What is not said stays as it is there.",
    key_kind=choice_of(Category),
    item=Group(
        name="play",
        doc="One kind of incident.",
        make=PlayChange,
        fields=(
            Key("severity", choice_of(Severity), "How bad it is; alerts open incidents with it."),
            Key("pages", SENTENCE, "Who is called: product, engineering, operations, or a team."),
            Key("example", SENTENCE, "What it looked like, or would."),
            TextList(
                "contain",
                choice_of(Action),
                "What on-call may do at once without asking, best first.",
            ),
            TextList(
                "steps",
                SENTENCE,
                "The decision tree: questions in order, each with what follows from yes.",
            ),
            Key("roll_back_when", SENTENCE, "When the newest release is taken back."),
        ),
    ),
)
