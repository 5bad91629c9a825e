"""Cost and latency of one agent.

In: nothing. Out: panels. No state. Exemplars on durations lead to traces.
"""

from typing import Final

from agentslo.bundle.boards.model import Query
from agentslo.bundle.boards.panels import bars, trend

_RATE: Final = "[$__rate_interval]"
_RUN_S: Final = "agent_slo_run_duration_seconds"
_TOOL_S: Final = "agent_slo_tool_call_duration_seconds"


def _quantile(share: float, family: str, at: str, by: str) -> str:
    buckets = f"sum by ({by}) (rate({family}_bucket{{{at}}}{_RATE}))"
    return f"histogram_quantile({share}, {buckets})"


COSTS: Final = (
    trend(
        "Run duration",
        *(
            Query(
                expr=_quantile(share, _RUN_S, "@agent", "le"),
                legend=name,
                exemplar=True,
            )
            for share, name in ((0.5, "half are faster than"), (0.95, "95 % are faster than"))
        ),
        shows="How long runs take from start to end. Dots are single runs with their traces.",
        normal="steady; 95 % below the latency objective's limit.",
        act="click a dot far above the lines: which step of the trace took the time?",
        alert="AgentSLOErrorBudgetBurn",
        unit="s",
    ),
    trend(
        "Tool calls, 95 % are faster than",
        Query(
            expr=f"topk(8, {_quantile(0.95, _TOOL_S, '@agent', 'le, tool')})",
            legend="{{tool}}",
            exemplar=True,
        ),
        shows="Duration of tool calls, the slowest tools.",
        normal="steady.",
        act="one tool that rises explains slow runs: ask its owner.",
        unit="s",
        empty="no tool calls",
    ),
    trend(
        "Known cost a run",
        Query(
            expr=f"sum by (<agent>, release)"
            f" (rate(agent_slo_run_cost_usd_total{{@agent}}{_RATE}))\n/\n"
            f"(sum by (<agent>, release) (rate(agent_slo_runs_total{{@agent}}{_RATE})) > 0)",
            legend="{{release}}",
        ),
        shows="Known cost of runs divided by their number, each release by itself.",
        normal="steady, no step at a new release.",
        act="a step with the same outcomes is money for nothing: compare prompts and model.",
        alert="AgentCostUnpriced",
        unit="currencyUSD",
        empty="no prices",
    ),
    trend(
        "Known cost of a success",
        Query(
            expr="agent_slo:cost_per_success:usd1d{@agent}",
            legend="{{agent}} ({{environment}})",
        ),
        shows="Cost of all runs of a day for each proven success of it.",
        normal="steady. It rises when runs get dearer and when fewer succeed.",
        act="see Failed share by release and Known cost a run for which of the two.",
        unit="currencyUSD",
        empty="no proven success",
    ),
    bars(
        "Tool calls by tool, 1 d",
        Query(
            expr="topk(10, sum by (tool) (increase(agent_slo_tool_calls_total{@agent}[1d])) > 0)",
            legend="{{tool}}",
            instant=True,
        ),
        shows="The tools this agent uses most.",
        normal="the tools its agent file names.",
        act="a tool nobody expected: check its permission in the agent file.",
        empty="no tool calls",
    ),
    bars(
        "Retrievals without a document, 1 d",
        Query(
            expr="sum by (source)"
            ' (increase(agent_slo_retrievals_total{@agent, result="miss"}[1d]))\n/\n'
            "(sum by (source) (increase(agent_slo_retrievals_total{@agent,"
            ' result=~"hit|miss"}[1d])) > 0)',
            legend="{{source}}",
            instant=True,
        ),
        shows="Share of the retrievals that found nothing, by source.",
        normal="steady.",
        act="a rise: the index is stale or the questions changed.",
        unit="percentunit",
        decimals=1,
        empty="no retrievals",
    ),
)
