"""Exceptions from gates: a named person lets releases pass what a gate would hold, for a while.

In: decisions so far. Out: which exceptions are in force, and drafts of new ones and of their end.
Pure. Each is a row of the chained decisions: signed by its key, taken in a role, and it expires.
Missing data has no exception: a gate that cannot see must not pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from agentslo.respond.desk import Draft
from agentslo.respond.rights import Refused
from agentslo.store.decisions import Book, Decision

Covers = Literal["budget", "safety", "calendar"]
COVERS: tuple[Covers, ...] = get_args(Covers)
GIVEN = "gate.exception"
ENDED = "gate.exception_ended"
MAX_AGE_S = 14 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateException:
    """One exception; an empty `environment` is every one, an empty `release` every one."""

    number: int
    agent: str
    environment: str
    release: str
    covers: tuple[Covers, ...]
    reason: str
    actor: str
    until_ns: int


def draft(
    *,
    agent: str,
    environment: str,
    release: str,
    covers: Sequence[Covers],
    reason: str,
    until_ns: int,
) -> Draft:
    """What is recorded of a new exception; raises `Refused` where it gives no reason."""
    if not reason.strip():
        raise Refused("say why: the reason stands in every decision it lets pass (--reason)")
    body = {
        "environment": environment,
        "release": release,
        "covers": sorted(covers),
        "reason": reason.strip(),
        "until_ns": until_ns,
    }
    return Draft(kind=GIVEN, subject=f"gate/{agent}", agent=agent, body=body)


def end(book: Book, agent: str, number: int) -> list[Draft]:
    """End an exception before it expires; raises `Refused` where none of that number is open."""
    rows = book.rows(agent=agent, kind=GIVEN)
    if number not in {e.number for e in in_force(rows, agent, "", "", book.now_ns, every=True)}:
        raise Refused(f"{agent} has no exception {number} in force")
    body: Mapping[str, int] = {"number": number}
    return [Draft(kind=ENDED, subject=f"gate/{agent}", agent=agent, body=body)]


def in_force(
    rows: Sequence[Decision],
    agent: str,
    environment: str,
    release: str,
    now_ns: int,
    *,
    every: bool = False,
) -> list[GateException]:
    """Exceptions in force; `every` gives those of any environment and release."""
    ended = {row.body["number"] for row in rows if row.kind == ENDED}
    found = [_exception(row) for row in rows if row.kind == GIVEN and row.seq not in ended]
    return [
        e
        for e in found
        if e.agent == agent
        and now_ns < e.until_ns
        and (every or e.environment in ("", environment))
        and (every or e.release in ("", release))
    ]


def _exception(row: Decision) -> GateException:
    return GateException(
        number=row.seq,
        agent=row.agent,
        environment=row.body["environment"],
        release=row.body["release"],
        covers=tuple(row.body["covers"]),
        reason=row.body["reason"],
        actor=row.actor,
        until_ns=row.body["until_ns"],
    )
