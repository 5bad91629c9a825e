"""Retraining: from measured need to a release that was compared, or back.

In: decisions of a subject `retrain/N` and the time. Out: the request they add up to; drafts of the
next decision, or `Refused`. Pure: the desk records. Source: methods.md 6.

    proposed -> approved -> dispatched -> evaluated -> canary -> promoted
        any of the first four -> rejected, or expired after 14 days; canary, promoted -> rolled_back

A canary never expires by itself: it serves people, so somebody ends it. Never by the calendar: a
request is made of a trigger with the digest of its evidence, or not at all.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from agentslo.respond.desk import Draft
from agentslo.respond.rights import Refused
from agentslo.store.decisions import Decision

State = Literal[
    "proposed",
    "approved",
    "dispatched",
    "evaluated",
    "canary",
    "promoted",
    "rejected",
    "rolled_back",
    "expired",
]
Kind = Literal["labels", "drift", "novel", "slo", "policy"]
"""Why: new labels, drift, a novel class of tasks, a failed objective, a changed policy; weakest
first."""
KINDS: tuple[Kind, ...] = get_args(Kind)
NEXT: Mapping[State, frozenset[State]] = {
    "proposed": frozenset({"approved", "rejected", "expired"}),
    "approved": frozenset({"dispatched", "rejected", "expired"}),
    "dispatched": frozenset({"evaluated", "rejected", "expired"}),
    "evaluated": frozenset({"canary", "rejected", "expired"}),
    "canary": frozenset({"promoted", "rolled_back"}),
    "promoted": frozenset({"rolled_back"}),
    "rejected": frozenset(),
    "rolled_back": frozenset(),
    "expired": frozenset(),
}
OPEN: frozenset[State] = frozenset({"proposed", "approved", "dispatched", "evaluated", "canary"})
PREFIX = "retrain/"
HOUR_NS = 3600 * 1_000_000_000
COOL_DOWN_NS = 72 * HOUR_NS
EXPIRY_NS = 14 * 24 * HOUR_NS
MAX_CANARY_SHARE = 0.5
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What calls for retraining. `about`: the top bins, segments, objective or policy it is about;
    `versions`: the versions in force, so that a new release is a new need.
    """

    agent: str
    environment: str
    kind: Kind
    source: str
    about: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same need again has the same key."""
        parts = [self.agent, self.environment, self.kind, sorted(self.about), sorted(self.versions)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as its decisions add up. `needs`: approvals by different people."""

    id: str
    agent: str
    environment: str
    kind: Kind
    key: str
    bundle_sha256: str
    bundle: str
    needs: int
    state: State
    opened_ns: int
    moved_ns: int
    """When the state last changed."""
    approvals: list[str] = field(default_factory=list)
    evaluation: Mapping[str, Any] | None = None
    """The last report that was handed in, with what it was found to be."""
    canary: Mapping[str, Any] | None = None
    comparison: Mapping[str, Any] | None = None
    rolled_back_ns: int = 0
    rollback: Mapping[str, Any] | None = None
    """What was measured of the rollback."""
    timeline: list[Decision] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether anything may still follow but a rollback."""
        return self.state in OPEN


def fold(rows: Sequence[Decision], now_ns: int) -> Request:
    """The request that decisions of one subject add up to; the first proposed it."""
    first = rows[0]
    body = first.body
    request = Request(
        id=first.subject.removeprefix(PREFIX),
        agent=first.agent,
        environment=str(body["environment"]),
        kind=body["trigger"]["kind"],
        key=str(body["key"]),
        bundle_sha256=str(body["bundle_sha256"]),
        bundle=str(body["bundle"]),
        needs=int(body["needs"]),
        state="proposed" if body["needs"] else "approved",
        opened_ns=first.time_ns,
        moved_ns=first.time_ns,
    )
    for row in rows:
        request.timeline.append(row)
        _step(request, row)
    if "expired" in NEXT[request.state] and now_ns - request.moved_ns >= EXPIRY_NS:
        request.state, request.moved_ns = "expired", request.moved_ns + EXPIRY_NS
    return request


def _step(request: Request, row: Decision) -> None:
    before = request.state
    match row.kind.removeprefix("retrain."):
        case "approved":
            request.approvals.append(row.actor)
            if len(request.approvals) >= request.needs:
                request.state = "approved"
        case "dispatched" | "promoted" | "rejected" as state:
            request.state = state
        case "evaluated":
            request.evaluation = row.body
            if row.body["result"] == "pass":
                request.state = "evaluated"
        case "canary":
            request.state, request.canary = "canary", row.body
        case "compared":
            request.comparison = row.body
        case "rolled_back":
            request.state, request.rolled_back_ns = "rolled_back", row.time_ns
        case "rollback_measured":
            request.rollback = row.body
    if request.state != before:
        request.moved_ns = row.time_ns


def fold_all(rows: Iterable[Decision], now_ns: int) -> list[Request]:
    """Every request among some decisions, oldest first."""
    by_subject: dict[str, list[Decision]] = {}
    for row in rows:
        if row.subject.startswith(PREFIX) and row.kind.startswith("retrain."):
            by_subject.setdefault(row.subject, []).append(row)
    return [fold(found, now_ns) for found in by_subject.values()]


# ---- what may follow: each gives drafts, or raises `Refused`


def proposed(
    before: Sequence[Request],
    trigger: Trigger,
    *,
    needs: int,
    bundle_sha256: str,
    bundle: str,
    now_ns: int,
) -> list[Draft]:
    """A new request; a stronger trigger replaces an open one that was not dispatched yet."""
    if trigger.kind not in KINDS:
        raise Refused(f"{trigger.kind} is no need: {', '.join(KINDS)}; never the calendar")
    if not _SHA256.fullmatch(bundle_sha256):
        raise Refused("a trigger without the SHA-256 of its evidence is no request")
    drafts: list[Draft] = []
    mine = [r for r in before if r.agent == trigger.agent]
    for request in mine:
        if request.is_open:
            drafts += _replaced(request, trigger)
    for request in mine:
        if request.key == trigger.key and now_ns - request.opened_ns < COOL_DOWN_NS:
            left_h = (request.opened_ns + COOL_DOWN_NS - now_ns) / HOUR_NS
            raise Refused(f"the same need was retrain/{request.id}; again in {left_h:.0f} h")
    body = {
        "environment": trigger.environment,
        "trigger": {"kind": trigger.kind, "source": trigger.source, "about": list(trigger.about)},
        "versions": list(trigger.versions),
        "key": trigger.key,
        "needs": needs,
        "bundle_sha256": bundle_sha256,
        "bundle": bundle,
    }
    subject = f"{PREFIX}{len(before) + 1}"
    return [
        *drafts,
        Draft(kind="retrain.proposed", subject=subject, agent=trigger.agent, body=body),
    ]


def _replaced(request: Request, trigger: Trigger) -> list[Draft]:
    stronger = KINDS.index(trigger.kind) > KINDS.index(request.kind)
    if not stronger or request.state not in ("proposed", "approved"):
        raise Refused(f"{request.agent} has an open request: retrain/{request.id} {request.state}")
    return [_draft(request, "rejected", reason=f"replaced by a stronger trigger: {trigger.kind}")]


def approved(request: Request, actor: str) -> list[Draft]:
    """One approval; two different people are needed where the request says so."""
    _may(request, "approved")
    if actor in request.approvals:
        raise Refused(f"{actor} approved already; another person must")
    return [_draft(request, "approved", bundle_sha256=request.bundle_sha256)]


def dispatched(request: Request, event_id: str, targets: Sequence[str]) -> list[Draft]:
    """The request goes out; deliveries are recorded beside it."""
    _may(request, "dispatched")
    return [_draft(request, "dispatched", event_id=event_id, targets=list(targets))]


def evaluated(request: Request, report_sha256: str, judged: Mapping[str, Any]) -> list[Draft]:
    """A report of evaluations, by its digest, with what it was found to be."""
    _may(request, "evaluated")
    return [_draft(request, "evaluated", report_sha256=report_sha256, **judged)]


def canary(
    request: Request, *, stable: str, release: str, share_ratio: float, budget: str = "normal"
) -> list[Draft]:
    """The evaluated release meets some of the traffic; half as much where little budget is left.

    `budget`: the state of the error budget, as the release gate found it last.
    """
    _may(request, "canary")
    most = MAX_CANARY_SHARE if budget == "normal" else MAX_CANARY_SHARE / 2
    made = (request.evaluation or {}).get("release")
    if release != made:
        raise Refused(f"{release} was not evaluated, {made} was")
    if not 0 < share_ratio <= most:
        raise Refused(f"a canary takes up to {most:.0%} of the traffic (budget: {budget})")
    said = {"stable": stable, "release": release, "share_ratio": share_ratio}
    return [_draft(request, "canary", **said)]


def compared(request: Request, comparison: Mapping[str, Any]) -> list[Draft]:
    """What comparing the canary with the stable release showed."""
    _may(request, "promoted")
    return [_draft(request, "compared", **comparison)]


def promoted(request: Request, actor: str, budget: str = "normal") -> list[Draft]:
    """The canary becomes the release; its comparison must have shown it is not worse. Where little
    budget is left, by another person than who began the canary.
    """
    _may(request, "promoted")
    began = [row.actor for row in request.timeline if row.kind == "retrain.canary"]
    if budget != "normal" and actor in began:
        raise Refused(f"the error budget is {budget}: another person than {actor} must promote")
    verdict = (request.comparison or {}).get("verdict")
    if verdict != "not_worse":
        raise Refused(f"the comparison says {verdict or 'nothing yet'}; not_worse is needed")
    return [_draft(request, "promoted", **(request.canary or {}))]


def rejected(request: Request, reason: str) -> list[Draft]:
    """Not to be done."""
    _may(request, "rejected")
    return [_draft(request, "rejected", reason=reason)]


def rolled_back(request: Request, reason: str) -> list[Draft]:
    """Back to the stable release."""
    _may(request, "rolled_back")
    return [_draft(request, "rolled_back", reason=reason, **(request.canary or {}))]


def rollback_measured(request: Request, measured: Mapping[str, Any]) -> list[Draft]:
    """Whether the rollback took, and how long it lasted."""
    if request.state != "rolled_back":
        raise Refused(f"retrain/{request.id} is {request.state}, not rolled back")
    return [_draft(request, "rollback_measured", **measured)]


def _may(request: Request, state: State) -> None:
    if state not in NEXT[request.state]:
        after = ", ".join(sorted(NEXT[request.state])) or "nothing"
        raise Refused(f"retrain/{request.id} is {request.state}: {after} may follow, not {state}")


def _draft(request: Request, kind: str, **body: Any) -> Draft:  # noqa: ANN401 - JSON values
    subject = f"{PREFIX}{request.id}"
    return Draft(kind=f"retrain.{kind}", subject=subject, agent=request.agent, body=body)
