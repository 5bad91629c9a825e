"""What alerts call for retraining, and the requests they become.

In: the body of a webhook of Alertmanager. Out: triggers; through `Training`, requests, and what was
not asked for, with the reason. No state. An alert is a reason to look, never complete evidence: the
runs come from the ledger, and a truncated body loses nothing that counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentslo.respond.alerts import ACTOR, Alert, read
from agentslo.respond.bundle_files import Detector, NoEvidence, versions_of
from agentslo.respond.retraining import Kind, Trigger, proposed
from agentslo.respond.rights import Refused
from agentslo.respond.training import Training
from agentslo.store.ledger import DAY_NS

CANDIDATE = "candidate"
_ABOUT = ("slo", "feature", "bin", "segment", "task_type", "tool", "policy")
_BY_CATEGORY: tuple[tuple[str, Kind], ...] = (
    ("drift", "drift"),
    ("novelty", "novel"),
    ("policy", "policy"),
)


WINDOW_NS = 7 * DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Requests that one body made, and what it did not ask for."""

    requests: tuple[str, ...]
    left: tuple[str, ...]


def take(body: bytes, training: Training, revision: str, now_ns: int) -> Asked:
    """Ask for what the alerts of one body call for; the same body again asks for nothing more.

    Raises `AlertError` where the body is none of Alertmanager's.
    """
    requests, left = list[str](), list[str]()
    for alert in read(body).alerts:
        found = from_alert(alert, ())
        if found is None:
            continue
        try:
            requests.append(_ask(*found, training, revision, now_ns))
        except (Refused, NoEvidence) as error:
            left.append(f"{alert.name}: no retraining: {error}")
    return Asked(requests=tuple(requests), left=tuple(left))


def _ask(
    trigger: Trigger, detector: Detector, training: Training, revision: str, now_ns: int
) -> str:
    since_ns = now_ns - WINDOW_NS
    versions = versions_of(training.ledger, trigger.agent, trigger.environment, since_ns)
    trigger = replace(trigger, versions=versions)
    # Looked at before anything is collected: an alert repeats, and each time would leave a refusal.
    before = training.requests(now_ns)
    proposed(before, trigger, needs=0, bundle_sha256="0" * 64, bundle="", now_ns=now_ns)
    detector = replace(detector, config_revision=revision)
    made = training.propose(ACTOR, trigger, detector, (), window_ns=WINDOW_NS, now_ns=now_ns)
    return made.id


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
