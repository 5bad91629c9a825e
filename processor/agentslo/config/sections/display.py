"""The `page` and `log` sections: what people get to see.

In: nodes. Out: `PageOptions`, `LogOptions`. No state. Source: design.md 7.
"""

from agentslo.config.fields import Key
from agentslo.config.kinds import Text, choice_of
from agentslo.config.options import LogFormat, LogLevel, LogOptions, PageOptions
from agentslo.config.schema import Group

PAGE = Group(
    name="page",
    doc="The status page.",
    make=PageOptions,
    start=PageOptions(),
    fields=(
        Key(
            "trace_url",
            Text(r"https?://[^\s]*\{trace_id\}[^\s]*", "a URL that holds {trace_id}"),
            "Link to a trace in your back end; `{trace_id}` is replaced.",
        ),
    ),
)

LOG = Group(
    name="log",
    doc="Logs on standard error: starts, stops, state changes; never a line per span.",
    make=LogOptions,
    start=LogOptions(),
    fields=(
        Key("level", choice_of(LogLevel), "Least level that is written."),
        Key("format", choice_of(LogFormat), "Text for people, JSON for collectors."),
    ),
)
