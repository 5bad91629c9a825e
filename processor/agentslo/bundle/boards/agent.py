"""*Agent*: one agent, four rows: within SLO, what changed, what next, cost and latency.

In: nothing. Out: a board. No state. Alerts link to it. Source: requirements H1, H2, H5;
prometheus-grafana.md 8.6.
"""

from typing import Final

from agentslo.bundle.boards.agent_changes import CHANGED
from agentslo.bundle.boards.agent_costs import COSTS
from agentslo.bundle.boards.colours import BUDGET_LEFT, BURN, COVERAGE, FIRING, SAFE
from agentslo.bundle.boards.expressions import alerts_now
from agentslo.bundle.boards.model import Board, Query, Row
from agentslo.bundle.boards.panels import stat, timeline, trend
from agentslo.bundle.boards.tables import Column, table, traces
from agentslo.bundle.boards.variables import AGENT, ENVIRONMENT, RELEASE, SLO
from agentslo.bundle.safe import safe_to_run

_BURNING = "AgentSLOErrorBudgetBurn"

_ANSWERS = (
    stat(
        "Safe to run?",
        f"min({safe_to_run('@agent')})",
        shows="No: switched off, an incident open, harm done within a day, a page firing, or the"
        " safety budget spent. Cannot tell:"
        " no run in a day, or fewer than half of the runs of an objective judged.",
        normal="yes.",
        act="on NO contain the agent first, then look for the cause.",
        alert="AgentUnsafeAction",
        words=SAFE,
        filled=True,
    ),
    stat(
        "Budget left, worst objective",
        "min(agent_slo:error_budget_remaining:ratio{@slo})",
        shows="Share of the error budget that is left, of the objective that has the least.",
        normal="above 25 %. Below 0 the objective is missed.",
        act="at 0 stop launches and follow the error budget policy.",
        alert="AgentSLOBudgetExhausted",
        unit="percentunit",
        steps=BUDGET_LEFT,
        decimals=0,
        filled=True,
    ),
    stat(
        "Burn rate, 1 h",
        "max(agent_slo:burn:ratio_rate1h{@slo})",
        shows="How fast the budget is spent now. 1 spends it exactly by the end of its period.",
        normal="below 1.",
        act="above 13 a page is due: see What changed?.",
        alert=_BURNING,
        steps=BURN,
        decimals=1,
    ),
    stat(
        "Burn rate, 6 h",
        "max(agent_slo:burn:ratio_rate6h{@slo})",
        shows="The same over six hours.",
        normal="below 1.",
        act="above 5 a page is due.",
        alert=_BURNING,
        steps=BURN,
        decimals=1,
    ),
    stat(
        "Runs judged, 1 d",
        "min(agent_slo:coverage:ratio_rate1d{@slo})",
        shows="Share of the runs that could be judged good or bad, of the least measurable"
        " objective.",
        normal="90 % and more.",
        act="below 50 % the ratios speak for a minority: `agentslo doctor` names the switch.",
        alert="AgentSLOCoverageLow",
        unit="percentunit",
        steps=COVERAGE,
        decimals=0,
    ),
    stat(
        "Runs, 1 d",
        "sum(increase(agent_slo_runs_total{@agent}[1d]))",
        shows="Counted runs of a day.",
        normal="about as many as a week ago.",
        act="none: the agent is unused, or its spans do not arrive.",
        alert="AgentSilent",
        decimals=0,
    ),
)


def _good(series: str) -> str:
    """The good share over the period the objective's budget is kept for."""
    return "1 - max by (<slo>) (\n  {}\n  or\n  {}\n)".format(
        *(
            f"(agent_slo:{series}:ratio_rate{days}d{{@slo}}"
            f" and on (<slo>) agent_slo:budget_period:days == {days})"
            for days in (7, 28)
        )
    )


_OBJECTIVES = table(
    "Objectives",
    Column(
        title="Target",
        expr="max by (<slo>) (agent_slo:objective:ratio{@slo})",
        unit="percentunit",
        decimals=1,
    ),
    Column(
        title="Good, period",
        expr=_good("sli_error"),
        unit="percentunit",
        decimals=2,
    ),
    Column(
        title="Good at worst",
        expr=_good("sli_error_pessimistic"),
        unit="percentunit",
        decimals=2,
    ),
    Column(
        title="Budget left",
        expr="max by (<slo>) (agent_slo:error_budget_remaining:ratio{@slo})",
        unit="percentunit",
        decimals=0,
        steps=BUDGET_LEFT,
    ),
    Column(
        title="Bad runs left",
        expr="max by (<slo>) (agent_slo:error_budget_remaining:runs{@slo})",
        decimals=0,
    ),
    Column(
        title="Lasts at this pace",
        expr="max by (<slo>) (agent_slo:time_to_exhaustion:seconds{@slo})",
        unit="dtdurations",
        decimals=0,
    ),
    Column(
        title="Judged, 1 d",
        expr="max by (<slo>) (agent_slo:coverage:ratio_rate1d{@slo})",
        unit="percentunit",
        decimals=0,
        steps=COVERAGE,
    ),
    Column(
        title="Data for",
        expr="max by (<slo>) (agent_slo:period_covered:seconds{@slo})",
        unit="dtdurations",
        decimals=0,
    ),
    keys={"slo": "Objective", "environment": "Environment"},
    dropped=("agent",),
    shows="Each objective over its budget's period (28 d, or 7 d where its window is short)."
    " Good at"
    " worst counts every run that could not be judged as bad.",
    normal="good above target, budget left above 25 %.",
    act="the first row is the one to work on. Data for less than the period: installed since then.",
    alert="AgentSLOBudgetExhausted",
    sort="Budget left",
    descending=False,
    height=7,
)

_BUDGET = (
    trend(
        "Budget left",
        Query(
            expr="agent_slo:error_budget_remaining:ratio{@slo}",
            legend="{{slo}} ({{environment}})",
        ),
        shows="The error budget over time: 100 % nothing spent, below 0 the objective is missed.",
        normal="falls slowly, comes back as old failures leave the period.",
        act="a cliff is an incident: look for a release at its edge (blue mark).",
        alert="AgentSLOBudgetExhausted",
        unit="percentunit",
        steps=((None, "transparent"), (0.0, "red")),
        low=0.0,
        high=1.0,
    ),
    trend(
        "Bad runs, 1 h, against the page threshold",
        Query(expr="agent_slo:sli_error:ratio_rate1h{@slo}", legend="{{slo}} ({{environment}})"),
        Query(
            expr='min by (slo) (agent_slo:alert_threshold:ratio{@slo, window="1h"})',
            legend="threshold {{slo}}",
        ),
        shows="Bad share of the judged runs of an hour, and the share from which the 1 h pair"
        " pages.",
        normal="well below the dashed line of the same objective.",
        act="a line above its threshold pages as soon as the short window agrees.",
        alert=_BURNING,
        unit="percentunit",
        dashed="^threshold",
    ),
    timeline(
        "Alerts over time",
        Query(expr=alerts_now("@agent"), legend="{{alertname}} {{slo}}"),
        words=FIRING,
        shows="When which alert about this agent fired.",
        normal="no lanes.",
        act="the first lane to begin is closest to the cause.",
        alert=_BURNING,
        height=6,
        empty="no alert fired",
    ),
)

_NEXT = (
    table(
        "Do this now",
        Column(title="Action", expr=alerts_now("@agent"), words=FIRING, first=True, width=90),
        keys={
            "alertname": "Alert and runbook",
            "slo": "Objective",
            "owner": "Owner",
            "environment": "Environment",
        },
        dropped=("agent",),
        shows="Firing alerts about this agent. The runbook has the alert's name, in"
        " `alert-rules/runbooks/`.",
        normal="empty.",
        act="pages first; the owner is who decides.",
        alert=_BURNING,
        sort="Action",
        descending=False,
        width=12,
        empty="nothing fires",
    ),
    table(
        "Why runs failed, most frequent first",
        Column(
            title="Runs",
            expr="sum by (outcome, reason, evidence) (increase(agent_slo_run_reasons_total"
            '{@agent, outcome!~"success|completed|safe_escalation"}[$__range])) > 0.5',
            decimals=0,
        ),
        keys={"outcome": "Outcome", "reason": "Reason", "evidence": "Evidence"},
        shows="Runs of the time range that did not go well, by outcome, reason and the evidence.",
        normal="few, no unsafe_action, data_corruption or hallucination.",
        act="the first row is where a fix pays most; its runs are in the list below.",
        sort="Runs",
        width=12,
        empty="no failed runs",
    ),
    traces(
        "Last runs that missed an objective",
        '{ span.agent_slo.slo.bad =~ "${slo:pipe}" && span.agent_slo.release =~'
        ' "${release:pipe}" }',
        shows="Runs of this agent's releases that were bad for a chosen objective, from Tempo.",
        normal="few.",
        act="open one; `agentslo explain RUN` says which span decided.",
        alert=_BURNING,
    ),
)

AGENT_BOARD: Final = Board(
    uid="agent-slo-detail",
    title="Agents: one agent",
    doc="One agent: is it within its objectives, what changed, what to do next.",
    variables=(ENVIRONMENT, AGENT, SLO, RELEASE),
    traces=True,
    rows=(
        Row(title="Within SLO?", panels=(*_ANSWERS, _OBJECTIVES, *_BUDGET)),
        Row(title="What changed?", panels=CHANGED),
        Row(title="What next?", panels=_NEXT),
        Row(title="Cost and latency", panels=COSTS, collapsed=True),
    ),
)
