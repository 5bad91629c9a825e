"""*Fleet*: every agent on one screen, the worst first.

In: nothing. Out: a board. No state. Source: requirements H1, H5, O6; prometheus-grafana.md 8.10.
"""

from typing import Final

from agentslo.bundle.boards.colours import (
    ANY_IS_BAD,
    ANY_IS_ODD,
    BUDGET_LEFT,
    BURN,
    COVERAGE,
    FIRING,
    OUTCOMES,
    SAFE,
)
from agentslo.bundle.boards.expressions import BAD, alerts_count, alerts_now
from agentslo.bundle.boards.model import Board, Query, Row
from agentslo.bundle.boards.panels import stat, timeline, trend
from agentslo.bundle.boards.tables import Column, table
from agentslo.bundle.boards.variables import ENVIRONMENT, TO_AGENT, TO_RUNS
from agentslo.bundle.safe import safe_to_run

_BUDGET = "agent_slo:error_budget_remaining:ratio{@env}"
_KEYS = {"agent": "Agent", "environment": "Environment"}

_NUMBERS = (
    stat(
        "Agents not safe to run",
        f"count(({safe_to_run('@env')}) == 0) or vector(0)",
        shows="Agents with harm done within a day, a page firing or a spent safety budget.",
        normal="0.",
        act="open the agent from the table below; contain it before you look for the cause.",
        alert="AgentUnsafeAction",
        steps=ANY_IS_BAD,
        filled=True,
        empty="0",
    ),
    stat(
        "Agents out of budget",
        f"count(min by (<agent>) ({_BUDGET}) <= 0) or vector(0)",
        shows="Agents with at least one objective whose error budget is spent.",
        normal="0.",
        act="stop launches of these agents and follow their error budget policy.",
        alert="AgentSLOBudgetExhausted",
        steps=ANY_IS_ODD,
        filled=True,
        empty="0",
    ),
    stat(
        "Pages firing",
        alerts_count("@env", "page"),
        shows="Alerts about agents that wake somebody up.",
        normal="0.",
        act="see What next? below.",
        alert="AgentSLOErrorBudgetBurn",
        steps=ANY_IS_BAD,
        filled=True,
        empty="0",
    ),
    stat(
        "Agents with runs, 1 d",
        "count(sum by (<agent>) (increase(agent_slo_runs_total{@env}[1d])) > 0.5)",
        shows="Agents that had at least one counted run within a day.",
        normal="all agents in use.",
        act="an agent that is missing is silent or its spans do not arrive: `agentslo doctor`.",
        alert="AgentSilent",
    ),
    stat(
        "Runs, 1 d",
        "sum(increase(agent_slo_runs_total{@env}[1d]))",
        shows="Counted runs of a day, all outcomes.",
        normal="about as many as a week ago.",
        act="compare with the trend below.",
        decimals=0,
    ),
    stat(
        "Known cost, 1 d",
        "sum(increase(agent_slo_run_cost_usd_total{@env}[1d]))",
        shows="Cost of the day's runs as far as prices are known.",
        normal="steady at steady traffic.",
        act="see the board Cost and outcomes.",
        alert="AgentCostUnpriced",
        unit="currencyUSD",
        empty="no prices",
    ),
)

_AGENTS = table(
    "Agents, the least budget first",
    Column(title="Safe to run?", expr=safe_to_run("@env"), words=SAFE),
    Column(
        title="Budget left",
        expr=f"min by (<agent>) ({_BUDGET})",
        unit="percentunit",
        steps=BUDGET_LEFT,
        decimals=0,
    ),
    Column(
        title="Burn 1 h",
        expr="max by (<agent>) (agent_slo:burn:ratio_rate1h{@env})",
        steps=BURN,
        decimals=1,
    ),
    Column(
        title="Burn 6 h",
        expr="max by (<agent>) (agent_slo:burn:ratio_rate6h{@env})",
        steps=BURN,
        decimals=1,
    ),
    Column(
        title="Failed, 1 d",
        expr='sum by (<agent>) (agent_slo:share:ratio1d{@env, feature="failure"})',
        unit="percentunit",
        decimals=1,
    ),
    Column(
        title="Judged, 1 d",
        expr="min by (<agent>) (agent_slo:coverage:ratio_rate1d{@env})",
        unit="percentunit",
        steps=COVERAGE,
        decimals=0,
    ),
    Column(
        title="Runs, 1 d",
        expr="sum by (<agent>) (increase(agent_slo_runs_total{@env}[1d]))",
        decimals=0,
    ),
    Column(
        title="Cost a success",
        expr="max by (<agent>) (agent_slo:cost_per_success:usd1d{@env})",
        unit="currencyUSD",
    ),
    keys=_KEYS,
    shows="One row an agent. Budget, burn and judged are those of its worst objective. Burn 1"
    " spends"
    " the budget exactly by the end of its period.",
    normal="safe, budget above 25 %, burn below 1, more than 90 % of the runs judged.",
    act="open the agent by its name.",
    sort="Budget left",
    descending=False,
    links={"Agent": TO_AGENT, "Failed, 1 d": TO_RUNS},
    height=10,
)

_PAGES = timeline(
    "Pages and tickets",
    Query(
        expr='1 * max by (<agent>) (ALERTS{@env, alertstate="firing", slo_action="page"})\n'
        'or on (<agent>) 2 * max by (<agent>) (ALERTS{@env, alertstate="firing",'
        ' slo_action="ticket"})',
        legend="{{agent}} ({{environment}})",
    ),
    words=FIRING,
    shows="When each agent paged or had a ticket. Agents without either have no lane.",
    normal="no lanes.",
    act="a lane that just began has its cause in What changed?.",
    alert="AgentSLOErrorBudgetBurn",
    empty="no pages or tickets",
)

_CHANGED = (
    trend(
        "Worst burn rates, 1 h",
        Query(
            expr="topk(8, max by (<agent>) (agent_slo:burn:ratio_rate1h{@env}))",
            legend="{{agent}} ({{environment}})",
        ),
        shows="The agents that spend their budget fastest. 1 spends it exactly by its period's"
        " end.",
        normal="below 1; the dashed line is where a page of the 1 h pair begins.",
        act="open the agent that stands out.",
        alert="AgentSLOErrorBudgetBurn",
        steps=((None, "transparent"), (13.44, "red")),
    ),
    trend(
        "Failed runs by outcome",
        Query(
            expr="60 * sum by (outcome)"
            f' (rate(agent_slo_runs_total{{@env, outcome=~"{BAD}"}}[$__rate_interval]))',
            legend="{{outcome}}",
        ),
        shows="Failed runs a minute over the fleet, stacked.",
        normal="few and steady; no red.",
        act="a new colour on many agents at once is a shared dependency: model, tool or network.",
        unit="cpm",
        style="stacked",
        colours={k: v for k, v in OUTCOMES.items() if k in BAD.split("|")},
    ),
    trend(
        "Runs by agent",
        Query(
            expr="topk(8, 60 * sum by (<agent>)"
            " (rate(agent_slo_runs_total{@env}[$__rate_interval])))",
            legend="{{agent}} ({{environment}})",
        ),
        shows="Counted runs a minute of the busiest agents.",
        normal="the day's usual shape.",
        act="a fall to nothing is an agent that stopped or spans that do not arrive.",
        alert="AgentSilent",
        unit="cpm",
    ),
    table(
        "Shifts against the week before",
        Column(
            title="Standard errors",
            expr="abs(agent_slo:share_shift:zscore{@env}) > 2",
            decimals=1,
            steps=((None, "text"), (4.0, "orange")),
        ),
        Column(
            title="Share, 1 d",
            expr="agent_slo:share:ratio1d{@env}"
            " and on (<agent>, feature) abs(agent_slo:share_shift:zscore{@env}) > 2",
            unit="percentunit",
            decimals=1,
        ),
        keys={**_KEYS, "feature": "What"},
        shows="Shares of failed runs, escalations and tool errors that moved from the seven days"
        " before to the last day.",
        normal="empty, or below 4.",
        act="above 4, open the agent and look for a release or a dependency that changed.",
        alert="AgentEscalationRateHigh",
        sort="Standard errors",
        links={"Agent": TO_AGENT},
        width=12,
        empty="nothing moved",
    ),
)

_NEXT = table(
    "Firing alerts",
    Column(title="Action", expr=alerts_now("@env"), words=FIRING, first=True, width=90),
    keys={**_KEYS, "alertname": "Alert and runbook", "slo": "Objective", "owner": "Owner"},
    shows="Every firing alert about an agent. The runbook has the alert's name, in"
    " `alert-rules/runbooks/`.",
    normal="empty.",
    act="pages first: open the agent, follow the runbook.",
    sort="Action",
    descending=False,
    links={"Agent": TO_AGENT},
    empty="nothing fires",
)

FLEET: Final = Board(
    uid="agent-slo-fleet",
    title="Agents: fleet",
    doc="Every agent: within its objectives, what changed, what to do next.",
    variables=(ENVIRONMENT,),
    rows=(
        Row(title="Within SLO?", panels=(*_NUMBERS, _AGENTS, _PAGES)),
        Row(title="What changed?", panels=_CHANGED),
        Row(title="What next?", panels=(_NEXT,)),
    ),
)
