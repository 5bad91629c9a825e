"""What is promised, for whom, and from which ratio on a pair of windows alerts.

In: the objective, window and info gauges. Out: two groups. No state. `last_over_time` bridges a
restart; `max by` because replicas each expose the gauges, and the strictest counts.
Source: prometheus-grafana.md 1 and 2.
"""

from typing import Final

from agentslo.bundle.rule import Record, RuleGroup
from agentslo.bundle.windows import PAIRS, SHORT_PERIOD_SECONDS, Pair

_BUDGET = "agent_slo:error_budget:ratio"


def _threshold(pair: Pair) -> str:
    # The cap lies between the budget and 1, nearer to 1 the larger `cap` is.
    cap = f"({pair.cap:g} + {1 - pair.cap:g} * {_BUDGET})"
    if pair.budget_share is None:
        return cap
    days = f"{pair.factor_per_day:g} * agent_slo:budget_period:days"
    burn = f"(clamp_min({days}, {pair.least_factor:g}) * {_BUDGET})"
    if pair.cap == 0.0:
        return _BUDGET
    return f"{burn} <= {cap}\nor\n{cap}"


OWNERS: Final = RuleGroup(
    name="agent-slo-owners",
    interval="1m",
    doc="Who answers for an agent: what alerts are joined with.",
    records=(
        Record(
            name="agent_slo:owner:info",
            # topk takes one where replicas disagree: two rows would make the joins fail.
            expr="topk by (<slo>)"
            " (1, max by (<slo>, owner, source, tier) (last_over_time(agent_slo_info[15m])))\n"
            "or on (<slo>)\n"
            "(1 + 0 * max by (<slo>) (last_over_time(agent_slo_objective_ratio[15m])))",
            doc="Always 1: owner, tier and source (`file`, `default`) of an objective.",
        ),
        Record(
            name="agent_slo:agent_owner:info",
            expr="topk by (<agent>) (1, max by (<agent>, owner, source) (agent_slo:owner:info))",
            doc="Always 1: owner and source of an agent that has an objective.",
        ),
    ),
)

OBJECTIVE: Final = RuleGroup(
    name="agent-slo-objective",
    interval="4m",
    doc="Objectives, budgets and the thresholds of the pairs: they change with an agent file only.",
    records=(
        Record(
            name="agent_slo:objective:ratio",
            expr="max by (<slo>) (last_over_time(agent_slo_objective_ratio[15m]))",
            doc="Share of judged runs that must be good.",
        ),
        Record(
            name=_BUDGET,
            expr="1 - agent_slo:objective:ratio",
            doc="Share of judged runs that may be bad.",
        ),
        Record(
            name="agent_slo:budget_period:days",
            expr="28 - 21 * (max by (<slo>) (last_over_time(agent_slo_window_seconds[15m]))"
            f" <= bool {SHORT_PERIOD_SECONDS})\n"
            "or on (<slo>)\n"
            "(28 + 0 * agent_slo:objective:ratio)",
            doc="Period the budget is kept over: 7 where the objective's window is at most 14 days,"
            " else 28.",
        ),
        *(
            Record(
                name="agent_slo:alert_threshold:ratio",
                expr=_threshold(pair),
                labels={"window": pair.window},
                doc="Share of bad runs above which the pair of this long window alerts; always"
                " below 1.",
            )
            for pair in PAIRS
        ),
    ),
)
