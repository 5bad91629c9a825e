"""What changed, of one agent: outcomes, releases, tools, drift.

In: nothing. Out: panels. No state.
"""

from typing import Final

from agentslo.bundle.boards.colours import DRIFT, OUTCOMES
from agentslo.bundle.boards.expressions import BAD, GOOD
from agentslo.bundle.boards.model import Query
from agentslo.bundle.boards.panels import timeline, trend
from agentslo.bundle.boards.tables import Column, table

CHANGED: Final = (
    trend(
        "Runs by outcome",
        Query(
            expr="60 * sum by (outcome) (rate(agent_slo_runs_total{@agent}[$__rate_interval]))",
            legend="{{outcome}}",
        ),
        shows="Counted runs a minute, stacked by outcome. Blue marks: a new release.",
        normal="green and blue, the day's usual shape.",
        act="red or orange that begins at a mark: roll that release back.",
        unit="cpm",
        style="stacked",
        colours=OUTCOMES,
    ),
    trend(
        "Failed share by release",
        Query(
            expr="sum by (<agent>, release)"
            f' (rate(agent_slo_runs_total{{@agent, outcome=~"{BAD}"}}[$__rate_interval]))\n'
            "/\n(sum by (<agent>, release) (rate(agent_slo_runs_total"
            f'{{@agent, outcome=~"{BAD}|{GOOD}|completed"}}[$__rate_interval])) > 0)',
            legend="{{release}}",
        ),
        shows="Share of the judged runs that failed, each release by itself.",
        normal="one line, or lines that lie together.",
        act="a new release above the old one is the cause: roll it back.",
        unit="percentunit",
        high=1.0,
    ),
    table(
        "Releases, 1 d",
        Column(
            title="Runs, 1 d",
            expr="sum by (<agent>, release) (increase(agent_slo_runs_total{@agent}[1d])) > 0.5",
            decimals=0,
        ),
        Column(
            title="Versions",
            expr="max by (<agent>, release, agent_version, prompt_version, model)"
            " (agent_slo_release_info{@agent})",
            hidden=True,
        ),
        keys={
            "release": "Release",
            "agent_version": "Agent version",
            "prompt_version": "Prompt",
            "model": "Model",
            "environment": "Environment",
        },
        dropped=("agent",),
        shows="The releases seen within a day and what they stand for.",
        normal="one with nearly all runs, or two during a rollout.",
        act="compare agent, prompt and model of the failing release with the one before.",
        sort="Runs, 1 d",
        width=12,
    ),
    table(
        "Shifts against the week before",
        Column(
            title="Share, 1 d",
            expr="max by (<agent>, feature) (agent_slo:share:ratio1d{@agent})",
            unit="percentunit",
            decimals=1,
        ),
        Column(
            title="Standard errors",
            expr="max by (<agent>, feature) (agent_slo:share_shift:zscore{@agent})",
            decimals=1,
            steps=((None, "text"), (4.0, "orange")),
        ),
        keys={"feature": "What", "environment": "Environment"},
        dropped=("agent",),
        shows="Failed runs, escalations and tool errors: the last day's share, and how far it"
        " is from"
        " the seven days before.",
        normal="within 4 standard errors.",
        act="above 4 something around the agent changed: release, tool or requests.",
        alert="AgentEscalationRateHigh",
        sort="Standard errors",
        width=12,
    ),
    trend(
        "Tool errors",
        Query(
            expr="topk(8, 60 * sum by (tool, error_type) (rate(agent_slo_tool_calls_total"
            '{@agent, result="error"}[$__rate_interval])) > 0)',
            legend="{{tool}} {{error_type}}",
        ),
        shows="Failed tool calls a minute by tool and kind of error.",
        normal="few; agents recover from most.",
        act="one tool that rises by itself: the tool or its permissions changed, not the agent.",
        unit="cpm",
        empty="no tool errors",
    ),
    timeline(
        "Drift by feature",
        Query(
            expr="max by (<agent>, feature) (agent_slo_drift_state{@agent})",
            legend="{{feature}} ({{environment}})",
        ),
        words=DRIFT,
        shows="Whether requests, tools, answers and outcomes are still as in the baseline.",
        normal="as before, or learning for a new agent.",
        act="DRIFT: see the board Drift and releases for where, since when and how to undo it.",
        alert="AgentDriftHigh",
        width=12,
        height=8,
        empty="no drift detection",
    ),
)
