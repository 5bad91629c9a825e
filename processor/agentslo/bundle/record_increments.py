"""Recorded increments: what was counted in each 5 minutes, the tiles of all long windows.

In: the counters. Out: one group. No state. Increments are taken per series and then summed, so that
restarts, replicas and releases add up. The interval must equal the range, or tiles overlap.
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
    records=tuple(
        Record(
            name=f"agent_slo:{name}:increase5m",
            expr=f"sum by ({labels}) (increase({family}[5m]))",
            doc=doc,
        )
        for name, labels, family, doc in _TILES
    ),
)
