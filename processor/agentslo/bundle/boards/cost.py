"""*Cost and outcomes*: what a result costs, and how much work agents take off people.

In: nothing. Out: a board. No state. What agents are compared with is declared by the reader, in two
text fields: what share of cases people handled before, and how many minutes one took. People are
never counted: no metric holds a user. Source: requirements S9, O4, M1, M11.
"""

from typing import Final

from agentslo.bundle.boards.colours import ANY_IS_ODD
from agentslo.bundle.boards.expressions import GOOD
from agentslo.bundle.boards.model import Board, Query, Row, Setting
from agentslo.bundle.boards.panels import bars, stat, trend
from agentslo.bundle.boards.tables import Column, table
from agentslo.bundle.boards.variables import AGENTS, ENVIRONMENT, TO_AGENT

_KEYS = {"agent": "Agent", "environment": "Environment"}
_ENDED = 'outcome!~"excluded|cancelled|blocked"'
_RUNS = f"sum by (<agent>) (increase(agent_slo_runs_total{{@agent, {_ENDED}}}[$__range]))"
_HANDED = "sum by (<agent>) (increase(agent_slo_escalations_total{@agent}[$__range]))"
# An agent that never handed over has no series: 0, not nothing.
_HANDED_OR_0 = f"({_HANDED} or on (<agent>) 0 * {_RUNS})"
_COST = "agent_slo_run_cost_usd_total{@agent}"
_SUCCESSES = f'agent_slo_runs_total{{@agent, outcome=~"{GOOD}"}}'
_BEFORE = ("$people_share", "$people_minutes")
_MEAN = (
    "sum by (<agent>) (increase(agent_slo_run_duration_seconds_sum{@agent}[$__range]))\n/\n"
    "(sum by (<agent>) (increase(agent_slo_run_duration_seconds_count{@agent}[$__range])) > 0)"
)

_NUMBERS = (
    stat(
        "Known cost",
        f"sum(increase({_COST}[$__range]))",
        shows="Cost of all runs of the time range, as far as prices are known.",
        normal="follows the number of runs.",
        act="the table below says which agent.",
        alert="AgentCostUnpriced",
        unit="currencyUSD",
        empty="no prices",
    ),
    stat(
        "Cost a proven success",
        f"sum(increase({_COST}[$__range])) / (sum(increase({_SUCCESSES}[$__range])) > 0)",
        shows="Cost of all runs for each run with proof that it went well. Failed runs cost too.",
        normal="steady.",
        act="it rises with dearer runs and with fewer successes: the trends below tell which.",
        unit="currencyUSD",
        empty="no proven success",
    ),
    stat(
        "Human intervention",
        f"sum({_HANDED_OR_0}) / (sum({_RUNS}) > 0)",
        shows="Share of the runs that were handed to a person.",
        normal="steady and below what the agent file's hand-off objective says.",
        act="a rise over easy cases is drift even where every answer looks fine.",
        alert="AgentEscalationRateHigh",
        unit="percentunit",
        decimals=1,
    ),
    stat(
        "Escalations avoided",
        f"clamp_min({_BEFORE[0]} * sum({_RUNS}) - sum({_HANDED_OR_0}), 0)",
        shows="Runs that people would have handled before (the share in the field above) and did"
        " not have to.",
        normal="most runs.",
        act="set the share people handled before to a measured one; 1 means all of them.",
        decimals=0,
    ),
    stat(
        "Cycle time against before",
        f"avg({_MEAN}) / (60 * {_BEFORE[1]})",
        shows="Mean duration of a run as a share of the minutes a person took (the field above).",
        normal="well below 100 %.",
        act="set the minutes to measured ones; runs that wait for a person are long.",
        unit="percentunit",
        decimals=1,
    ),
    stat(
        "Tokens without a price, 1 d",
        "sum(increase(agent_slo_unpriced_tokens_total[1d]))",
        shows="Tokens of models nobody gave a price for: their cost is missing from every figure"
        " here. Over all agents.",
        normal="0.",
        act="add the model to `prices`, or install the extra `prices`.",
        alert="AgentCostUnpriced",
        steps=ANY_IS_ODD,
        decimals=0,
        empty="0",
    ),
)

_AGENTS = table(
    "Agents: quality, speed and cost side by side",
    Column(title="Runs", expr=_RUNS, decimals=0),
    Column(
        title="Proven success",
        expr=f"sum by (<agent>) (increase({_SUCCESSES}[$__range]))\n/\n({_RUNS} > 0.5)",
        unit="percentunit",
        decimals=1,
    ),
    Column(
        title="Handed over",
        expr=f"{_HANDED_OR_0}\n/\n({_RUNS} > 0.5)",
        unit="percentunit",
        decimals=1,
    ),
    Column(
        title="Handed over rightly, 7 d",
        expr="max by (<agent>) (agent_slo:escalation_accuracy:ratio7d{@agent})",
        unit="percentunit",
        decimals=0,
    ),
    Column(title="Mean duration", expr=_MEAN, unit="s", decimals=1),
    Column(
        title="Cost", expr=f"sum by (<agent>) (increase({_COST}[$__range]))", unit="currencyUSD"
    ),
    Column(
        title="Cost a run",
        expr=f"sum by (<agent>) (increase({_COST}[$__range]))\n/\n({_RUNS} > 0.5)",
        unit="currencyUSD",
    ),
    Column(
        title="Cost a success, 1 d",
        expr="max by (<agent>) (agent_slo:cost_per_success:usd1d{@agent})",
        unit="currencyUSD",
    ),
    keys=_KEYS,
    shows="The trade-off between outcome, speed and cost, an agent a row, for the time range.",
    normal="dear agents succeed more often than cheap ones.",
    act="dear and unsuccessful: the first to work on or to switch off.",
    sort="Cost",
    links={"Agent": TO_AGENT},
)

_TRENDS = (
    trend(
        "Known cost an hour",
        Query(
            expr=f"3600 * sum by (<agent>) (rate({_COST}[$__rate_interval]))",
            legend="{{agent}} ({{environment}})",
        ),
        shows="Money spent an hour by agent, stacked.",
        normal="the shape of the traffic.",
        act="a rise without more runs: loops, longer prompts or a dearer model.",
        alert="AgentLoopRateHigh",
        unit="currencyUSD",
        style="stacked",
        empty="no prices",
    ),
    trend(
        "Cost a success, last day",
        Query(
            expr="agent_slo:cost_per_success:usd1d{@agent}", legend="{{agent}} ({{environment}})"
        ),
        shows="Cost of a day's runs for each proven success of it.",
        normal="steady.",
        act="compare with the failed share on the agent's board.",
        unit="currencyUSD",
        empty="no proven success",
    ),
    bars(
        "Where prices come from, 1 d",
        Query(
            expr="sum by (source) (increase(agent_slo_run_cost_usd_total{@agent}[1d])) > 0",
            legend="{{source}}",
            instant=True,
        ),
        shows="Cost by the source of the price: the spans, the price list or a public table.",
        normal="spans or the price list.",
        act="a public table ages: put the prices you pay into `prices`.",
        unit="currencyUSD",
        decimals=2,
        empty="no prices",
    ),
    bars(
        "Tokens without a price, by model, 1 d",
        Query(
            expr="topk(10, sum by (model) (increase(agent_slo_unpriced_tokens_total[1d])) > 0)",
            legend="{{model}}",
            instant=True,
        ),
        shows="Models nobody gave a price for.",
        normal="none.",
        act="add the model to `prices`.",
        alert="AgentCostUnpriced",
        empty="every model has a price",
    ),
)

_PEOPLE = (
    trend(
        "Handed to a person",
        Query(
            expr="60 * sum by (reason)"
            " (rate(agent_slo_escalations_total{@agent}[$__rate_interval])) > 0",
            legend="{{reason}}",
        ),
        shows="Runs handed to people a minute, by reason, stacked.",
        normal="the reasons the agent file declares.",
        act="a new reason, or more of an easy one, is drift.",
        alert="AgentEscalationRateHigh",
        unit="cpm",
        style="stacked",
        empty="nothing handed over",
    ),
    bars(
        "Was handing over right? 7 d",
        Query(
            expr="sum by (correct) (increase(agent_slo_escalations_total{@agent}[7d])) > 0",
            legend="{{correct}}",
            instant=True,
        ),
        shows="Escalations of a week by whether they were right; unknown where nobody judged them.",
        normal="mostly true.",
        act="false: too late, to the wrong place, or unnecessary. See their runs.",
        empty="nothing handed over",
    ),
)

COST: Final = Board(
    uid="agent-slo-cost",
    title="Agents: cost and outcomes",
    doc="What results cost and how much work agents take off people, against a declared baseline.",
    variables=(ENVIRONMENT, AGENTS),
    settings=(
        Setting(name="people_share", label="Share people handled before", value="1"),
        Setting(name="people_minutes", label="Minutes a person took", value="15"),
    ),
    span="now-7d",
    rows=(
        Row(title="What does a result cost?", panels=(*_NUMBERS, _AGENTS)),
        Row(title="What changed?", panels=_TRENDS),
        Row(title="What is left for people?", panels=_PEOPLE),
    ),
)
