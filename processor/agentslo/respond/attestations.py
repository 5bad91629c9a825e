"""Attestations and reviews: what a person vouches for, with evidence, until a day.

In: what somebody says was done of an agent. Out: drafts to record, or `Refused`; which attestations
hold at a time. Pure. Each expires: a test of last year says nothing of this year's agent.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agentslo.respond.desk import Draft
from agentslo.respond.rights import Refused
from agentslo.store.decisions import Decision

KIND = "attested"
DAY_NS = 86_400 * 1_000_000_000
MAX_DAYS = 366
MIN_EVIDENCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """One thing somebody vouched for. Times are unix ns."""

    agent: str
    item: str
    evidence: str
    note: str
    actor: str
    role: str
    time_ns: int
    until_ns: int
    seq: int

    def holds(self, now_ns: int) -> bool:
        """Whether it still counts."""
        return now_ns < self.until_ns


def subject(agent: str) -> str:
    """What the attestations of an agent are recorded under."""
    return f"agent/{agent}"


def attested(
    agent: str, item: str, known: Iterable[str], evidence: str, note: str, days: float, now_ns: int
) -> list[Draft]:
    """A new attestation; `known` are the items there are, `evidence` where it can be seen."""
    if item not in (names := sorted(known)):
        raise Refused(f"item {item!r} is none of {', '.join(names)}")
    if len(evidence.strip()) < MIN_EVIDENCE:
        raise Refused("say where it can be seen: a link, a file's SHA-256, a ticket (--evidence)")
    if not 0 < days <= MAX_DAYS:
        raise Refused(f"an attestation holds for 1 to {MAX_DAYS} days")
    body = {
        "item": item,
        "evidence": evidence.strip(),
        "note": note.strip(),
        "until_ns": now_ns + int(days * DAY_NS),
    }
    return [Draft(kind=KIND, subject=subject(agent), agent=agent, body=body)]


def fold(rows: Iterable[Decision]) -> dict[str, list[Attestation]]:
    """Attestations by item, the newest last."""
    found: dict[str, list[Attestation]] = {}
    for row in rows:
        if row.kind == KIND:
            made = Attestation(
                agent=row.agent,
                item=str(row.body["item"]),
                evidence=str(row.body["evidence"]),
                note=str(row.body["note"]),
                actor=row.actor,
                role=row.role,
                time_ns=row.time_ns,
                until_ns=int(row.body["until_ns"]),
                seq=row.seq,
            )
            found.setdefault(made.item, []).append(made)
    return found
