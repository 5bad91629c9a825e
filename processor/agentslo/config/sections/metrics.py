"""The `metrics` section: how counters are exposed, and how many series there may be.

In: nodes. Out: `MetricsOptions`. No state. Source: design.md 6.
"""

from agentslo.config.fields import Key
from agentslo.config.kinds import Boolean, Duration, Integer
from agentslo.config.options import CapOptions, MetricsOptions
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group


def _finish_caps(caps: CapOptions, path: OptionPath, reading: Reading) -> CapOptions:
    if caps.series_per_agent > caps.series and reading.is_sound(*path):
        what = f"series_per_agent ({caps.series_per_agent}) is above series ({caps.series})"
        reading.note(path, what, "keep series_per_agent at most series")
    return caps


METRICS = Group(
    name="metrics",
    doc="How counters are exposed, and how many series there may be.",
    make=MetricsOptions,
    start=MetricsOptions(),
    fields=(
        Key(
            "zero_hold_s",
            Duration(0, 3_600),
            "A new counter shows 0 this long before its first increments, so that `rate()` sees "
            "them; at least two scrapes.",
        ),
        Key("exemplars", Boolean(), "Trace ids on histogram buckets."),
        Group(
            name="caps",
            doc="Label values and series; what is beyond is counted under `_other`.",
            make=CapOptions,
            start=CapOptions(),
            finish=_finish_caps,
            fields=(
                Key("agents", Integer(1, 10_000), "Agents a process."),
                Key("releases", Integer(1, 100), "Live releases an agent."),
                Key("tools", Integer(1, 1_000), "Tools an agent."),
                Key("task_types", Integer(1, 1_000), "Task types an agent."),
                Key("segments", Integer(1, 1_000), "User segments an agent."),
                Key("error_types", Integer(1, 1_000), "Error types an agent."),
                Key("series_per_agent", Integer(10, 1_000_000), "Series an agent."),
                Key("series", Integer(10, 10_000_000), "Series a process."),
            ),
        ),
    ),
)
