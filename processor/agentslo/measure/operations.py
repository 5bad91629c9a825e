"""The families of operations: incidents and containment. Part of the catalogue. No state."""

from typing import Final

from agentslo.measure.family import Family, Label, gauge, one_of

_AGENT = Label(name="agent", cap="agents")
_ENVIRONMENT = Label(name="environment", cap="environments")

OPERATIONS: Final[tuple[Family, ...]] = (
    gauge(
        "agent_slo_safe_to_run_reason",
        "1 while an agent should not run, by reason; kill_switch: a person switched it off.",
        *(_AGENT, _ENVIRONMENT, one_of("reason", "kill_switch")),
    ),
    gauge(
        "agent_slo_incidents_open",
        "Incidents that are not closed.",
        *(_AGENT, _ENVIRONMENT, one_of("severity", "SEV1", "SEV2", "SEV3", "SEV4")),
    ),
    gauge(
        "agent_slo_containment_expiry_timestamp_seconds",
        "When a containment in force ends by itself, in seconds since 1970; 0: when it is lifted.",
        _AGENT,
        one_of(
            "action",
            *("disable_tool", "fallback", "safer_prompt"),
            *("reduce_autonomy", "to_humans", "kill_switch"),
        ),
        unit="seconds",
    ),
)
