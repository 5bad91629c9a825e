"""What keeps a burn alert honest: the short window that fits the traffic, and how sure we are.

In: recorded counts and ratios, the evaluator's exact p-values where they are fresh. Out: one group.
No state. What is dear is only worked out where a long window is above its threshold: that is a few
agents of a thousand, and a rule over few series costs next to nothing.

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

from collections.abc import Iterator
from typing import Final

from agentslo.bundle.rule import Record, RuleGroup
from agentslo.bundle.windows import PAIRS, Pair

EVALUATOR_FRESH_SECONDS: Final = 300
_COUNTED = 'agent_slo_events_total{result=~"good|bad"}'
_TO_BAD = 'agent_slo_corrections_total{to="bad"}'
_LATE_WINDOWS = frozenset({"1h", "2h", "6h"})


def _at(name: str, pair: Pair) -> str:
    return f'agent_slo:{name}{{window="{pair.window}"}}'


def _long(pair: Pair) -> str:
    return f"agent_slo:sli_error:ratio_rate{pair.window} > on (<slo>) " + _at(
        "alert_threshold:ratio", pair
    )


def _bad(pair: Pair) -> str:
    return (
        f'sum by (<slo>) (agent_slo:runs:increase{pair.window}{{result="bad"}}\n'
        f"  and on (<slo>) {_at('long_error:ratio', pair)})"
    )


def _judged(pair: Pair) -> str:
    """All judged runs, from the bad ones and their share."""
    return f"{_at('long_bad:runs', pair)} / {_at('long_error:ratio', pair)}"


def _short(pair: Pair) -> str:
    dense = f"agent_slo:sli_error:ratio_rate{pair.short}"
    sparse = f"agent_slo:sli_error:ratio_rate{pair.sparse_short}"
    long = _at("long_error:ratio", pair)
    if not pair.dense_runs:
        return f"{dense} and on (<slo>) {long}"
    chosen = (
        f"({dense} and on (<slo>) {_judged(pair)} >= {pair.dense_runs})\n"
        f"or\n({sparse} and on (<slo>) {_judged(pair)} < {pair.dense_runs})"
    )
    if pair.window not in _LATE_WINDOWS:
        return chosen
    return f"(agent_slo:late_error:ratio and on (<slo>) {long})\nor\n{chosen}"


_LATE = (
    "agent_slo:sli_error:ratio_rate1h\n"
    f"and on (<slo>) sum by (<slo>) (increase({_TO_BAD}[30m])) > 0\n"
    f"and on (<slo>) sum by (<slo>) (increase({_TO_BAD}[1h]))"
    f" <= 2 * sum by (<slo>) (increase({_COUNTED}[1h]))"
)


def _evidence(pair: Pair) -> str:
    bad = _at("long_error:ratio", pair)
    budget = f"(agent_slo:error_budget:ratio and on (<slo>) {bad})"
    good = f"clamp_min(1 - {bad}, 1e-9)"  # 0 * ln(0) would be NaN
    exact = f'max by (<slo>) (agent_slo_burn_pvalue{{window="{pair.window}"}})'
    return (
        "(\n"
        f"  -ln(clamp_min({exact}, 1e-300))\n"
        f"  and on (<slo>) {bad}\n"
        "  and on (<process>) time() - max by (<process>)"
        " (agent_slo_evaluator_last_success_timestamp_seconds)"
        f" < {EVALUATOR_FRESH_SECONDS}\n"
        ")\n"
        "or\n"
        "(\n"
        f"  ({_judged(pair)})\n"
        f"  * on (<slo>) ({bad} * on (<slo>) ln({bad} / on (<slo>) {budget})\n"
        f"    + on (<slo>) {good} * on (<slo>) ln({good} / on (<slo>) (1 - {budget})))\n"
        ")"
    )


def _records(pair: Pair) -> Iterator[Record]:
    sparse = f", or {pair.sparse_short} below {pair.dense_runs} judged runs in {pair.window}"
    rows = (
        (
            "agent_slo:long_error:ratio",
            _long(pair),
            "Bad share in the long window of a pair, where it is above the threshold.",
        ),
        ("agent_slo:long_bad:runs", _bad(pair), "Bad runs of that window."),
        (
            "agent_slo:short_error:ratio",
            _short(pair),
            f"Bad share in the short window: {pair.short}{sparse if pair.dense_runs else ''}.",
        ),
        (
            "agent_slo:burn_evidence:nats",
            _evidence(pair),
            "Minus the logarithm of the chance of so many bad runs in an agent just within budget.",
        ),
    )
    labels = {"window": pair.window}
    return (Record(name=name, expr=expr, labels=labels, doc=doc) for name, expr, doc in rows)


GUARD: Final = RuleGroup(
    name="agent-slo-guard",
    interval="1m",
    doc="Where a long window is above its threshold: the short window that fits the traffic, and"
    " the evidence against the budget.",
    records=(
        Record(
            name="agent_slo:late_error:ratio",
            expr=_LATE,
            doc="Bad share of the last hour, where verdicts on its runs arrive late.",
        ),
        *(record for pair in PAIRS for record in _records(pair)),
    ),
)
