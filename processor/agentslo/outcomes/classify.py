"""The verdict on a run: findings gathered, weighed, objectives judged.

In: a `Run`, its agent file, later evaluations. Out: `Verdict`. Pure: same input, same verdict.
Weighing follows design.md 3: a finding on how the task went yields to a stronger one that says the
opposite; harm never yields to a verdict about the task, only to a stronger one about itself; among
the rest the first in the table of outcomes counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentslo.config.agent_options import AgentFile
from agentslo.model import Evaluation, Evidence, Finding, Outcome, Run, Totals, Verdict
from agentslo.outcomes import actions, citations, ending, escalation, expectations, judged
from agentslo.outcomes.cost import Price, cost, no_price
from agentslo.outcomes.handover import declared_handover, handover, reason_of
from agentslo.outcomes.judged import Judgement
from agentslo.outcomes.limits import limits
from agentslo.outcomes.loops import Repeats, repeats
from agentslo.outcomes.permissions import breaches
from agentslo.outcomes.slos import Facts, judge
from agentslo.outcomes.totals import counted_usage, totals, with_policies
from agentslo.outcomes.view import NO_HABITS, Habits, RunView

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
_HARM = {Outcome.UNSAFE_ACTION: "safety", Outcome.HALLUCINATION: "groundedness"}


def weigh(findings: Sequence[Finding], results: Mapping[str, tuple[bool, Evidence]]) -> Finding:
    """The finding that decides. `results`: what evaluations said per dimension."""
    best = {True: Evidence.NONE, False: Evidence.NONE}
    for finding in findings:
        for good, outcomes in ((True, _GOOD), (False, _BAD)):
            if finding.outcome in outcomes:
                best[good] = max(best[good], finding.evidence)
    standing = [f for f in findings if not _yields(f, best) and not cleared(f, results)]
    return min(standing, key=lambda f: (_ORDER[f.outcome], -f.evidence))


def cleared(finding: Finding, results: Mapping[str, tuple[bool, Evidence]]) -> bool:
    """A suspicion of harm that a stronger judge of the same dimension has looked at and denied."""
    ok, rank = results.get(_HARM.get(finding.outcome, ""), (False, Evidence.NONE))
    return ok and rank > finding.evidence


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
    view = RunView(run, habits)
    done = actions.actions(view, file)
    looped = repeats(view.tools, _pending(view, file))
    handed = declared_handover(view, file) or escalation.find(view)
    said = (e for s in run.steps for e in s.evaluations)
    judgement = judged.evaluated(
        [*said, *evaluations], file.evaluations, escalated=handed is not None
    )
    rules = breaches(view, file)
    counted = counted_usage(view)
    found = totals(view, counted, cost(view, file, counted, price), looped)
    hand_over = None
    if handed is not None:
        hand_over = handover(view, file, handed, done) or ending.heuristic(
            Outcome.SAFE_ESCALATION, "handed_to_person", handed
        )
    findings = [
        *_ended(view, hand_over, done),
        *_looped(looped),
        *limits(run, found, file),
        *expectations.expectations(view, file, escalated=handed is not None),
        *actions.corruption(done, file),
        *citations.unretrieved(view),
        *rules.findings,
        *judged.declared(run.steps),
        *judgement.findings,
    ]
    chosen = weigh(findings, judgement.results)
    standing = [f for f in rules.findings if not cleared(f, judgement.results)]
    found = with_policies(
        found, rules.violated if standing else [], rules.blocked, known=not file.is_default
    )
    found = replace(
        found,
        duplicate_actions=sum(a.state == "duplicate" for a in done),
        escalated=handed is not None,
        escalation_reason=_reason(view, file),
        action_states=tuple((a.tool.name, a.state) for a in done),
        missed_evaluations=_missed(file, run, evaluations),
    )
    return _verdict(run, file, chosen, findings, found, judgement)


def _verdict(
    run: Run,
    file: AgentFile,
    chosen: Finding,
    findings: Sequence[Finding],
    found: Totals,
    judgement: Judgement,
) -> Verdict:
    facts = Facts(
        run=run,
        outcome=chosen.outcome,
        evidence=chosen.evidence,
        totals=found,
        judgement=judgement,
    )
    return Verdict(
        outcome=chosen.outcome,
        reason=chosen.reason,
        evidence=chosen.evidence,
        findings=tuple(findings),
        slos=judge(file, facts),
        totals=found,
    )


def _ended(
    view: RunView, hand_over: Finding | None, done: Sequence[actions.Action]
) -> list[Finding]:
    """How the run ended; an effect nobody knows the end of leaves it unknown, not completed."""
    found = list(ending.ending(view, hand_over))
    open_ids = tuple(a.step.span_id for a in done if a.state == "unresolved")
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


def _pending(view: RunView, file: AgentFile) -> frozenset[bytes]:
    known = actions.tools_by_name(file)
    return frozenset(
        s.span_id for s in view.tools if s.tool in known and actions.pending(s, known[s.tool])
    )


def _reason(view: RunView, file: AgentFile) -> str:
    step = declared_handover(view, file)
    if step is not None:
        rule = actions.tools_by_name(file)[step.tool].escalation
        if rule is not None and (told := reason_of(step, rule)):
            return told
    return escalation.reason(view)


def _missed(file: AgentFile, run: Run, evaluations: Sequence[Evaluation]) -> tuple[str, ...]:
    """Evaluations the file waits for that have not come."""
    came = {e.name.lower() for s in run.steps for e in s.evaluations}
    came |= {e.name.lower() for e in evaluations}
    return tuple(
        rule.name
        for rule in file.evaluations
        if rule.wait_s > 0 and not any(judged.rule_for(n, (rule,)) is rule for n in came)
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
