"""*Drift and releases*: is it still the agent that was measured, and which release changed it.

In: nothing. Out: a board. No state. Source: requirements H4, D1 to D16, T20; design.md 6.
"""

from typing import Final

from agentslo.bundle.boards.colours import DRIFT
from agentslo.bundle.boards.expressions import BAD, GOOD
from agentslo.bundle.boards.model import Board, Query, Row
from agentslo.bundle.boards.panels import timeline, trend
from agentslo.bundle.boards.tables import Column, table
from agentslo.bundle.boards.variables import AGENTS, ENVIRONMENT, TO_AGENT

_KEYS = {"agent": "Agent", "environment": "Environment"}
_JUDGED = f"{BAD}|{GOOD}|completed"
_HIGH = "AgentDriftHigh"


def _share(counts: str) -> str:
    return (
        f"sum by (<agent>, feature, bin) ({counts})\n/ on (<agent>, feature) group_left\n"
        f"sum by (<agent>, feature) ({counts})"
    )


_EXPECTED = _share("agent_slo_drift_baseline_runs{@agent}")
_OBSERVED = _share("increase(agent_slo_drift_bin_total{@agent}[1d])")


_DRIFT = (
    timeline(
        "State by feature",
        Query(
            expr="max by (<agent>, feature) (agent_slo_drift_state{@agent}) > 0",
            legend="{{agent}}: {{feature}}",
        ),
        words=DRIFT,
        shows="Features of agents that differ from their baseline, or are still learned. Those that"
        " are as before have no lane.",
        normal="no lanes but blue ones of new agents.",
        act="DRIFT: the table below names where, the likely cause and how to undo it.",
        alert=_HIGH,
        height=5,
        empty="nothing has drifted",
    ),
    table(
        "What moved, where, and how to undo it",
        Column(
            title="State",
            expr="max by (<agent>, feature) (agent_slo_drift_state{@agent}) > 0 < 3",
            words=DRIFT,
        ),
        Column(
            title="Score",
            expr="max by (<agent>, feature) (agent_slo_drift_zscore{@agent})"
            " and on (<agent>, feature) agent_slo_drift_state{@agent} > 0 < 3",
            decimals=1,
        ),
        Column(
            title="Runs",
            expr="max by (<agent>, feature) (agent_slo_drift_samples{@agent})"
            " and on (<agent>, feature) agent_slo_drift_state{@agent} > 0 < 3",
            decimals=0,
        ),
        Column(
            title="Cause",
            expr="max by (<agent>, feature, bin, segment, cause, reversible_by)"
            " (agent_slo_drift_attribution_info{@agent})",
            hidden=True,
        ),
        keys={
            **_KEYS,
            "feature": "Feature",
            "bin": "Value that moved most",
            "segment": "Where",
            "cause": "Likely cause",
            "reversible_by": "Undone by",
        },
        shows="Features in watch or drift with the value that moved most, the segment it moved in,"
        " the likely cause and what undoes it.",
        normal="empty.",
        act="do what Undone by says; a change you meant becomes the new baseline.",
        alert=_HIGH,
        sort="Score",
        links={"Agent": TO_AGENT},
        height=6,
        empty="nothing has drifted",
    ),
    trend(
        "Score by feature",
        Query(
            expr="topk(8, max by (<agent>, feature) (agent_slo_drift_zscore{@agent}))",
            legend="{{agent}}: {{feature}}",
        ),
        shows="How far each feature is from its baseline, in standard errors; the highest ones.",
        normal="within the agent's own noise, mostly below 3.",
        act="a steady climb is slow drift; a step is a change made at one moment.",
        alert="AgentDriftWatch",
        low=None,
        empty="no drift detection",
    ),
    trend(
        "Runs compared",
        Query(
            expr="min by (<agent>) (agent_slo_drift_samples{@agent})",
            legend="{{agent}} ({{environment}})",
        ),
        shows="Runs the newest comparison rests on, of the feature that has the fewest.",
        normal="at least some hundreds a day.",
        act="few runs find only large changes: read the scores with care.",
        empty="no drift detection",
    ),
    table(
        "Expected and observed",
        Column(title="Expected", expr=_EXPECTED, unit="percentunit", decimals=1),
        Column(title="Observed, 1 d", expr=_OBSERVED, unit="percentunit", decimals=1),
        Column(
            title="Moved by",
            expr=f"abs(({_OBSERVED})\n- on (<agent>, feature, bin)\n({_EXPECTED}))",
            unit="percentunit",
            decimals=1,
            steps=((None, "text"), (0.1, "orange")),
        ),
        keys={**_KEYS, "feature": "Feature", "bin": "Value"},
        shows="How often each value of each feature was seen in the baseline and in the last day.",
        normal="nearly the same.",
        act="the first row moved most: look at runs that have this value.",
        alert=_HIGH,
        sort="Moved by",
        links={"Agent": TO_AGENT},
        height=10,
        empty="no baseline yet",
    ),
)

_SHIFTS = (
    trend(
        "Shift of the day against the week before",
        Query(
            expr="agent_slo:share_shift:zscore{@agent}",
            legend="{{agent}}: {{feature}}",
        ),
        shows="Failed runs, escalations and tool errors: the last day's share against the seven"
        " days"
        " before it, in standard errors. Needs no baseline.",
        normal="within 4 in either direction.",
        act="above 4: what changed at the time it left the band?",
        alert="AgentEscalationRateHigh",
        steps=((None, "transparent"), (4.0, "orange")),
        low=None,
    ),
    trend(
        "Corrected verdicts",
        Query(
            expr="60 * sum by (source, from, to)"
            " (rate(agent_slo_corrections_total{@agent}[$__rate_interval])) > 0",
            legend="{{source}}: {{from}} to {{to}}",
        ),
        shows="Results against objectives that later evidence changed, a minute, by who changed"
        " them.",
        normal="few; more good to bad than before means the first verdicts became too kind.",
        act="look at what the correcting source saw that the spans did not show.",
        unit="cpm",
        style="stacked",
        empty="no corrections",
    ),
)

_RELEASES = (
    trend(
        "Traffic by release",
        Query(
            expr="60 * sum by (<agent>, release)"
            " (rate(agent_slo_runs_total{@agent}[$__rate_interval])) > 0",
            legend="{{agent}}: {{release}}",
        ),
        shows="Runs a minute by release, stacked: rollouts and roll-backs.",
        normal="one band an agent, two during a rollout.",
        act="a release nobody announced: who changed prompt, model or tools?",
        unit="cpm",
        style="stacked",
    ),
    trend(
        "Failed share by release",
        Query(
            expr=f'sum by (<agent>, release) (rate(agent_slo_runs_total{{@agent, outcome=~"{BAD}"}}'
            "[$__rate_interval]))\n/\n(sum by (<agent>, release)"
            f' (rate(agent_slo_runs_total{{@agent, outcome=~"{_JUDGED}"}}[$__rate_interval])) > 0)',
            legend="{{agent}}: {{release}}",
        ),
        shows="Share of the judged runs that failed, each release by itself.",
        normal="a new release lies with the old one.",
        act="a new one that lies above: roll back.",
        unit="percentunit",
        high=1.0,
    ),
    table(
        "Releases, 1 d",
        Column(
            title="Runs",
            expr="sum by (<agent>, release) (increase(agent_slo_runs_total{@agent}[1d])) > 0.5",
            decimals=0,
        ),
        Column(
            title="Failed",
            expr="sum by (<agent>, release)"
            f' (increase(agent_slo_runs_total{{@agent, outcome=~"{BAD}"}}[1d]))\n/\n'
            "(sum by (<agent>, release)"
            f' (increase(agent_slo_runs_total{{@agent, outcome=~"{_JUDGED}"}}[1d])) > 0.5)',
            unit="percentunit",
            decimals=1,
        ),
        Column(
            title="Cost a run",
            expr="sum by (<agent>, release)"
            " (increase(agent_slo_run_cost_usd_total{@agent}[1d]))\n/\n"
            "(sum by (<agent>, release) (increase(agent_slo_runs_total{@agent}[1d])) > 0.5)",
            unit="currencyUSD",
        ),
        Column(
            title="Bad for an objective",
            expr="sum by (<agent>, release)"
            ' (increase(agent_slo_events_total{@agent, result="bad"}[1d]))',
            decimals=0,
        ),
        Column(
            title="Versions",
            expr="max by (<agent>, release, agent_version, prompt_version, model, tools_version,"
            " policy_version) (agent_slo_release_info{@agent})",
            hidden=True,
        ),
        keys={
            **_KEYS,
            "release": "Release",
            "agent_version": "Agent version",
            "prompt_version": "Prompt",
            "model": "Model",
            "tools_version": "Tools",
            "policy_version": "Policy",
        },
        shows="Every release seen within a day: traffic, outcome, cost, and what it stands for.",
        normal="releases of one agent differ little.",
        act="compare the versions of the row that stands out with the row above it.",
        sort="Runs",
        links={"Agent": TO_AGENT},
    ),
)

DRIFT_BOARD: Final = Board(
    uid="agent-slo-drift",
    title="Agents: drift and releases",
    doc="Whether agents still behave as measured, and which release changed that.",
    variables=(ENVIRONMENT, AGENTS),
    span="now-7d",
    rows=(
        Row(title="Is it still as measured?", panels=_DRIFT),
        Row(title="What changed?", panels=_RELEASES),
        Row(title="Shifts without a baseline", panels=_SHIFTS),
    ),
)
