"""Recorded increments: what was counted in each 5 minutes and each hour, the tiles of long windows.

In: the counters. Out: one group. No state. Increments are taken per series and then summed, so that
restarts, replicas and releases add up. The interval must equal the range, or tiles overlap. An hour
is written at the first evaluation within it and is the sum of the 12 tiles up to then (59 minutes:
before Prometheus 3 a range of 60 holds 13 of them). Weeks are read from hours, at a twelfth of the
samples.
"""

from typing import Final

from agentslo.bundle.rule import Record, RuleGroup

_TILES: Final = (
    ("events", "<slo>, result", "agent_slo_events_total", "Runs judged, as first counted."),
    (
        "corrections",
        "<slo>, from, to",
        "agent_slo_corrections_total",
        "Results that later evidence changed, at the time they were changed.",
    ),
    ("agent_runs", "<agent>, outcome", "agent_slo_runs_total", "Runs by outcome."),
    (
        "escalations",
        "<agent>, correct",
        "agent_slo_escalations_total",
        "Runs handed to a person, by whether that was right.",
    ),
    ("tool_calls", "<agent>, result", "agent_slo_tool_calls_total", "Tool calls by result."),
    ("cost_usd", "<agent>", "agent_slo_run_cost_usd_total", "Known cost of counted runs."),
)

INCREMENTS: Final = RuleGroup(
    name="agent-slo-increments",
    interval="5m",
    doc="What was counted in each 5 minutes; read it through range functions only.",
    records=(
        *(
            Record(
                name=f"agent_slo:{name}:increase5m",
                expr=f"sum by ({labels}) (increase({family}[5m]))",
                doc=doc,
            )
            for name, labels, family, doc in _TILES
        ),
        *(
            Record(
                name=f"agent_slo:{name}:increase1h",
                expr=f"sum_over_time(agent_slo:{name}:increase5m[59m])\n"
                "and on () minute(vector(time())) < 5",
                doc=f"The same of an hour, written once an hour. {doc}",
            )
            for name, _, _, doc in _TILES
            if name != "cost_usd"
        ),
    ),
)
