"""Alerts on how an agent behaves: loops, repeated effects, hand-overs, silence.

In: counters and recorded shares. Out: one group. No state. All are tickets: none says by itself
that users are harmed now. Only agents with an objective in their environment are looked at.
"""

from typing import Final

from agentslo.bundle.rule import Alert, RuleGroup

_OWNER = "* on (<agent>) group_left (owner) agent_slo:agent_owner:info"
_RUNS = "agent_slo:agent_runs:increase5m"


def _owned(expr: str) -> str:
    return f"(\n{expr}\n)\n{_OWNER}"


_LOOPS = Alert(
    name="AgentLoopRateHigh",
    action="ticket",
    category="behaviour",
    scope="agent",
    expr=_owned(
        "agent_slo:loop_share:ratio1h > 0.05\nand on (<agent>) agent_slo:loops:increase1h > 2.5"
    ),
    wait="5m",
    keep="15m",
    summary="[who]: {{ $value | humanizePercentage }} of the last hour's runs ended in a loop",
    description="Normal is below 5 %. A looping run repeats the same call without progress, and"
    " spends tokens doing so. Outcomes of the last hour: [outcomes]. Releases: [releases].",
    command="agentslo runs list --outcome limit --since 1h --agent '{{ $labels.agent }}'",
)
_DUPLICATES = Alert(
    name="AgentDuplicateActions",
    action="ticket",
    category="behaviour",
    scope="agent",
    expr=_owned('sum by (<agent>) (increase(agent_slo_actions_total{state="duplicate"}[1h])) > 0'),
    wait="",
    keep="15m",
    summary='[who] repeated {{ printf "%.0f" $value }} effects in the last hour',
    description="Normal is none: the same write with the same arguments was committed twice. Where"
    " the tool is meant to be called twice, the agent file can say `repeatable: true`. Outcomes of"
    " the last hour: [outcomes].",
    command="agentslo runs list --outcome data_corruption --since 1h --agent '{{ $labels.agent }}'",
)
_ESCALATION = 'feature="escalation"'
_ESCALATIONS = Alert(
    name="AgentEscalationRateHigh",
    action="ticket",
    category="behaviour",
    scope="agent",
    expr=_owned(
        f"sum by (<agent>) (agent_slo:share:ratio1d{{{_ESCALATION}}})\n"
        f"and on (<agent>) agent_slo:share_shift:zscore{{{_ESCALATION}}} > 4\n"
        f"and on (<agent>) agent_slo:share_hits:sum1d{{{_ESCALATION}}} > 9.5"
    ),
    wait="30m",
    summary="[who] hands over {{ $value | humanizePercentage }} of its runs to people,"
    " far more than before",
    description="Normal is the share of the seven days before; today's is more than 4 standard"
    " errors above it. Outcomes of the last hour: [outcomes]. Releases: [releases].",
    command="agentslo runs list --outcome safe_escalation --outcome bad_escalation --since 1d"
    " --agent '{{ $labels.agent }}'",
)
# Quiet on a day that was quiet a week ago, and while nothing at all is scraped.
_SILENT = Alert(
    name="AgentSilent",
    action="ticket",
    category="telemetry",
    scope="agent",
    expr=_owned(
        f"sum by (<agent>) (sum_over_time({_RUNS}[1h] offset 1d)) > 20\n"
        f"unless on (<agent>) sum by (<agent>) (increase(agent_slo_runs_total[1h])) > 0\n"
        f"unless on (<agent>) sum by (<agent>) (sum_over_time({_RUNS}[1h] offset 1w)) <= 20\n"
        "and on (<process>) count by (<process>) (agent_slo_processor_build_info) > 0"
    ),
    wait="15m",
    summary="[who] has sent no run for an hour",
    description='This hour yesterday it had {{ printf "%.0f" $value }} runs. Either nobody uses it,'
    " or its spans do not arrive: an objective without runs looks healthy.",
    command="agentslo doctor --live [live]",
)

AGENT_ALERTS: Final = RuleGroup(
    name="agent-slo-behaviour",
    interval="1m",
    doc="Alerts on how agents behave.",
    alerts=(_LOOPS, _DUPLICATES, _ESCALATIONS, _SILENT),
)
