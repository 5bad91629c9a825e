"""What is known of an agent beside its objectives: cost, escalations, tools, loops, shifts.

In: recorded increments and a few counters. Out: one group. No state.

**Shift.** z = (p1 - p0) / sqrt(p (1-p) (1/n1 + 1/n0)): the share of the last day against that of
the seven days before it, p pooled over both, from 20 and 50 cases on. Cases are not independent, so
4 is the least that means anything. It stands in for the evaluator's drift statistics where none
runs. Source: methods.md 3.
"""

from typing import Final

from agentslo.bundle.rule import Record, RuleGroup
from agentslo.bundle.safe import safe_to_run
from agentslo.outcomes.groups import BAD

# Both from design.md 3: what success-type objectives count as bad, and what counts as success.
_BAD = "|".join(BAD)
_JUDGED = f"{_BAD}|safe_escalation|success|completed"
_RUNS = "agent_slo:agent_runs:increase5m"
_SUCCESSES = f'{_RUNS}{{outcome=~"success|safe_escalation"}}'

_SHARES: Final = (
    ("failure", f'{_RUNS}{{outcome=~"{_BAD}"}}', f'{_RUNS}{{outcome=~"{_JUDGED}"}}'),
    ("escalation", "agent_slo:escalations:increase5m", _RUNS),
    (
        "tool_error",
        'agent_slo:tool_calls:increase5m{result="error"}',
        'agent_slo:tool_calls:increase5m{result=~"ok|error"}',
    ),
)
_SPANS: Final = (("1d", "[1d]", "the last day"), ("7d", "[7d] offset 1d", "the 7 days before it"))


def _sum(tiles: str, span: str = "[1d]") -> str:
    if span != "[1d]":
        tiles = tiles.replace("increase5m", "increase1h")
    return f"sum by (<agent>) (sum_over_time({tiles}{span}))"


def _counts() -> tuple[Record, ...]:
    return tuple(
        Record(
            name=f"agent_slo:{part}:sum{name}",
            expr=_sum(tiles, span),
            labels={"feature": feature},
            doc=f"{words} of {when}.",
        )
        for feature, hits, cases in _SHARES
        for name, span, when in _SPANS
        for part, tiles, words in (
            ("share_hits", hits, "Failed runs, escalations or tool errors"),
            ("share_cases", cases, "Judged runs, runs or tool calls they are a share"),
        )
    )


_POOLED = (
    "((agent_slo:share_hits:sum1d + agent_slo:share_hits:sum7d)"
    " / (agent_slo:share_cases:sum1d + agent_slo:share_cases:sum7d > 0))"
)

AGENTS: Final = RuleGroup(
    name="agent-slo-agents",
    interval="2m",
    doc="Cost, escalations, tool errors, loops, and shifts from day to week.",
    records=(
        Record(
            name="agent_slo:cost_per_success:usd1d",
            expr=_sum("agent_slo:cost_usd:increase5m") + f"\n/\n({_sum(_SUCCESSES)} > 0)",
            doc="Known cost of all runs of a day for each proven success of it.",
        ),
        Record(
            name="agent_slo:escalation_accuracy:ratio7d",
            expr=_sum('agent_slo:escalations:increase5m{correct="true"}', "[7d]")
            + "\n/\n("
            + _sum('agent_slo:escalations:increase5m{correct=~"true|false"}', "[7d]")
            + " > 0)",
            doc="Share of the judged escalations of a week that were right.",
        ),
        Record(
            name="agent_slo:loops:increase1h",
            expr="sum by (<agent>)"
            ' (increase(agent_slo_run_reasons_total{outcome="limit",reason="loop"}[1h]))',
            doc="Runs of the last hour that ended in a loop.",
        ),
        Record(
            name="agent_slo:loop_share:ratio1h",
            expr="agent_slo:loops:increase1h\n/\n"
            "(sum by (<agent>) (increase(agent_slo_runs_total[1h])) > 0)",
            doc="Share of the last hour's runs that ended in a loop.",
        ),
        Record(
            name="agent_slo_safe_to_run",
            expr=safe_to_run('agent!=""'),
            doc="1 yes, 0 no, -1 cannot tell: whether an agent may go on.",
        ),
        *_counts(),
        Record(
            name="agent_slo:share:ratio1d",
            expr="agent_slo:share_hits:sum1d / (agent_slo:share_cases:sum1d > 0)",
            doc="Share of a day by feature: failed runs, escalated runs, failed tool calls.",
        ),
        Record(
            name="agent_slo:share_shift:zscore",
            expr="(\n"
            "  agent_slo:share_hits:sum1d / (agent_slo:share_cases:sum1d >= 20)\n"
            "  - agent_slo:share_hits:sum7d / (agent_slo:share_cases:sum7d >= 50)\n"
            ")\n/\n"
            f"sqrt({_POOLED} * (1 - {_POOLED})\n"
            "  * (1 / (agent_slo:share_cases:sum1d > 0) + 1 / (agent_slo:share_cases:sum7d > 0))"
            " > 0)",
            doc="How far the day's share is from that of the week before, in standard errors.",
        ),
    ),
)
