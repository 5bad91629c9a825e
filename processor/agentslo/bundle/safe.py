"""Whether an agent may go on, in PromQL: one expression for rules and boards.

In: a selector. Out: an expression over counters, recorded series and alerts. No state. Source:
design.md 6.
"""

from typing import Final

from agentslo.bundle.record_events import SAFETY_SLOS
from agentslo.outcomes import groups

HARM: Final = "|".join(groups.HARM)
EVALUATOR: Final = "agent_slo_evaluator_last_success_timestamp_seconds"


def safe_to_run(at: str) -> str:
    """1 yes, 0 no, -1 cannot tell, for agents selected by `at`.

    What design.md 6 asks of counters and alerts: no while somebody switched it off, an incident is
    open, harm was done within a day, a page fires or the safety budget is spent; cannot tell
    without a run in a day, where the least measurable objective saw less than half of its runs
    judged, or with an evaluator that stands still for ten minutes.
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
    stale = f"{runs} and on () (time() - max({EVALUATOR}) > 600)"
    unseen = f"min by (<agent>) (agent_slo:coverage:ratio_rate1d{{{at}}}) < 0.5"
    return (
        f"0 * (({harm}) or ({late}) or ({pages}) or ({spent}) or ({off}) or ({incident}))\n"
        f"or on (<agent>) -1 + 0 * (({unseen}) or ({runs} < 0.5) or ({stale}))\n"
        f"or on (<agent>) 1 + 0 * {runs}\n"
        f"or on (<agent>) -1 * max by (<agent>) (agent_slo:agent_owner:info{{{at}}})"
    )
