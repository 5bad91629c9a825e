"""Incidents: from the first alert or word of a person to a post-mortem that changes something.

In: decisions of a subject `incident/N`, and what somebody wants to add. Out: the incident they add
up to; drafts of the next decision, or `Refused`. Pure: the desk records. States go one way, but a
note or an alert changes none:

    open -> acknowledged -> resolved -> closed      (open -> resolved too: it ended by itself)

Nothing here lifts a containment: a resolved alert may mean that the agent stands still.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from agentslo.config.playbook_options import CATEGORIES, SEVERITIES, Category, Severity
from agentslo.respond.desk import Draft
from agentslo.respond.playbook import PLAYS, Play
from agentslo.respond.rights import Refused
from agentslo.store.decisions import Decision

State = Literal["open", "acknowledged", "resolved", "closed"]
PREFIX = "incident/"
MAX_TEXT = 4_000
Plays = Mapping[Category, Play]


@dataclass(slots=True, kw_only=True)
class Incident:
    """One incident as its decisions add up. Times are unix ns, 0 for not yet."""

    id: str
    agent: str
    environment: str
    category: Category
    severity: Severity
    title: str
    state: State = "open"
    began_ns: int = 0
    """When the first alert began to fire, or it was opened by hand."""
    opened_ns: int = 0
    acknowledged_ns: int = 0
    contained_ns: int = 0
    resolved_ns: int = 0
    closed_ns: int = 0
    owner: str = ""
    alerts: dict[str, str] = field(default_factory=dict)
    """Alert key (`fingerprint@startsAt`) to its last status."""
    muted: bool = False
    """A kill switch holds its agent: Alertmanager mutes its alerts, so no end of one is told."""
    evidence: tuple[str, ...] = ()
    """Run ids."""
    exposure_usd: float | None = None
    at_stake_usd: float | None = None
    """What the bad runs would have been worth; None where nobody said what a good one is."""
    containments: list[str] = field(default_factory=list)
    post_mortem: Mapping[str, Any] | None = None
    timeline: list[Decision] = field(default_factory=list)

    @property
    def firing(self) -> bool:
        """Whether any of its alerts fires still, as far as that can be told."""
        return "firing" in self.alerts.values() and not self.muted


def subject(number: int) -> str:
    """What the decisions of incident `number` are recorded under."""
    return f"{PREFIX}{number}"


def fold(rows: Sequence[Decision]) -> Incident:
    """The incident that decisions of one subject add up to; the first opened it."""
    first = rows[0]
    body = first.body
    incident = Incident(
        id=first.subject.removeprefix(PREFIX),
        agent=first.agent,
        environment=str(body["environment"]),
        category=body["category"],
        severity=body["severity"],
        title=str(body["title"]),
        began_ns=int(body["began_ns"]),
        opened_ns=first.time_ns,
        evidence=tuple(body.get("evidence", ())),
        exposure_usd=body.get("exposure_usd"),
        at_stake_usd=body.get("at_stake_usd"),
    )
    for row in rows:
        incident.timeline.append(row)
        if alert := row.body.get("alert"):
            incident.alerts[str(alert["key"])] = str(alert["status"])
        _step(incident, row)
    return incident


def _step(incident: Incident, row: Decision) -> None:
    match row.kind:
        case "incident.acknowledged":
            incident.state, incident.acknowledged_ns = "acknowledged", row.time_ns
            incident.owner = row.actor
        case "incident.contained":
            incident.contained_ns = incident.contained_ns or row.time_ns
            incident.containments.append(str(row.body["containment"]))
        case "incident.reclassified":
            incident.category, incident.severity = row.body["category"], row.body["severity"]
        case "incident.resolved":
            incident.state, incident.resolved_ns = "resolved", row.time_ns
        case "incident.post_mortem":
            incident.post_mortem = row.body["post_mortem"]
        case "incident.closed":
            incident.state, incident.closed_ns = "closed", row.time_ns


def fold_all(rows: Iterable[Decision]) -> list[Incident]:
    """Every incident among some decisions, oldest first."""
    by_subject: dict[str, list[Decision]] = {}
    for row in rows:
        if row.subject.startswith(PREFIX) and row.kind.startswith("incident."):
            by_subject.setdefault(row.subject, []).append(row)
    return [fold(found) for found in by_subject.values()]


# ---- what may follow: each gives drafts, or raises `Refused`


def opened(
    number: int,
    *,
    agent: str,
    environment: str,
    category: str,
    severity: str,
    title: str,
    began_ns: int,
    plays: Plays = PLAYS,
    more: Mapping[str, Any] | None = None,
) -> list[Draft]:
    """A new incident; `plays`: of its agent; `more`: its alert, evidence and exposure, where
    known.
    """
    _known(category, severity)
    body = {
        "environment": environment,
        "category": category,
        "severity": severity or plays[_category(category)].severity,
        "title": _text(title),
        "began_ns": began_ns,
        **(more or {}),
    }
    return [Draft(kind="incident.opened", subject=subject(number), agent=agent, body=body)]


def alerted(incident: Incident, key: str, status: str, name: str) -> list[Draft]:
    """An alert of the incident fired or resolved; nothing where that is known."""
    if incident.alerts.get(key) == status:
        return []
    return [_draft(incident, "alerted", alert={"key": key, "status": status, "name": name})]


def acknowledged(incident: Incident) -> list[Draft]:
    """Somebody has it."""
    _must_be(incident, "acknowledged", "open")
    return [_draft(incident, "acknowledged")]


def noted(incident: Incident, text: str) -> list[Draft]:
    """A line of the timeline; also after it closed, for what is learned later."""
    return [_draft(incident, "noted", text=_text(text))]


def contained(incident: Incident, containment: str) -> list[Draft]:
    """A containment was put in force for it."""
    _must_be(incident, "contained", "open", "acknowledged", "resolved")
    return [_draft(incident, "contained", containment=containment)]


def reclassified(
    incident: Incident, category: str, severity: str, plays: Plays = PLAYS
) -> list[Draft]:
    """It turned out to be of another kind, or worse, or less bad."""
    _must_be(incident, "reclassified", "open", "acknowledged", "resolved")
    _known(category or incident.category, severity)
    chosen = _category(category or incident.category)
    weight = severity or (plays[chosen].severity if category else incident.severity)
    return [_draft(incident, "reclassified", category=chosen, severity=weight)]


def resolved(incident: Incident, how: str) -> list[Draft]:
    """The harm has stopped."""
    _must_be(incident, "resolved", "open", "acknowledged")
    if incident.firing:
        raise Refused(
            f"incident {incident.id}: an alert of it is still firing; wait, or silence it"
        )
    return [_draft(incident, "resolved", text=_text(how))]


def post_mortem(incident: Incident, content: Mapping[str, Any]) -> list[Draft]:
    """What was learned; checked by `agentslo.respond.post_mortem`."""
    _must_be(incident, "given a post-mortem", "acknowledged", "resolved", "open")
    return [_draft(incident, "post_mortem", post_mortem=dict(content))]


def closed(incident: Incident) -> list[Draft]:
    """Done with: only once it is resolved and has a post-mortem."""
    _must_be(incident, "closed", "resolved")
    if incident.firing:
        raise Refused(f"incident {incident.id}: an alert of it fires again")
    if incident.post_mortem is None:
        raise Refused(
            f"incident {incident.id}: has no post-mortem; write one with "
            f"`agentslo incident draft {incident.id}` and give it to `agentslo incident close`"
        )
    return [_draft(incident, "closed")]


def _draft(incident: Incident, what: str, **body: object) -> Draft:
    return Draft(
        kind=f"incident.{what}",
        subject=f"{PREFIX}{incident.id}",
        agent=incident.agent,
        body=body,
    )


def _must_be(incident: Incident, wanted: str, *states: State) -> None:
    if incident.state not in states:
        raise Refused(f"incident {incident.id}: is {incident.state}, it cannot be {wanted}")


def _known(category: str, severity: str) -> None:
    if category not in CATEGORIES:
        raise Refused(f"category {category!r} is none of {', '.join(CATEGORIES)}")
    if severity and severity not in SEVERITIES:
        raise Refused(f"severity {severity!r} is none of {', '.join(SEVERITIES)}")


def _category(name: str) -> Category:
    found: Category = next(c for c in get_args(Category) if c == name)
    return found


def _text(text: str) -> str:
    clean = " ".join(text.split())
    if not clean:
        raise Refused("say something: the text is empty")
    return clean[:MAX_TEXT]
