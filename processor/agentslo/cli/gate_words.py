"""A gate's decision as JSON and as words; both hold the same numbers.

In: what was asked, what it rests on, the decision. Out: a dict or text. Pure.
"""

import math
from collections.abc import Iterator
from typing import Any

from agentslo.respond.gates import Ask, Evidence, GateDecision
from agentslo.service.report import rfc3339

_WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}


def report(ask: Ask, evidence: Evidence, decision: GateDecision) -> dict[str, Any]:
    """The decision as it is printed and recorded; what is unknown is null."""
    return {
        "result": decision.result,
        "agent": ask.agent,
        "environment": ask.environment,
        "release": ask.release or None,
        "change": ask.change,
        "time": rfc3339(ask.now_ns),
        "source": evidence.source,
        "state": decision.state,
        "harm_7d": evidence.harm,
        "recent_runs": _number(evidence.recent_runs),
        "slos": [
            {
                "slo": name,
                "objective_ratio": _number(objective),
                **_standing(decision, name),
            }
            for name, objective in decision.objectives.items()
        ],
        "findings": [
            {
                "effect": f.effect,
                "code": f.code,
                "says": f.says,
                "numbers": {
                    key: _number(value) if isinstance(value, float) else value
                    for key, value in f.numbers.items()
                },
                "covered_by": f.covered_by or None,
            }
            for f in decision.findings
        ],
    }


def words(ask: Ask, evidence: Evidence, decision: GateDecision) -> str:
    """The decision for people."""
    return "\n".join(_lines(ask, evidence, decision))


def _lines(ask: Ask, evidence: Evidence, decision: GateDecision) -> Iterator[str]:
    release = f" release {ask.release}" if ask.release else ""
    yield (
        f"{_WORDS[decision.result]}: {ask.change}{release} of {ask.agent} in {ask.environment}, "
        f"by {evidence.source}; error budget: {decision.state}"
    )
    for finding in decision.findings:
        mark = "covered" if finding.covered_by else finding.effect
        yield f"  {mark:<12}  {finding.says}"
    for name, found in decision.standings.items():
        left = "nothing counted" if math.isnan(found.left_ratio) else f"{found.left_ratio:.1%} left"
        yield (
            f"  {name:<12}  {left}, {found.left_runs:.1f} runs; {found.now.bad:.0f} bad of "
            f"{found.now.judged:.0f} judged, {found.now.unknown:.0f} unknown; objective "
            f"{decision.objectives[name]:g}; {found.state} since {rfc3339(found.since_ns)[:10]}"
        )


def _standing(decision: GateDecision, name: str) -> dict[str, Any]:
    found = decision.standings.get(name)
    if found is None:
        return {"state": None}
    now = found.now
    return {
        "state": found.state,
        "since": rfc3339(found.since_ns),
        "left_ratio": _number(found.left_ratio),
        "left_runs": _number(found.left_runs),
        "good": now.good,
        "bad": now.bad,
        "unknown": now.unknown,
        "error_ratio": _number(now.error_ratio),
        "pessimistic_error_ratio": _number(now.pessimistic_ratio),
        "coverage_ratio": _number(now.coverage_ratio),
        "worst_day_ratio": _number(found.worst_day_ratio),
    }


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 6)
