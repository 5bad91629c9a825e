"""Alerts on the service itself: gone, promise lowered, spans dropped, configuration refused.

In: the process's own metrics. Out: one group. No state. None of them fires on a Prometheus that has
never seen the service.
"""

from typing import Final

from agentslo.bundle.rule import Alert, RuleGroup

_ALIVE = "agent_slo_processor_build_info"

_DOWN = Alert(
    name="AgentTelemetryDown",
    action="page",
    category="telemetry",
    scope="process",
    expr=f"count by (<process>) (count_over_time({_ALIVE}[1d]))\n"
    f"unless on (<process>) count by (<process>) ({_ALIVE})",
    wait="10m",
    summary="No agentslo metrics reach Prometheus",
    description="{{ $value }} series were scraped within the last day, none is now. All agent"
    " alerts are blind, and in-line forwarding may be down. Normal is one series per replica.",
    command="agentslo doctor --live [live]",
    board="agent-slo-pipeline",
)
_PROMISE = Alert(
    name="AgentTelemetryPromiseLowered",
    action="ticket",
    category="telemetry",
    scope="process",
    expr="min by (ack<,process>) (agent_slo_processor_promise) == 0",
    wait="1m",
    keep="5m",
    summary="agentslo acknowledges spans it may lose (promise `{{ $labels.ack }}` is lowered)",
    description="Normal is 1 on every replica. A storage or a destination does not answer, so what"
    " an acknowledgement promises does not hold now; `/readyz` names the cause.",
    command="agentslo doctor --live [live]",
    board="agent-slo-pipeline",
)
_DROPPED = Alert(
    name="AgentSpansDropped",
    action="ticket",
    category="telemetry",
    scope="process",
    expr="sum by (destination, reason<,process>)"
    " (increase(agent_slo_processor_spans_dropped_total[10m])) > 0",
    wait="",
    keep="15m",
    summary='{{ printf "%.0f" $value }} spans were dropped on the way to {{ $labels.destination }}',
    description="Reason: {{ $labels.reason }}. Normal is none in 10 minutes. These spans will not"
    " reach this destination.",
    command="agentslo doctor --live [live]",
    board="agent-slo-pipeline",
)
_RELOAD = Alert(
    name="AgentConfigReloadFailed",
    action="ticket",
    category="telemetry",
    scope="process",
    expr="min by (<process>) (agent_slo_config_last_reload_successful) == 0",
    wait="5m",
    summary="agentslo runs on an old configuration: the last reload failed",
    description="Normal is 1. The files in force are the ones before; changed objectives, owners"
    " and limits do not count yet.",
    command="agentslo check",
    board="agent-slo-pipeline",
)
_UNPRICED = Alert(
    name="AgentCostUnpriced",
    action="ticket",
    category="behaviour",
    scope="process",
    expr="sum by (model<,process>) (increase(agent_slo_unpriced_tokens_total[1d])) > 0",
    wait="15m",
    summary="No price is known for {{ $labels.model }}: cost is told too low",
    description="{{ $value | humanize }} tokens of the last day have no price. Normal is none. Runs"
    " with unpriced parts are unknown to cost objectives.",
    command="agentslo check",
    board="agent-slo-pipeline",
)
_WATCHDOG = Alert(
    name="AgentSLOWatchdog",
    action="watch",
    category="telemetry",
    scope="process",
    expr="vector(1)",
    wait="",
    summary="Always firing: agent alerts reach their receivers",
    description="Route it to a dead man's switch that calls when it stops. Its silence means that"
    " Prometheus, these rules or Alertmanager is down.",
    command="agentslo doctor --live [live]",
    board="agent-slo-pipeline",
)

SERVICE_ALERTS: Final = RuleGroup(
    name="agent-slo-service",
    interval="1m",
    doc="Alerts on the service itself.",
    alerts=(_DOWN, _PROMISE, _DROPPED, _RELOAD, _UNPRICED, _WATCHDOG),
)
