"""Families of operations: incidents, containment, releases, retraining. No state."""

from typing import Final

from agentslo.measure.family import Family, Label, gauge, histogram, one_of

_AGENT = Label(name="agent", cap="agents")
_ENVIRONMENT = Label(name="environment", cap="environments")
_CATEGORIES = (
    *("hallucination_low_impact", "hallucination_customer_impact", "unsafe_action"),
    *("tool_failure", "data_corruption", "widespread_drift", "undetermined"),
)

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
        "agent_slo_incidents_repeated",
        "Incidents that followed one of the same kind within 30 days.",
        *(_AGENT, _ENVIRONMENT, one_of("category", *_CATEGORIES)),
    ),
    histogram(
        "agent_slo_incident_duration_seconds",
        "Seconds from the first alert of an incident until it was detected (opened), acknowledged, "
        "contained, resolved.",
        *(_AGENT, _ENVIRONMENT, one_of("stage", "detect", "acknowledge", "contain", "resolve")),
        unit="seconds",
        buckets=(10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0),
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
    gauge(
        "agent_slo_error_budget_state",
        "What the release gate last found: 0 normal, 1 caution, 2 frozen, -1 it could not tell.",
        *(_AGENT, _ENVIRONMENT),
    ),
    gauge(
        "agent_slo_release_verdict",
        "Whether the newer of two releases that serve side by side is worse (-1), proven not worse "
        "(1), or not known yet (0).",
        *(_AGENT, _ENVIRONMENT),
        Label(name="stable", cap="releases"),
        Label(name="canary", cap="releases"),
    ),
    gauge(
        "agent_slo_retraining_requests",
        "Retraining requests, by the state they are in.",
        *(_AGENT, _ENVIRONMENT),
        one_of(
            "state",
            *("proposed", "approved", "dispatched", "evaluated", "canary"),
            *("promoted", "rejected", "rolled_back", "expired"),
        ),
    ),
    gauge(
        "agent_slo_rollbacks",
        "Rollbacks of retrained releases that were measured, by whether they took.",
        *(_AGENT, _ENVIRONMENT, one_of("result", "success", "failure", "unknown")),
    ),
    gauge(
        "agent_slo_evaluation_pass_ratio",
        "Share of golden cases the newest evaluated release passed, by stratum.",
        *(_AGENT, _ENVIRONMENT, one_of("stratum", "common", "edge", "dangerous")),
        unit="ratio",
    ),
    gauge(
        "agent_slo_training_disputed_labels_ratio",
        "Share of labels people disagreed on, in the newest evaluated training set.",
        *(_AGENT, _ENVIRONMENT),
        unit="ratio",
    ),
    gauge(
        "agent_slo_retraining_stage_seconds",
        "How long each stage of the newest evaluated retraining took.",
        *(_AGENT, _ENVIRONMENT),
        one_of(
            "stage",
            *("curation", "label_validation", "change", "offline_evaluation"),
            *("adversarial_test", "transaction_integrity"),
        ),
        unit="seconds",
    ),
)
