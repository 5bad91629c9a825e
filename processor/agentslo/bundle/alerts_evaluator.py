"""Alerts on what the evaluator says: frozen, drift, an agent that is switched off, or is not.

In: gauges of the evaluator. Out: one group. No state. Source: design.md 6.
"""

from typing import Final

from agentslo.bundle.rule import Alert, RuleGroup

_SUCCESS = "agent_slo_evaluator_last_success_timestamp_seconds"
_STATE = "agent_slo_drift_state"
_CAUSE = "agent_slo_drift_attribution_info"
_REASON = "agent_slo_safe_to_run_reason"
_EXPIRY = "agent_slo_containment_expiry_timestamp_seconds"


def _drift(state: int) -> str:
    # What, where and how to undo it are labels: receivers route on them.
    drifting = f"max by (<agent>, feature) ({_STATE}) == {state}"
    return (
        f"(({drifting}) * on (<agent>, feature) group_left (segment, cause, reversible_by)\n"
        "  topk by (<agent>, feature) (1, max by (<agent>, feature, segment, cause, reversible_by)"
        f" ({_CAUSE})))\n"
        f"or on (<agent>, feature)\n({drifting})"
    )


_FROZEN = Alert(
    name="AgentEvaluatorFrozen",
    action="ticket",
    category="evaluator",
    scope="process",
    expr=f"time() - max by (<process>) (last_over_time({_SUCCESS}[1d])) > 600",
    wait="5m",
    summary="The evaluator has not finished a round for {{ $value | humanizeDuration }}",
    description="Normal is below 5 minutes. Drift, exact burn tests and safe-to-run are stale; burn"
    " alerts go on with the bound that needs no evaluator.",
    command="agentslo doctor --live [live]",
    board="agent-slo-pipeline",
)
_WATCH = Alert(
    name="AgentDriftWatch",
    action="watch",
    category="drift",
    scope="agent",
    expr=_drift(1),
    wait="30m",
    summary="[who]: {{ $labels.feature }} begins to drift",
    description="Shown on the drift board, for nobody to act on yet. Likely cause:"
    " {{ $labels.cause }}; undone by: {{ $labels.reversible_by }}. Releases: [releases].",
    command="agentslo runs list --since 1d --agent '{{ $labels.agent }}'",
    board="agent-slo-drift",
)
_HIGH = Alert(
    name="AgentDriftHigh",
    action="ticket",
    category="drift",
    scope="agent",
    expr=_drift(2),
    wait="1h",
    summary="[who]: {{ $labels.feature }} has drifted from its baseline",
    description="Normal is state 0. Where: {{ $labels.segment }}. Likely cause:"
    " {{ $labels.cause }}; undone by: {{ $labels.reversible_by }}. Releases: [releases].",
    command="agentslo runs list --since 1d --agent '{{ $labels.agent }}'",
    board="agent-slo-drift",
)
_SWITCH = Alert(
    name="AgentKillSwitchEngaged",
    action="watch",
    category="containment",
    scope="agent",
    expr=f'max by (<agent>) ({_REASON}{{reason="kill_switch"}}) == 1',
    wait="",
    summary="[who] is switched off",
    description="Its pages and tickets are muted meanwhile: a stopped agent misses objectives. A"
    " person lifts the switch; a resolved alert never does.",
    command="agentslo contain status --agent '{{ $labels.agent }}'",
)

# Runs that began before the switch may end after it, hence the wait.
_NOT_EFFECTIVE = Alert(
    name="AgentContainmentNotEffective",
    action="page",
    category="containment",
    scope="agent",
    expr=f'(\nmax by (<agent>) ({_REASON}{{reason="kill_switch"}}) == 1\n'
    "and on (<agent>) sum by (<agent>) (increase(agent_slo_runs_total[5m])) > 0\n)\n"
    '* on (<agent>) group_left (owner) agent_slo:agent_owner:info{source!="default"}',
    wait="10m",
    summary="[who] is switched off and still runs",
    description="Normal is no run 10 minutes after the switch. Whatever calls the agent does not"
    " ask, or does not obey. Outcomes of the last hour: [outcomes]. Releases: [releases].",
    command="agentslo contain status --agent '{{ $labels.agent }}'",
)

# The family does not say where an agent is held back: every environment with promises is told.
_EXPIRING = Alert(
    name="AgentContainmentExpiring",
    action="ticket",
    category="containment",
    scope="agent",
    expr="max by (<agent>, owner) (\n"
    "agent_slo:agent_owner:info\n"
    "* on (agent<,process>) group_left ()\n"
    f"(min by (agent<,process>) ({_EXPIRY} > 0) - time() < 3600 > 0)\n)",
    wait="",
    summary="[who]: a containment ends by itself in {{ $value | humanizeDuration }}",
    description="Normal is that a person lifts it before. Then the agent does again what it was"
    " held back from: extend it, or make sure that the cause is mended.",
    command="agentslo contain status --agent '{{ $labels.agent }}'",
)

EVALUATOR_ALERTS: Final = RuleGroup(
    name="agent-slo-evaluator",
    interval="1m",
    doc="Alerts on what the evaluator says; inert until it runs.",
    alerts=(_FROZEN, _WATCH, _HIGH, _SWITCH, _NOT_EFFECTIVE, _EXPIRING),
)
