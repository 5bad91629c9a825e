"""Releases and retraining as gauges, from what was decided.

In: requests and states of budgets, as the decisions hold them. Out: rows of their families. Pure
bookkeeping; all of it is read from the file again after a restart.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agentslo.measure import names as m
from agentslo.measure.series import Metrics
from agentslo.respond.live_releases import Beside
from agentslo.respond.retraining import Request

if TYPE_CHECKING:
    from agentslo.measure.labels import Labels

STATES = {"normal": 0.0, "caution": 1.0, "frozen": 2.0, "unknown": -1.0}


def show_releases(
    metrics: Metrics, requests: Sequence[Request], gates: Mapping[tuple[str, str], str]
) -> None:
    """Set the families of releases; requests come oldest first, the newest counts."""
    budget: dict[Labels, float] = {at: STATES[state] for at, state in gates.items()}
    states: Counter[Labels] = Counter((r.agent, r.environment, r.state) for r in requests)
    rollbacks: Counter[Labels] = Counter(
        (r.agent, r.environment, str(r.rollback["result"])) for r in requests if r.rollback
    )
    metrics.replace(m.BUDGET_STATE, budget)
    metrics.replace(m.RETRAINING_REQUESTS, {at: float(n) for at, n in states.items()})
    metrics.replace(m.ROLLBACKS, {at: float(n) for at, n in rollbacks.items()})
    _show_evaluations(metrics, requests)


def show_verdicts(metrics: Metrics, verdicts: Mapping[Beside, int]) -> None:
    """Set the verdicts on releases that serve side by side."""
    found: dict[Labels, float] = {at: float(verdict) for at, verdict in verdicts.items()}
    metrics.replace(m.RELEASE_VERDICT, found)


def _show_evaluations(metrics: Metrics, requests: Sequence[Request]) -> None:
    passed: dict[Labels, float] = {}
    disputed: dict[Labels, float] = {}
    stages: dict[Labels, float] = {}
    for request in requests:
        found = request.evaluation
        if found is None or found["result"] != "pass":
            continue
        at = request.agent, request.environment
        quality = found["data_quality"]
        disputed[at] = quality["disputed"] / quality["labelled"]
        passed |= {(*at, name): float(ratio) for name, ratio in found["strata"].items()}
        stages |= {(*at, name): float(s) for name, s in found["stage_seconds"].items()}
    metrics.replace(m.EVALUATION_PASS, passed)
    metrics.replace(m.DISPUTED_LABELS, disputed)
    metrics.replace(m.RETRAINING_STAGE, stages)
