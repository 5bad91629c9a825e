"""What calls for retraining, from alerts and from words: a trigger, or nothing.

In: an alert as the webhook brings it, or what somebody gives on the command line. Out: a `Trigger`
and the detector's part of its evidence. Pure. An alert is a reason to look, never complete
evidence: the runs come from the ledger.
"""

from collections.abc import Sequence

from agentslo.respond.alerts import Alert
from agentslo.respond.bundle_files import Detector
from agentslo.respond.retraining import Kind, Trigger

CANDIDATE = "candidate"
_ABOUT = ("slo", "feature", "bin", "segment", "task_type", "tool", "policy")
_BY_CATEGORY: tuple[tuple[str, Kind], ...] = (
    ("drift", "drift"),
    ("novelty", "novel"),
    ("policy", "policy"),
)


def from_alert(alert: Alert, versions: Sequence[str]) -> tuple[Trigger, Detector] | None:
    """The trigger of a firing alert that somebody labelled `retrain="candidate"`; else None."""
    labels = alert.labels
    if alert.status != "firing" or labels.get("retrain") != CANDIDATE or not alert.agent:
        return None
    kinds = dict(_BY_CATEGORY)
    trigger = Trigger(
        agent=alert.agent,
        environment=alert.environment or "production",
        kind=kinds.get(labels.get("category", ""), "slo"),
        source=f"alert {alert.name}",
        about=tuple(f"{name}={labels[name]}" for name in _ABOUT if labels.get(name)),
        versions=tuple(versions),
    )
    return trigger, Detector(state={"alert": alert.key, "labels": dict(labels)})
