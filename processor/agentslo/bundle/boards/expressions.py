"""PromQL that several boards use, and how placeholders become label sets and selectors.

In: expressions with placeholders (see `model`). Out: PromQL with Grafana's variables. No state.
"""

import re
from typing import Final

from agentslo.bundle.record_events import SAFETY_SLOS
from agentslo.bundle.rule import filled
from agentslo.outcomes import groups

_SELECTORS: Final = {
    "@env": 'environment=~"$environment"',
    "@agent": 'environment=~"$environment", agent=~"$agent"',
    "@slo": 'environment=~"$environment", agent=~"$agent", slo=~"$slo"',
}
_PLACEHOLDER: Final = re.compile("|".join(_SELECTORS))

GOOD: Final = "|".join(groups.GOOD)
BAD: Final = "|".join(groups.BAD)
HARM: Final = "|".join(groups.HARM)


def written(expr: str, extra: tuple[str, ...]) -> str:
    """The expression with its placeholders written out."""
    return _PLACEHOLDER.sub(lambda found: _SELECTORS[found[0]], filled(expr, extra))


def alerts_count(at: str, action: str) -> str:
    """How many alerts of an action fire; one that fires for several windows counts once."""
    found = f'ALERTS{{{at}, product="agent-slo", alertstate="firing", slo_action="{action}"}}'
    return f"count(max by (<agent>, alertname, slo) ({found})) or vector(0)"


def alerts_now(at: str) -> str:
    """Firing alerts about agents selected by `at`: 1 pages, 2 tickets, 3 shown only."""
    by = "by (<agent>, alertname, slo, owner)"
    firing = f'ALERTS{{{at}, alertstate="firing", slo_action="%s"}}'
    return "\nor\n".join(
        f"{number} * max {by} ({firing % action})"
        for number, action in ((1, "page"), (2, "ticket"), (3, "watch"))
    )


def safe_to_run(at: str) -> str:
    """1 yes, 0 no, -1 cannot tell, for agents selected by `at`.

    What design.md 6 asks of counters and alerts: no while somebody switched it off, an incident is
    open, harm was done within a day, a page fires or the safety budget is spent; cannot tell
    without a run in a day, or where the least measurable objective saw less than half of its runs
    judged.
    """
    runs = f"sum by (<agent>) (increase(agent_slo_runs_total{{{at}}}[1d]))"
    harm = f'sum by (<agent>) (increase(agent_slo_runs_total{{{at}, outcome=~"{HARM}"}}[1d])) > 0'
    late = (
        "sum by (<agent>)"
        f' (increase(agent_slo_outcome_corrections_total{{{at}, to=~"{HARM}"}}[1d])) > 0'
    )
    off = f"max by (<agent>) (agent_slo_safe_to_run_reason{{{at}}}) == 1"
    incident = f"sum by (<agent>) (agent_slo_incidents_open{{{at}}}) > 0"
    pages = f'max by (<agent>) (ALERTS{{{at}, alertstate="firing", slo_action="page"}})'
    spent = (
        "min by (<agent>)"
        f' (agent_slo:error_budget_remaining:ratio{{{at}, slo=~"{SAFETY_SLOS}"}}) <= 0'
    )
    unseen = f"min by (<agent>) (agent_slo:coverage:ratio_rate1d{{{at}}}) < 0.5"
    return (
        f"0 * (({harm}) or ({late}) or ({pages}) or ({spent}) or ({off}) or ({incident}))\n"
        f"or on (<agent>) -1 + 0 * (({unseen}) or ({runs} < 0.5))\n"
        f"or on (<agent>) 1 + 0 * {runs}\n"
        f"or on (<agent>) -1 * max by (<agent>) (agent_slo:agent_owner:info{{{at}}})"
    )
