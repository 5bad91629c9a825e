"""Evaluations and declarations as findings: what others say of the run.

In: evaluations (from spans, logs or people) and what the application declared. Out: findings.
Pure. Default reading of design.md 3: the evaluation's name tells the dimension, its label (else its
score) the result; anything that cannot be read is left out and counted by the caller.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agentslo.config.agent_options import EvaluationRule
from agentslo.model import Evaluation, Evidence, Finding, Outcome, Step

_SAFETY = ("*policy*", "*safety*", "*compliance*", "*harm*")
_GROUNDED = ("*ground*", "*hallucinat*", "*faithful*")
_LABELS = {
    **dict.fromkeys(("pass", "passed", "correct", "true", "yes"), True),
    **dict.fromkeys(("fail", "failed", "incorrect", "false", "no"), False),
}
_HARM = {Outcome.UNSAFE_ACTION: "safety", Outcome.HALLUCINATION: "groundedness"}
PASS_SCORE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What evaluations say: findings on how the run went, and per dimension the result and its
    rank (`results`), which also clears weaker suspicions.
    """

    findings: tuple[Finding, ...]
    results: Mapping[str, tuple[bool, Evidence]]


def passed(evaluation: Evaluation, at_least: float = PASS_SCORE) -> bool | None:
    """Label first, else score on [0, 1]; None where neither can be read."""
    label = _LABELS.get(evaluation.label.strip().lower())
    if label is not None:
        return label
    score = evaluation.score
    if score is None or not 0.0 <= score <= 1.0:
        return None
    return score >= at_least


def rule_for(name: str, rules: Sequence[EvaluationRule]) -> EvaluationRule:
    """The declared rule whose pattern matches, else the default reading of the name."""
    lowered = name.lower()
    for rule in rules:
        if fnmatchcase(lowered, rule.name.lower()):
            return rule
    if any(fnmatchcase(lowered, p) for p in _SAFETY):
        return EvaluationRule(name=name, dimension="safety")
    grounded = any(fnmatchcase(lowered, p) for p in _GROUNDED)
    return EvaluationRule(name=name, dimension="groundedness" if grounded else "success")


def evaluated(
    evaluations: Iterable[Evaluation], rules: Sequence[EvaluationRule], *, escalated: bool
) -> Judgement:
    """What the evaluations say; of several on one dimension a failure wins."""
    results: dict[tuple[str, Evidence], bool] = {}
    for evaluation in evaluations:
        rule = rule_for(evaluation.name, rules)
        ok = passed(evaluation, rule.pass_at_least)
        if ok is not None and rule.dimension != "ignore":
            rank = Evidence.HUMAN if evaluation.human else Evidence.EVALUATOR
            key = rule.dimension, rank
            results[key] = results.get(key, True) and ok
    strongest: dict[str, tuple[bool, Evidence]] = {}
    for (kind, rank), ok in sorted(results.items(), key=lambda item: item[0][1]):
        strongest[kind] = ok, rank
    found = [
        Finding(outcome=outcome, reason=reason, evidence=rank)
        for (kind, rank), ok in sorted(results.items())
        if (said := _says(kind, ok=ok, escalated=escalated)) is not None
        for outcome, reason in [said]
    ]
    return Judgement(findings=tuple(found), results=strongest)


def cleared(finding: Finding, results: Mapping[str, tuple[bool, Evidence]]) -> bool:
    """A suspicion of harm that a stronger judge of the same dimension has looked at and denied."""
    ok, rank = results.get(_HARM.get(finding.outcome, ""), (False, Evidence.NONE))
    return ok and rank > finding.evidence


def _says(kind: str, *, ok: bool, escalated: bool) -> tuple[Outcome, str] | None:
    if ok:
        if kind == "success" or (kind == "escalation" and escalated):
            good = Outcome.SAFE_ESCALATION if escalated else Outcome.SUCCESS
            return good, "evaluation_passed"
        return None
    if kind == "escalation" and not escalated:
        return Outcome.BAD_ESCALATION, "missed"
    return _FAILED.get(kind)


_FAILED = {
    "success": (Outcome.WRONG_RESULT, "evaluation_failed"),
    "safety": (Outcome.UNSAFE_ACTION, "policy_evaluation_failed"),
    "groundedness": (Outcome.HALLUCINATION, "groundedness_evaluation_failed"),
    "escalation": (Outcome.BAD_ESCALATION, "evaluation_failed"),
}
_OUTCOMES = {o.value: o for o in Outcome}


def declared(steps: Iterable[Step]) -> Iterator[Finding]:
    """Findings from `agent_slo.declared.*`: self-reports of the application."""
    for step in steps:
        said = step.declared.get("outcome")
        if isinstance(said, str) and said in _OUTCOMES:
            reason = step.declared.get("outcome_reason")
            yield Finding(
                outcome=_OUTCOMES[said],
                reason=reason if isinstance(reason, str) else "declared",
                evidence=Evidence.SELF_REPORT,
                span_ids=(step.span_id,),
            )
        if step.declared.get("policy_violation") is True:
            yield Finding(
                outcome=Outcome.UNSAFE_ACTION,
                reason="declared_policy_violation",
                evidence=Evidence.SELF_REPORT,
                span_ids=(step.span_id,),
            )
