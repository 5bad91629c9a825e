"""The verdict on a run: findings weighed, objectives judged.

In: a `Run`, later evaluations, the objectives. Out: `Verdict`. Pure: same input, same verdict.
Weighing follows design.md 3: a finding on how the task went yields to a stronger one that says the
opposite; harm never yields; among the rest the first in the table of outcomes counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentslo.config.options import Slo
from agentslo.model import Evaluation, Evidence, Finding, Outcome, Run, Verdict
from agentslo.outcomes import ending, escalation, judged
from agentslo.outcomes.loops import Repeats, repeats
from agentslo.outcomes.slos import judge
from agentslo.outcomes.totals import totals
from agentslo.outcomes.view import Habits, RunView

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


def weigh(findings: Sequence[Finding]) -> Finding:
    """The finding that decides."""
    best = {True: Evidence.NONE, False: Evidence.NONE}
    for finding in findings:
        for good, outcomes in ((True, _GOOD), (False, _BAD)):
            if finding.outcome in outcomes:
                best[good] = max(best[good], finding.evidence)
    standing = [f for f in findings if not _yields(f, best)]
    return min(standing, key=lambda f: (_ORDER[f.outcome], -f.evidence))


def _yields(finding: Finding, best: dict[bool, Evidence]) -> bool:
    if finding.outcome in _GOOD:
        return best[False] > finding.evidence
    return finding.outcome in _BAD and best[True] > finding.evidence


def classify(
    run: Run,
    slos: Iterable[Slo],
    evaluations: Iterable[Evaluation] = (),
    habits: Habits = Habits(),
) -> Verdict:
    """The verdict on a closed run, with the evaluations known so far."""
    view = RunView(run, habits)
    looped = repeats(view.tools)
    handed = escalation.find(view)
    escalated = handed is not None
    said = [e for s in run.steps for e in s.evaluations]
    findings = [
        *ending.ending(view),
        *_looped(looped),
        *judged.declared(run.steps),
        *judged.evaluated([*said, *evaluations], escalated=escalated),
    ]
    chosen = weigh(findings)
    found = totals(view, looped, (escalated, escalation.reason(view)))
    return Verdict(
        outcome=chosen.outcome,
        reason=chosen.reason,
        evidence=chosen.evidence,
        findings=tuple(findings),
        slos={s.name: judge(s, chosen.outcome, chosen.evidence, run, found) for s in slos},
        totals=found,
    )


def _looped(looped: Repeats) -> list[Finding]:
    if not looped.loop:
        return []
    return [
        Finding(
            outcome=Outcome.LIMIT,
            reason="loop",
            evidence=Evidence.HEURISTIC,
            span_ids=looped.span_ids,
        )
    ]


def unsettled(verdict: Verdict, run: Run, slos: Iterable[Slo]) -> Verdict:
    """A waiting run that nobody resumed in time: unknown, counted now."""
    outcome, evidence = Outcome.UNKNOWN, Evidence.NONE
    return replace(
        verdict,
        outcome=outcome,
        reason="human_deadline_passed",
        evidence=evidence,
        slos={s.name: judge(s, outcome, evidence, run, verdict.totals) for s in slos},
    )
