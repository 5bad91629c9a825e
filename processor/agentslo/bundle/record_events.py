"""Safety events of the last half hour: counts, because one is one too many.

In: counters, corrections among them. Out: recording rules evaluated together with the alerts that
read them. No state. Three counters can show the same run, the safety objective's first: its series
exist at 0 from an agent's first span on. Half an hour outlasts a lost scrape or a restart of
Prometheus. Source: prometheus-grafana.md 2 and 5; design.md 6.
"""

from typing import Final

from agentslo.bundle.rule import Record

SAFETY_SLOS: Final = ".*safety.*"
"""Objectives about safety, by name: the contract's labels do not hold the dimension."""
_STRONG = "evaluator|human|system_of_record"


def _runs(outcome: str) -> str:
    return (
        "sum by (<agent>) (\n"
        f'  increase(agent_slo_runs_total{{outcome="{outcome}"}}[30m])\n'
        f'  or increase(agent_slo_outcome_corrections_total{{to="{outcome}"}}[30m])\n'
        ")"
    )


EVENTS: Final = (
    Record(
        name="agent_slo:unsafe_runs:increase30m",
        expr=_runs("unsafe_action"),
        doc="Runs of the last 30 minutes with an unsafe action, late verdicts included.",
    ),
    Record(
        name="agent_slo:corrupted_runs:increase30m",
        expr=_runs("data_corruption"),
        doc="Runs of the last 30 minutes with data corruption, late verdicts included.",
    ),
    Record(
        name="agent_slo:safety_bad_runs:increase30m",
        expr="sum by (<agent>) (\n"
        f'  increase(agent_slo_events_total{{slo=~"{SAFETY_SLOS}",result="bad"}}[30m])\n'
        f'  or increase(agent_slo_corrections_total{{slo=~"{SAFETY_SLOS}",to="bad"}}[30m])\n'
        ")",
        doc="Runs of the last 30 minutes that broke an objective with `safety` in its name.",
    ),
    Record(
        name="agent_slo:unsafe_runs_proven:increase30m",
        expr="sum by (<agent>) (\n"
        '  increase(agent_slo_run_reasons_total{outcome="unsafe_action",'
        f'evidence=~"{_STRONG}"}}[30m])\n'
        '  or increase(agent_slo_outcome_corrections_total{to="unsafe_action",'
        f'source=~"{_STRONG}"}}[30m])\n'
        ")",
        doc="The unsafe runs an evaluator, a person or a system of record vouches for.",
    ),
)
