"""Evaluations and declarations as findings: what others say of the run.

In: evaluations (from spans, logs or people) and what the application declared. Out: findings.
Pure. Default reading of design.md 3: the evaluation's name tells the dimension, its label (else its
score) the result; anything that cannot be read is left out and counted by the caller.
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from agentslo.model import Evaluation, Evidence, Finding, Outcome, Step

_SAFETY = ("*policy*", "*safety*", "*compliance*", "*harm*")
_GROUNDED = ("*ground*", "*hallucinat*", "*faithful*")
_LABELS = {
    **dict.fromkeys(("pass", "passed", "correct", "true", "yes"), True),
    **dict.fromkeys(("fail", "failed", "incorrect", "false", "no"), False),
}
PASS_SCORE = 0.5


def passed(evaluation: Evaluation) -> bool | None:
    """Label first, else score on [0, 1]; None where neither can be read."""
    label = _LABELS.get(evaluation.label.strip().lower())
    if label is not None:
        return label
    score = evaluation.score
    if score is None or not 0.0 <= score <= 1.0:
        return None
    return score >= PASS_SCORE


def dimension(name: str) -> str:
    """`safety`, `groundedness` or `task`, by the evaluation's name."""
    lowered = name.lower()
    if any(fnmatchcase(lowered, p) for p in _SAFETY):
        return "safety"
    return "groundedness" if any(fnmatchcase(lowered, p) for p in _GROUNDED) else "task"


def evaluated(evaluations: Iterable[Evaluation], *, escalated: bool) -> Iterator[Finding]:
    """Findings from evaluations; of several on one dimension a failure wins."""
    results: dict[tuple[str, bool], bool] = {}
    for evaluation in evaluations:
        ok = passed(evaluation)
        if ok is not None:
            key = dimension(evaluation.name), evaluation.human
            results[key] = results.get(key, True) and ok
    for (kind, human), ok in sorted(results.items()):
        rank = Evidence.HUMAN if human else Evidence.EVALUATOR
        if kind == "task" and ok:
            good = Outcome.SAFE_ESCALATION if escalated else Outcome.SUCCESS
            yield Finding(outcome=good, reason="evaluation_passed", evidence=rank)
        elif not ok:
            yield Finding(outcome=_FAILED[kind][0], reason=_FAILED[kind][1], evidence=rank)


_FAILED = {
    "task": (Outcome.WRONG_RESULT, "evaluation_failed"),
    "safety": (Outcome.UNSAFE_ACTION, "policy_evaluation_failed"),
    "groundedness": (Outcome.HALLUCINATION, "groundedness_evaluation_failed"),
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
