"""The `task` section: the unit of work and what one may use.

In: nodes. Out: `Task` with `Limits`. No state. Source: requirements.md S1, S3, S6.
"""

from agentslo.config.agent_options import Limits, Task
from agentslo.config.agent_sections.words import ATTRIBUTE, SENTENCE, WORD
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Duration, Integer, Number
from agentslo.config.options import DAY_S
from agentslo.config.schema import Group

_COUNT = Integer(1, 1_000_000_000)

LIMITS = Group(
    name="limits",
    doc="What one run may use; a run beyond it whose result nothing proves ends as `limit`.",
    make=Limits,
    start=Limits(),
    fields=(
        Key(
            "duration",
            Duration(0.001, 30 * DAY_S),
            "Longest run, without the time people took.",
            into="duration_s",
        ),
        Key("cost_usd", Number(0.000001, 1_000_000), "US dollars."),
        Key("steps", _COUNT, "Model calls."),
        Key("turns", _COUNT, "Traces of one conversation."),
        Key("tokens", _COUNT, "Tokens in and out."),
    ),
)

TASK = Group(
    name="task",
    doc="The unit of work: what one run is and when it is over. Objectives need it.",
    make=Task,
    start=Task(),
    fields=(
        Key("unit", SENTENCE, "What one run does, in your words: `one reset request`."),
        Key("ends_when", SENTENCE, "When it is over, in your words."),
        TextList("types", WORD, "Kinds of task told apart in metrics."),
        Key(
            "type_attribute",
            ATTRIBUTE,
            "Span attribute that names the kind; else `agent_slo.declared.task_type`.",
        ),
        LIMITS,
    ),
)
