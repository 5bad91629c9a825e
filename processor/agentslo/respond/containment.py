"""Containment: what holds an agent back, for how long, and whether its runs obey.

In: decisions of subjects `containment/N`, runs since. Out: containments as they add up; drafts of
the next decision, or `Refused`; whether one took effect. Pure. They latch: only a person lifts one,
or its time runs out; a kill switch has no time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentslo.config.playbook_options import ACTIONS, Action
from agentslo.respond.desk import Draft
from agentslo.respond.flags import AUTONOMY, InForce
from agentslo.respond.rights import Refused
from agentslo.store.decisions import Decision

PREFIX = "containment/"
DEFAULT_S = 4 * 3_600
MAX_S = 7 * 86_400
S_NS = 1_000_000_000
POLL_NS = 10 * S_NS
"""An agent reads its flag file every 5 s by default: after two of those it should obey."""
EXPECTED_RUNS = 4.6
"""So many runs would have come, had the agent gone on: none at all has then p <= 0.01 (Poisson)."""


@dataclass(slots=True, kw_only=True)
class Containment:
    """One containment as its decisions add up. Times are unix ns; `expires_ns` 0: never."""

    id: str
    agent: str
    environment: str
    action: Action
    tool: str
    value: str
    versions: tuple[str, ...]
    actor: str
    reason: str
    incident: str
    done_ns: int
    expires_ns: int
    undone_ns: int = 0

    def holds(self, now_ns: int) -> bool:
        """Whether it is in force."""
        return not self.undone_ns and not (self.expires_ns and self.expires_ns <= now_ns)

    def in_force(self) -> InForce:
        """As flags need it."""
        return InForce(
            id=self.id,
            agent=self.agent,
            action=self.action,
            tool=self.tool,
            value=self.value,
            versions=self.versions,
            expires_s=self.expires_ns // S_NS,
            actor=self.actor,
            reason=self.reason,
            incident=self.incident,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """What of a run tells whether it obeyed: unix ns, tools in order."""

    run_id: str
    environment: str
    version: str
    start_ns: int
    tools: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Whether a containment took effect; None where runs cannot tell, with the reason."""

    effective: bool | None
    why: str
    runs: tuple[str, ...] = ()
    """Runs that do not obey."""


def fold_all(rows: Iterable[Decision]) -> list[Containment]:
    """Every containment among some decisions, oldest first."""
    found: dict[str, Containment] = {}
    for row in rows:
        match row.kind:
            case "containment.done":
                found[row.subject] = _made(row)
            case "containment.extended":
                found[row.subject].expires_ns = int(row.body["expires_ns"])
            case "containment.undone":
                found[row.subject].undone_ns = row.time_ns
    return list(found.values())


def _made(row: Decision) -> Containment:
    body = row.body
    return Containment(
        id=row.subject.removeprefix(PREFIX),
        agent=row.agent,
        environment=str(body.get("environment", "")),
        action=body["action"],
        tool=str(body.get("tool", "")),
        value=str(body.get("value", "")),
        versions=tuple(body.get("versions", ())),
        actor=row.actor,
        reason=str(body["reason"]),
        incident=str(body.get("incident", "")),
        done_ns=row.time_ns,
        expires_ns=int(body["expires_ns"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants contained; `for_s` 0: the default, or for ever with a kill switch."""

    agent: str
    action: str
    reason: str
    environment: str = ""
    tool: str = ""
    value: str = ""
    versions: tuple[str, ...] = ()
    for_s: float = 0.0
    incident: str = ""


def done(number: int, wish: Wish, held: Sequence[Containment], now_ns: int) -> list[Draft]:
    """A new containment; nothing where the same is in force already."""
    action = _checked(wish)
    for one in held:
        same = (one.agent, one.action, one.tool, one.value, one.versions)
        if one.holds(now_ns) and same == (
            *(wish.agent, action, wish.tool, wish.value, wish.versions),
        ):
            return []
    body: dict[str, object] = {
        "environment": wish.environment,
        "action": action,
        "tool": wish.tool,
        "value": wish.value,
        "versions": list(wish.versions),
        "reason": wish.reason,
        "incident": wish.incident,
        "expires_ns": 0 if action == "kill_switch" else now_ns + int(_for_s(wish) * S_NS),
    }
    subject = f"{PREFIX}{number}"
    return [Draft(kind="containment.done", subject=subject, agent=wish.agent, body=body)]


def extended(one: Containment, for_s: float, now_ns: int) -> list[Draft]:
    """More time, from now."""
    _must_hold(one, now_ns)
    if not one.expires_ns:
        raise Refused(f"containment {one.id}: a kill switch has no end to move")
    if not 0 < for_s <= MAX_S:
        raise Refused(f"give at most {MAX_S // 86_400} days")
    return [_draft(one, "extended", expires_ns=now_ns + int(for_s * S_NS))]


def undone(one: Containment, reason: str, now_ns: int) -> list[Draft]:
    """A person lifts it."""
    _must_hold(one, now_ns)
    if not reason.strip():
        raise Refused("say why it may be lifted: --reason")
    return [_draft(one, "undone", reason=reason.strip())]


def _draft(one: Containment, what: str, **body: object) -> Draft:
    subject = f"{PREFIX}{one.id}"
    return Draft(kind=f"containment.{what}", subject=subject, agent=one.agent, body=body)


def _must_hold(one: Containment, now_ns: int) -> None:
    if not one.holds(now_ns):
        raise Refused(f"containment {one.id}: is no longer in force")


def _checked(wish: Wish) -> Action:
    action = next((a for a in ACTIONS if a == wish.action), None)
    if action is None:
        raise Refused(f"action {wish.action!r} is none of {', '.join(ACTIONS)}")
    if (action == "disable_tool") is not bool(wish.tool):
        raise Refused("disable_tool needs --tool, and no other action takes it")
    if action == "reduce_autonomy" and wish.value not in ("", *AUTONOMY[1:]):
        raise Refused(f"autonomy is reduced to one of {', '.join(AUTONOMY[1:])}")
    if wish.value and action not in ("reduce_autonomy", "safer_prompt"):
        raise Refused(f"{action} takes no --value")
    if wish.for_s and action == "kill_switch":
        raise Refused("a kill switch does not expire: a person lifts it")
    if not 0 <= wish.for_s <= MAX_S:
        raise Refused(f"give at most {MAX_S // 86_400} days")
    if not wish.reason.strip():
        raise Refused("say why: --reason")
    return action


def _for_s(wish: Wish) -> float:
    return wish.for_s or DEFAULT_S


def effect(one: Containment, runs: Sequence[RunSeen], now_ns: int) -> Effect:
    """Whether runs obey: `runs` are the agent's of the last day, those of other environments and
    versions among them.
    """
    mine = [r for r in runs if _concerns(one, r)]
    after = [r for r in mine if r.start_ns > one.done_ns + POLL_NS]
    if one.action == "kill_switch":
        return _stopped(one, mine, after, now_ns)
    if one.action == "disable_tool":
        used = tuple(r.run_id for r in after if one.tool in r.tools)
        if used:
            return Effect(effective=False, why=f"{len(used)} runs still call it", runs=used)
        before = sum(one.tool in r.tools for r in mine if r.start_ns <= one.done_ns)
        share = before / max(1, len(mine) - len(after))
        if share * len(after) >= EXPECTED_RUNS:
            return Effect(effective=True, why=f"none of {len(after)} runs since calls it")
        return Effect(effective=None, why=f"{len(after)} runs since are too few to tell")
    return Effect(
        effective=None,
        why="spans do not tell which mode a run was in; only a tool that is off and an agent that "
        "is stopped can be seen",
    )


def _stopped(
    one: Containment, mine: Sequence[RunSeen], after: Sequence[RunSeen], now_ns: int
) -> Effect:
    if after:
        used = tuple(r.run_id for r in after)
        return Effect(effective=False, why=f"{len(used)} runs began since", runs=used)
    before = [r.start_ns for r in mine if r.start_ns <= one.done_ns]
    elapsed_ns = now_ns - one.done_ns - POLL_NS
    span_ns = one.done_ns - min(before, default=one.done_ns)
    expected = len(before) * elapsed_ns / span_ns if span_ns else 0.0
    if expected >= EXPECTED_RUNS:
        return Effect(effective=True, why=f"no run began, where {expected:.0f} would have")
    return Effect(effective=None, why="no run began since, and none may have been due")


def _concerns(one: Containment, run: RunSeen) -> bool:
    if one.environment and run.environment != one.environment:
        return False
    return not one.versions or run.version in one.versions
