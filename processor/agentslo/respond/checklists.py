"""Checklists: before launch, after 30 days, every quarter; each item is seen or vouched for.

In: what is known of an agent: its file, its runs, its decisions, the audit. Out: each item with its
state, why, and what mends it. Pure. An item that nobody vouched for and nothing shows is missing,
never passed; one that needs runs and has none cannot be told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentslo.respond import probes
from agentslo.respond.attestations import Attestation
from agentslo.respond.probes import Known, Shown

State = Literal["ok", "missing", "unknown"]
Checklist = Literal["prelaunch", "day30", "quarterly"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a checklist: a probe, or else an attestation no older than `days`."""

    name: str
    asks: str
    days: int
    probe: Callable[[Known], Shown] | None = None
    times: int = 1
    """How many attestations within `days` it takes: reviews come again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How an item stands; `evidence` can be followed: a decision, a run, a link."""

    item: Item
    state: State
    why: str
    mend: str = ""
    evidence: tuple[str, ...] = ()


LISTS: Mapping[Checklist, tuple[Item, ...]] = {
    "prelaunch": (
        Item(
            name="boundary", asks="May it do only what is written?", days=0, probe=probes.boundary
        ),
        Item(
            name="objectives", asks="Has it all four objectives?", days=0, probe=probes.objectives
        ),
        Item(
            name="budget_policy", asks="What if the budget is spent?", days=0, probe=probes.policy
        ),
        Item(name="owners", asks="Who answers for it?", days=0, probe=probes.owners),
        Item(
            name="versions", asks="Do its runs name their version?", days=0, probe=probes.versions
        ),
        Item(name="tools", asks="Are its tools those declared?", days=0, probe=probes.tools),
        Item(name="fallback", asks="Was containment practised?", days=90, probe=probes.drilled),
        Item(name="audit", asks="Are all decisions as recorded?", days=0, probe=probes.audited),
        Item(name="rollback", asks="Was a rollback tried out?", days=90),
        Item(name="red_team", asks="Did somebody try to break it?", days=90),
        Item(name="load_test", asks="Does it hold the load?", days=90),
        Item(name="adversarial_test", asks="Injection, malformed, ambiguous input?", days=90),
        Item(name="failure_test", asks="Tools down, slow, lying?", days=90),
        Item(name="privacy", asks="What is kept of whom, and how long?", days=366),
        Item(name="playbook", asks="Is the playbook read by who is on call?", days=180),
    ),
    "day30": (
        Item(name="drift_review", asks="Was drift looked at daily?", days=30, times=20),
        Item(name="failure_review", asks="Were failures read weekly?", days=30, times=4),
        Item(
            name="post_mortems",
            asks="Has each incident its own?",
            days=0,
            probe=probes.post_mortems,
        ),
        Item(name="alert_precision", asks="Were pages useful?", days=0, probe=probes.precision),
        Item(name="thresholds", asks="Were thresholds tuned?", days=30),
        Item(name="decision", asks="Expand, cap or roll back?", days=30),
        Item(name="fragmentation", asks="Is work less in pieces than before?", days=30),
    ),
    "quarterly": (
        Item(name="slo_fit", asks="Do objectives still say what users need?", days=92),
        Item(name="failure_modes", asks="Which are new?", days=92),
        Item(name="playbook_review", asks="Does the playbook still fit?", days=92),
        Item(name="triggers", asks="Did retraining start when it should?", days=92),
        Item(name="dataset_age", asks="Are test and training data fresh?", days=92),
        Item(name="boards", asks="Do boards answer the three questions?", days=92),
        Item(name="permissions", asks="Is each permission used?", days=0, probe=probes.permissions),
        Item(name="training", asks="Do people know the playbook?", days=92),
    ),
}


def items() -> dict[str, Item]:
    """Every item that is vouched for, by name."""
    return {i.name: i for found in LISTS.values() for i in found if i.probe is None}


def check(
    name: Checklist, known: Known, attested: Mapping[str, Sequence[Attestation]]
) -> list[Result]:
    """Every item of a checklist, as it stands now."""
    return [_result(item, known, attested.get(item.name, ())) for item in LISTS[name]]


def verdict(results: Sequence[Result]) -> State:
    """The worst of them: missing before unknown before ok."""
    states = {result.state for result in results}
    return next((s for s in ("missing", "unknown") if s in states), "ok")


def _result(item: Item, known: Known, given: Sequence[Attestation]) -> Result:
    if item.probe is not None:
        shown = item.probe(known)
        state: State = "unknown" if shown.ok is None else "ok" if shown.ok else "missing"
        return Result(
            item=item, state=state, why=shown.why, mend=shown.mend, evidence=shown.evidence
        )
    since_ns = known.now_ns - item.days * 86_400 * 1_000_000_000
    fresh = [a for a in given if a.time_ns >= since_ns and a.holds(known.now_ns)]
    evidence = tuple(f"decision {a.seq}: {a.evidence}" for a in fresh[-3:])
    mend = f"agentslo checklist attest --agent {known.file.name} --item {item.name} --evidence LINK"
    if len(fresh) >= item.times:
        last = fresh[-1]
        why = f"{last.actor} ({last.role})" + (f": {last.note}" if last.note else "")
        return Result(item=item, state="ok", why=why, evidence=evidence)
    if not given:
        why = "nobody has vouched for it"
    elif item.times > 1:
        why = f"{len(fresh)} of {item.times} in {item.days} days"
    else:
        why = f"expired: {given[-1].actor} vouched for it more than {item.days} days ago"
        why = why if given[-1].time_ns < since_ns else "expired: it held only for a time"
    return Result(item=item, state="missing", why=why, mend=mend, evidence=evidence)
