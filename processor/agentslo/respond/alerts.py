"""Alertmanager's webhook: alerts to incidents, once each, and containment where it was asked for.

In: the body of a version 4 webhook. Out: alerts, or `AlertError`; through `Duty`, incidents. No
state: what is known of an alert stands in the decisions, so a body that comes twice changes
nothing. An alert opens an incident where it pages and names an agent; it joins the open one of the
same agent, environment and kind. It contains only where its labels say `containment="auto"` and
the body is whole, and nothing it ever does lifts a containment. Source: Alertmanager,
webhook_config.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agentslo.config.agent_options import AgentFile
from agentslo.respond import incidents
from agentslo.respond.containment import Wish
from agentslo.respond.desk import Ask, Desk, Draft
from agentslo.respond.duty import DAY_NS, Duty, next_number
from agentslo.respond.facts import Facts, facts
from agentslo.respond.incidents import Incident
from agentslo.respond.playbook import category_of, plays
from agentslo.respond.rights import Actor, Refused
from agentslo.store.decisions import Book
from agentslo.store.ledger import Ledger

MAX_BYTES = 4 * 1024 * 1024
MAX_ALERTS = 500
ACTOR = Actor(name="alertmanager", roles=("machine",), verified=True)
PAGE = "page"


class AlertError(ValueError):
    """The body is no webhook of Alertmanager; the message says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. `key` names this firing of it."""

    key: str
    status: str
    name: str
    agent: str
    environment: str
    labels: Mapping[str, str]
    summary: str
    starts_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The alerts of one body; `truncated`: some were left out, so nothing may be contained."""

    alerts: tuple[Alert, ...]
    truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What one body led to: ids of incidents, and what was not done, with the reason."""

    incidents: tuple[str, ...]
    contained: tuple[str, ...]
    left: tuple[str, ...]


def read(body: bytes) -> Notice:
    """The alerts of a webhook body; unknown keys are ignored."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AlertError(f"not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("version") != "4":
        raise AlertError("send Alertmanager's webhook, version 4")
    listed = found.get("alerts")
    if not isinstance(listed, list) or len(listed) > MAX_ALERTS:
        raise AlertError(f"'alerts' is no list of at most {MAX_ALERTS}")
    return Notice(
        alerts=tuple(_alert(one) for one in listed),
        truncated=bool(found.get("truncatedAlerts")),
    )


def _alert(found: Any) -> Alert:  # noqa: ANN401 - JSON of another system, checked here
    try:
        labels = {str(k): str(v) for k, v in found["labels"].items()}
        starts = datetime.fromisoformat(str(found["startsAt"]))
        fingerprint, status = str(found["fingerprint"]), str(found["status"])
        annotations = found.get("annotations") or {}
        summary = str(annotations.get("summary", ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AlertError(f"an alert lacks or garbles {error}") from error
    if status not in ("firing", "resolved") or starts.tzinfo is None:
        raise AlertError("an alert is neither firing nor resolved, or has no time zone")
    return Alert(
        key=f"{fingerprint}@{starts.isoformat()}",
        status=status,
        name=labels.get("alertname", ""),
        agent=labels.get("agent", ""),
        environment=labels.get("environment", ""),
        labels=labels,
        summary=summary,
        starts_ns=int(starts.timestamp() * 1e9),
    )


class AlertIntake:
    """Takes webhook bodies in. The files are those of `duty`."""

    def __init__(self, desk: Desk, ledger: Ledger | None, duty: Duty) -> None:
        self._desk, self._ledger, self._duty = desk, ledger, duty

    def take(self, body: bytes, now_ns: int) -> Handled:
        """What one body leads to; the same body again leads to nothing more."""
        notice = read(body)
        touched, contained, left = list[str](), list[str](), list[str]()
        for alert in notice.alerts:
            if not alert.agent or alert.labels.get("product") != "agent-slo":
                left.append(f"{alert.name}: names no agent of ours")
                continue
            incident = self._note(alert, now_ns)
            if incident is None:
                left.append(f"{alert.name}: opens no incident")
                continue
            touched.append(incident.id)
            if alert.labels.get("containment") == "auto" and alert.status == "firing":
                if notice.truncated:
                    left.append(f"{alert.name}: the body is truncated, nothing was contained")
                else:
                    contained += self._contain(incident, alert, now_ns, left)
        return Handled(
            incidents=tuple(dict.fromkeys(touched)), contained=tuple(contained), left=tuple(left)
        )

    def _note(self, alert: Alert, now_ns: int) -> Incident | None:
        since_ns = min(alert.starts_ns, now_ns) - DAY_NS // 24
        seen = facts(self._ledger, alert.agent, alert.environment, since_ns)
        ask = Ask(
            actor=ACTOR,
            right="incident",
            agent=alert.agent,
            subject=f"{incidents.PREFIX}new",
            wants="incident open",
        )
        file = self._desk.file_of(alert.agent)
        made = self._desk.take(ask, now_ns, lambda book: _drafts(book, alert, seen, file))
        for row in made:
            return self._duty.incident(row.subject.removeprefix(incidents.PREFIX))
        known = [i for i in self._duty.incidents() if alert.key in i.alerts]
        return known[-1] if known else None

    def _contain(
        self, incident: Incident, alert: Alert, now_ns: int, left: list[str]
    ) -> Sequence[str]:
        if incident.containments or incident.state == "closed":
            return ()
        first = self._duty.plays(alert.agent)[incident.category].first
        action = alert.labels.get("containment_action") or (first[0] if first else "")
        wish = Wish(
            agent=alert.agent,
            environment=alert.environment,
            action=action,
            tool=alert.labels.get("tool", "") if action == "disable_tool" else "",
            reason=f"{alert.name} fired",
            incident=incident.id,
        )
        try:
            return (self._duty.contain(ACTOR, wish, now_ns).id,)
        except Refused as refusal:
            left.append(f"{alert.name}: not contained: {refusal}")
            return ()


def _drafts(book: Book, alert: Alert, seen: Facts, file: AgentFile | None) -> Sequence[Draft]:
    every = incidents.fold_all(book.rows(kind="incident.", agent=alert.agent))
    for incident in every:
        if alert.key in incident.alerts:
            return incidents.alerted(incident, alert.key, alert.status, alert.name)
    if alert.status != "firing":
        return ()
    category = category_of(alert.name, seen.outcomes)
    for incident in every:
        same = incident.environment == alert.environment and incident.state != "closed"
        if same and category in (incident.category, "undetermined"):
            return incidents.alerted(incident, alert.key, alert.status, alert.name)
    if alert.labels.get("slo_action") != PAGE:
        return ()
    more = {
        "alert": {"key": alert.key, "status": alert.status, "name": alert.name},
        **seen.about(file),
    }
    return incidents.opened(
        next_number(book, incidents.PREFIX),
        agent=alert.agent,
        environment=alert.environment,
        category=category,
        severity="",
        title=alert.summary or alert.name,
        began_ns=alert.starts_ns,
        plays=plays(file),
        more=more,
    )
