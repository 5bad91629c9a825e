"""The verdict on a run: findings gathered, weighed, objectives judged.

In: a `Run`, its agent file, later evaluations. Out: `Verdict`. Pure: same input, same verdict.
Weighing follows design.md 3: a finding on how the task went yields to a stronger one that says the
opposite; harm never yields to a verdict about the task, only to a stronger one about itself; among
the rest the first in the table of outcomes counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agentslo.config.agent_options import AgentFile
from agentslo.model import Evaluation, Evidence, Finding, Outcome, Role, Run, Totals, Verdict
from agentslo.outcomes import actions, citations, ending, judged
from agentslo.outcomes import promised as promise
from agentslo.outcomes.case import Case, gather
from agentslo.outcomes.cost import Price, no_price
from agentslo.outcomes.expectations import expectations
from agentslo.outcomes.handover import handover
from agentslo.outcomes.judged import Judgement, cleared
from agentslo.outcomes.limits import limits
from agentslo.outcomes.promised import Promised, promised
from agentslo.outcomes.slos import Facts, judge
from agentslo.outcomes.totals import counted_usage, totals
from agentslo.outcomes.view import NO_HABITS, Habits, RunView
from agentslo.runs import marks as mark

_GOOD = frozenset({Outcome.SAFE_ESCALATION, Outcome.SUCCESS, Outcome.COMPLETED})
_BAD = frozenset(
    {
        Outcome.TOOL_FAILURE,
        Outcome.LIMIT,
        Outcome.ERROR,
        Outcome.WRONG_RESULT,
        Outcome.BAD_ESCALATION,
    }
)
_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}
_TOOLS = mark.ROLE_BITS[Role.TOOL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What makes findings, and without what it makes none: all of `marks` in the run, all of
    `promises` in the agent file.
    """

    find: Callable[[Case, Totals], Iterable[Finding]]
    marks: int = 0
    promises: int = 0


RULES: Final = (
    Rule(find=lambda case, _: _ended(case)),
    Rule(find=lambda case, _: _looped(case), marks=_TOOLS),
    Rule(find=lambda case, found: limits(case.view.run, found, case.file), promises=promise.LIMITS),
    Rule(find=lambda case, _: _expected(case), promises=promise.EXPECTS),
    Rule(
        find=lambda case, _: actions.corruption(case.done, case.file),
        marks=_TOOLS,
        promises=promise.WRITES,
    ),
    Rule(find=lambda case, _: citations.unretrieved(case.view), marks=mark.RETRIEVED | mark.CITED),
    Rule(find=lambda case, _: case.breaches.findings),
    Rule(find=lambda case, _: judged.declared(case.view.run.steps), marks=mark.DECLARED),
    Rule(find=lambda case, _: case.judgement.findings),
)
"""In the order in which findings stand in a verdict."""


def weigh(findings: Sequence[Finding], results: Mapping[str, tuple[bool, Evidence]]) -> Finding:
    """The finding that decides. `results`: what evaluations said per dimension."""
    if len(findings) == 1 and not results:
        return findings[0]
    best = {True: Evidence.NONE, False: Evidence.NONE}
    for finding in findings:
        for good, outcomes in ((True, _GOOD), (False, _BAD)):
            if finding.outcome in outcomes:
                best[good] = max(best[good], finding.evidence)
    standing = [f for f in findings if not _yields(f, best) and not cleared(f, results)]
    return min(standing, key=lambda f: (_ORDER[f.outcome], -f.evidence))


def _yields(finding: Finding, best: Mapping[bool, Evidence]) -> bool:
    if finding.outcome in _GOOD:
        return best[False] > finding.evidence
    return finding.outcome in _BAD and best[True] > finding.evidence


def classify(
    run: Run,
    file: AgentFile,
    evaluations: Sequence[Evaluation] = (),
    habits: Habits = NO_HABITS,
    price: Price = no_price,
) -> Verdict:
    """The verdict on a closed run, with the evaluations known so far."""
    return classified(RunView(run, habits), file, evaluations, price)


def classified(
    view: RunView,
    file: AgentFile,
    evaluations: Sequence[Evaluation],
    price: Price,
    known: Promised | None = None,
) -> Verdict:
    """The verdict on a run that is looked at already. `known`: what counts as promised, in place of
    what the file promises.
    """
    known = known or promised(file)
    case = gather(view, file, evaluations, known)
    found = totals(case, counted_usage(view), price)
    marks, promises = view.marks, known.kinds
    findings: list[Finding] = []
    for rule in RULES:
        if marks & rule.marks == rule.marks and promises & rule.promises == rule.promises:
            findings += rule.find(case, found)
    chosen = weigh(findings, case.judgement.results)
    facts = Facts(
        run=view.run,
        outcome=chosen.outcome,
        evidence=chosen.evidence,
        totals=found,
        judgement=case.judgement,
    )
    return Verdict(
        outcome=chosen.outcome,
        reason=chosen.reason,
        evidence=chosen.evidence,
        findings=tuple(findings),
        slos=judge(file, facts),
        totals=found,
    )


def _expected(case: Case) -> Iterable[Finding]:
    return expectations(case.view, case.file, escalated=case.handed is not None)


def _ended(case: Case) -> list[Finding]:
    """How the run ended; an effect nobody knows the end of leaves it unknown, not completed."""
    view, hand_over = case.view, None
    if case.handed is not None:
        hand_over = handover(view, case.file, case.handed, case.done) or ending.heuristic(
            Outcome.SAFE_ESCALATION, "handed_to_person", case.handed
        )
    found = list(ending.ending(view, hand_over))
    open_ids = tuple(a.step.span_id for a in case.done if a.state == "unresolved")
    if not open_ids:
        return found
    kept = [f for f in found if f.outcome is not Outcome.COMPLETED]
    unresolved = Finding(
        outcome=Outcome.UNKNOWN,
        reason="effect_unresolved",
        evidence=Evidence.HEURISTIC,
        span_ids=open_ids,
    )
    return [*kept, unresolved]


def _looped(case: Case) -> list[Finding]:
    if not case.loop.loop:
        return []
    return [
        Finding(
            outcome=Outcome.LIMIT,
            reason="loop",
            evidence=Evidence.HEURISTIC,
            span_ids=case.loop.span_ids,
        )
    ]


def unsettled(verdict: Verdict, run: Run, file: AgentFile) -> Verdict:
    """A waiting run that nobody resumed in time: unknown, counted now."""
    outcome, evidence = Outcome.UNKNOWN, Evidence.NONE
    facts = Facts(
        run=run,
        outcome=outcome,
        evidence=evidence,
        totals=verdict.totals,
        judgement=Judgement(findings=(), results={}),
    )
    return replace(
        verdict,
        outcome=outcome,
        reason="human_deadline_passed",
        evidence=evidence,
        slos=judge(file, facts),
    )
