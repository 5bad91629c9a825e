"""What is left of the budget: as a share, in runs, in days, and how long it lasts.

In: recorded counts of 7 and 28 days. Out: one group. No state. Nothing is seeded: right after
installation the period covers what was seen since, and `agent_slo:period_covered:seconds` says so.
"""

from typing import Final

from agentslo.bundle.rule import Record, RuleGroup


def _of_period(series: str) -> str:
    """The 7 or the 28 day series, whichever is the objective's period."""
    rows = (
        f"({series.replace('PERIOD', f'{days}d')}"
        f" and on (<slo>) agent_slo:budget_period:days == {days})"
        for days in (7, 28)
    )
    return "\nor\n".join(rows)


_LEFT = "agent_slo:error_budget_remaining:ratio"

BUDGET: Final = RuleGroup(
    name="agent-slo-budget",
    interval="4m",
    doc="What is left of the budget.",
    records=(
        Record(
            name=_LEFT,
            expr=_of_period("1 - agent_slo:burn:ratio_ratePERIOD"),
            doc="Share of the budget left; below 0 where more than all is spent.",
        ),
        Record(
            name="agent_slo:error_budget_remaining:runs",
            expr=_of_period(
                "agent_slo:error_budget:ratio * agent_slo:judged_runs:increasePERIOD"
                " - agent_slo:bad_runs:increasePERIOD"
            ),
            doc="Bad runs the judged runs of the period still allow.",
        ),
        Record(
            name="agent_slo:error_budget_remaining:days",
            expr=f"{_LEFT} * agent_slo:budget_period:days",
            doc="The budget left, as days of the period at a burn rate of 1.",
        ),
        Record(
            name="agent_slo:time_to_exhaustion:seconds",
            expr="86400 * clamp_min(agent_slo:error_budget_remaining:days, 0)"
            " / (agent_slo:burn:ratio_rate1d > 0)",
            doc="How long the budget lasts at the pace of the last day; no series where none"
            " was spent.",
        ),
        Record(
            name="agent_slo:period_covered:seconds",
            expr="3600 * max by (<slo>) (count_over_time(agent_slo:events:increase1h[28d]))",
            doc="How much of the last 28 days the recorded increments cover.",
        ),
    ),
)
