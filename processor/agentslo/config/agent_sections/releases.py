"""The `releases` section of an agent file: when its releases may go out, and who sees them.

In: nodes. Out: `Releases`. No state. Source: requirements.md O3, R3.
"""

from agentslo.config.agent_options import Releases
from agentslo.config.calendar import ClosedText, WindowText, ZoneText
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Boolean
from agentslo.config.schema import Group

RELEASES = Group(
    name="releases",
    doc="When releases of this agent may go out, for `agentslo gate release`.",
    make=Releases,
    start=Releases(),
    fields=(
        Key(
            "customer_facing",
            Boolean(),
            "Whether customers see what it does; a person then approves its retraining. One that "
            "may write with a tool needs approval whatever stands here.",
        ),
        Key("timezone", ZoneText(), "Time zone of windows and closed days."),
        TextList("windows", WindowText(), "Change windows; none given: at any time."),
        TextList("closed", ClosedText(), "Days without releases."),
    ),
)
