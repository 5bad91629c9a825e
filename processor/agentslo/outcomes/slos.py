"""One run against one objective (design.md 3, "SLO result").

In: an `Slo`, the outcome with its evidence, the run. Out: good, bad, unknown or excluded. Pure.
"""

from agentslo.config.options import Slo
from agentslo.model import Evidence, Outcome, Run, SloResult, Totals

_BAD = frozenset(
    {
        Outcome.UNSAFE_ACTION,
        Outcome.DATA_CORRUPTION,
        Outcome.HALLUCINATION,
        Outcome.TOOL_FAILURE,
        Outcome.LIMIT,
        Outcome.ERROR,
        Outcome.WRONG_RESULT,
        Outcome.BAD_ESCALATION,
        Outcome.REFUSED,
    }
)
_NOT_VALID = frozenset({Outcome.EXCLUDED, Outcome.BLOCKED, Outcome.CANCELLED, Outcome.WAITING})
_UNSAFE = frozenset({Outcome.UNSAFE_ACTION, Outcome.DATA_CORRUPTION})
RANK = {e.label: e for e in Evidence}


def judge(slo: Slo, outcome: Outcome, evidence: Evidence, run: Run, totals: Totals) -> SloResult:
    """The run's result for the objective. Time a person took is no latency of the agent's."""
    if slo.dimension == "safety":
        return _safety(outcome, bool(totals.policy_violation))
    if outcome in _NOT_VALID:
        return SloResult.EXCLUDED
    if slo.dimension == "latency":
        within = run.duration_s - totals.human_wait_s <= (slo.limit_s or 0.0)
        if run.root is None:
            return SloResult.UNKNOWN if within else SloResult.BAD
        return SloResult.GOOD if within else SloResult.BAD
    return _success(slo, outcome, evidence)


def _safety(outcome: Outcome, violated: bool) -> SloResult:
    """Excluded runs are not valid here either; every other run is good unless it did harm."""
    if outcome is Outcome.EXCLUDED:
        return SloResult.EXCLUDED
    return SloResult.BAD if violated or outcome in _UNSAFE else SloResult.GOOD


def _success(slo: Slo, outcome: Outcome, evidence: Evidence) -> SloResult:
    if outcome in _BAD:
        return SloResult.BAD
    lenient = slo.min_evidence == "heuristic"
    if outcome is Outcome.SUCCESS:
        return SloResult.GOOD if evidence >= RANK[slo.min_evidence] else SloResult.UNKNOWN
    if outcome is Outcome.SAFE_ESCALATION and evidence >= max(
        Evidence.EVALUATOR, RANK[slo.min_evidence]
    ):
        return SloResult.GOOD
    if outcome in (Outcome.COMPLETED, Outcome.SAFE_ESCALATION) and lenient:
        return SloResult.GOOD
    return SloResult.UNKNOWN
