"""One run against its objectives (design.md 3, "SLO result"; methods.md 2.3).

In: the agent file, the outcome with its evidence, the run, its totals, what evaluations said. Out:
good, bad, unknown or excluded per objective. Pure. Dimensions are separate; a composite is the AND
per run: bad if any is bad, unknown if none is bad and any unknown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agentslo.config.agent_options import AgentDimension, AgentFile, AgentSlo
from agentslo.model import Evidence, Outcome, Run, SloResult, Totals
from agentslo.outcomes.cost import own_usd
from agentslo.outcomes.judged import Judgement

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
    }
)
_NOT_VALID = frozenset({Outcome.EXCLUDED, Outcome.CANCELLED, Outcome.WAITING})
_UNSAFE = frozenset({Outcome.UNSAFE_ACTION, Outcome.DATA_CORRUPTION})
_RANK = {e.label: e for e in Evidence}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What objectives are judged on."""

    run: Run
    outcome: Outcome
    evidence: Evidence
    totals: Totals
    judgement: Judgement


def judge(file: AgentFile, facts: Facts) -> dict[str, SloResult]:
    """The run's result for every objective of the file."""
    found: dict[str, SloResult] = {}
    for slo in file.slos:
        if slo.dimension != "composite":
            found[slo.name] = _one(slo, facts)
    for slo in file.slos:
        if slo.dimension == "composite":
            applies = _applies(slo, facts)
            found[slo.name] = _all(slo, found) if applies else SloResult.EXCLUDED
    return found


def _applies(slo: AgentSlo, facts: Facts) -> bool:
    return not slo.task_types or facts.run.task_type in slo.task_types


def _all(slo: AgentSlo, found: Mapping[str, SloResult]) -> SloResult:
    parts = {found[name] for name in slo.of if name in found}
    for result in (SloResult.BAD, SloResult.UNKNOWN, SloResult.GOOD):
        if result in parts:
            return result
    return SloResult.EXCLUDED


def _one(slo: AgentSlo, facts: Facts) -> SloResult:
    if facts.outcome is Outcome.EXCLUDED or not _applies(slo, facts):
        return SloResult.EXCLUDED
    if slo.dimension != "safety" and _is_not_valid(slo, facts.outcome):
        return SloResult.EXCLUDED
    return _JUDGES[slo.dimension](slo, facts)


def _is_not_valid(slo: AgentSlo, outcome: Outcome) -> bool:
    return outcome in _NOT_VALID or (outcome is Outcome.BLOCKED and slo.blocked == "excluded")


def _safety(_slo: AgentSlo, facts: Facts) -> SloResult:
    harm = facts.totals.policy_violation or facts.outcome in _UNSAFE
    return SloResult.BAD if harm else SloResult.GOOD


def _handoff(_slo: AgentSlo, facts: Facts) -> SloResult:
    return SloResult.BAD if facts.totals.escalated else SloResult.GOOD


def _satisfaction(slo: AgentSlo, facts: Facts) -> SloResult:
    said = facts.judgement.results.get("satisfaction")
    if said is None:
        return SloResult.UNKNOWN
    if not said[0]:
        return SloResult.BAD
    return SloResult.GOOD if said[1] >= _RANK[slo.min_evidence] else SloResult.UNKNOWN


def _latency(slo: AgentSlo, facts: Facts) -> SloResult:
    """Time a person took is no latency of the agent's."""
    within = facts.run.duration_s - facts.totals.human_wait_s <= (slo.limit or 0.0)
    if not within:
        return SloResult.BAD
    return SloResult.GOOD if facts.run.root is not None else SloResult.UNKNOWN


def _cost(slo: AgentSlo, facts: Facts) -> SloResult:
    """What a person's time costs is no cost of the agent's."""
    if own_usd(facts.totals) > (slo.limit or 0.0):
        return SloResult.BAD
    return SloResult.UNKNOWN if facts.totals.cost_usd is None else SloResult.GOOD


def _escalation(_slo: AgentSlo, facts: Facts) -> SloResult:
    """Accuracy of escalations: those judged right, of those judged; missed ones are bad."""
    if facts.outcome is Outcome.BAD_ESCALATION:
        return SloResult.BAD
    if not facts.totals.escalated:
        return SloResult.EXCLUDED
    said = facts.judgement.results.get("escalation")
    if said is not None:
        return SloResult.GOOD if said[0] else SloResult.BAD
    proven = facts.outcome is Outcome.SAFE_ESCALATION and facts.evidence > Evidence.HEURISTIC
    return SloResult.GOOD if proven else SloResult.UNKNOWN


def _success(slo: AgentSlo, facts: Facts) -> SloResult:
    outcome, evidence = facts.outcome, facts.evidence
    declared = {Outcome.REFUSED: slo.refused, Outcome.BLOCKED: slo.blocked}
    if outcome in declared:
        return SloResult(declared[outcome])
    if outcome in _BAD:
        return SloResult.BAD
    # An escalation of tool result rank had its declared reasons and deadline checked.
    floor = Evidence.TOOL_RESULT if outcome is Outcome.SAFE_ESCALATION else _RANK[slo.min_evidence]
    proven = outcome in (Outcome.SUCCESS, Outcome.SAFE_ESCALATION) and evidence >= floor
    ended = outcome in (Outcome.COMPLETED, Outcome.SAFE_ESCALATION)
    lenient = ended and slo.min_evidence == "heuristic"
    return SloResult.GOOD if proven or lenient else SloResult.UNKNOWN


_JUDGES: Mapping[AgentDimension, Callable[[AgentSlo, Facts], SloResult]] = {
    "success": _success,
    "latency": _latency,
    "safety": _safety,
    "cost": _cost,
    "handoff": _handoff,
    "escalation": _escalation,
    "satisfaction": _satisfaction,
}
