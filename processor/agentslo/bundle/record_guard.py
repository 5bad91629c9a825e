"""What keeps a burn alert honest: the short window that fits the traffic, and how sure we are.

In: recorded counts and ratios, the evaluator's exact p-values where they are fresh. Out: one group.
No state.

**Evidence.** Of n judged runs the share r was bad, where the budget b allows less. The chance of
that at a true share of b is at most exp(-n * KL(r, b)) with KL(r, b) = r ln(r/b) +
(1-r) ln((1-r)/(1-b)) (Chernoff, Hoeffding 1963, theorem 1). Recorded is minus its logarithm, in
nats: 8 means p < 3.4e-4. As a bound it errs towards silence. While the evaluator is fresh, its
exact binomial tail replaces the bound, agent by agent and window by window.

**Late verdicts.** Counters of the last minutes know nothing of verdicts that come later. While
corrections to `bad` arrive, the last hour, net of them, stands in for the short window, unless a
batch brings far more verdicts than the hour had runs: their denominator is elsewhere.
Source: methods.md 5; prometheus-grafana.md 3.
"""

from typing import Final

from agentslo.bundle.rule import Record, RuleGroup
from agentslo.bundle.windows import PAIRS, Pair

EVALUATOR_FRESH_SECONDS: Final = 300
_TO_BAD = 'agent_slo_corrections_total{to="bad"}'
_LATE_WINDOWS = frozenset({"1h", "2h", "6h"})


def _short(pair: Pair) -> str:
    dense = f"agent_slo:sli_error:ratio_rate{pair.short}"
    sparse = f"agent_slo:sli_error:ratio_rate{pair.sparse_short}"
    if not pair.dense_runs:
        return dense
    busy = f"on (<slo>) agent_slo:judged_runs:increase{pair.window} >= {pair.dense_runs}"
    chosen = f"({dense} and {busy})\nor\n({sparse} unless {busy})"
    if pair.window not in _LATE_WINDOWS:
        return chosen
    counted = 'agent_slo_events_total{result=~"good|bad"}'
    return (
        "(\n"
        "  agent_slo:sli_error:ratio_rate1h\n"
        f"  and on (<slo>) sum by (<slo>) (increase({_TO_BAD}[30m])) > 0\n"
        f"  and on (<slo>) sum by (<slo>) (increase({_TO_BAD}[1h]))"
        f" <= 2 * sum by (<slo>) (increase({counted}[1h]))\n"
        f")\nor\n{chosen}"
    )


def _evidence(window: str) -> str:
    bad, budget = f"agent_slo:sli_error:ratio_rate{window}", "agent_slo:error_budget:ratio"
    good = f"clamp_min(1 - {bad}, 1e-9)"  # 0 * ln(0) would be NaN
    exact = f'max by (<slo>) (agent_slo_burn_pvalue{{window="{window}"}})'
    return (
        "(\n"
        f"  -ln(clamp_min({exact}, 1e-300))\n"
        "  and on (<process>) time() - max by (<process>)"
        " (agent_slo_evaluator_last_success_timestamp_seconds)"
        f" < {EVALUATOR_FRESH_SECONDS}\n"
        ")\n"
        "or\n"
        "(\n"
        f"  agent_slo:judged_runs:increase{window}\n"
        f"  * ({bad} * ln({bad} / {budget}) + {good} * ln({good} / (1 - {budget})))\n"
        f"  and {bad} > {budget}\n"
        ")"
    )


GUARD: Final = RuleGroup(
    name="agent-slo-guard",
    interval="1m",
    doc="The short window that fits the traffic, and the evidence against the budget.",
    records=(
        *(
            Record(
                name="agent_slo:short_error:ratio",
                expr=_short(pair),
                labels={"window": pair.window},
                doc=f"Bad share in the short window of the pair: {pair.short}, or"
                f" {pair.sparse_short} below {pair.dense_runs} judged runs in {pair.window}."
                if pair.dense_runs
                else f"Bad share in the short window of the pair: {pair.short}.",
            )
            for pair in PAIRS
        ),
        *(
            Record(
                name="agent_slo:burn_evidence:nats",
                expr=_evidence(pair.window),
                labels={"window": pair.window},
                doc="Minus the logarithm of the chance that an agent just within its budget has"
                " that many bad runs.",
            )
            for pair in PAIRS
        ),
    ),
)
