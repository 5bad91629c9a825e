"""Whether a release may go out: pass, fail or inconclusive, with the numbers it rests on.

In: what was counted (`Evidence`), what is to be released (`Ask`), exceptions in force. Out: a
`GateDecision`. Pure. Source: methods.md 5, requirements.md B1 to B4, O3.

It fails closed: what is missing, stale, too little or judged too seldom is inconclusive, never a
pass, and no exception covers it. Only a rollback always passes: holding one back keeps harm going.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentslo.config.agent_options import Releases
from agentslo.config.calendar import why_not
from agentslo.respond.budget import (
    MIN_COVERAGE_RATIO,
    POST_MORTEM_RATIO,
    Counts,
    Standing,
    State,
    standing,
)
from agentslo.respond.exceptions import Covers, GateException

Result = Literal["pass", "fail", "inconclusive"]
Change = Literal["feature", "reliability", "security", "rollback"]
Effect = Literal["fail", "inconclusive", "condition"]
RECORDED = "gate.release"
"""The kind of decision an answer is recorded as."""
EXIT_CODES: Mapping[Result, int] = {"pass": 0, "fail": 2, "inconclusive": 3}
WHILE_FROZEN: frozenset[Change] = frozenset({"reliability", "security", "rollback"})
"""Changes a spent budget does not hold back: they are how it is regained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SloEvidence:
    """What was counted of one objective; the last of `history` is now. A safety objective has no
    budget: its bad runs are in `Evidence.harm`.
    """

    slo: str
    objective_ratio: float
    safety: bool
    history: tuple[Counts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a source knows; None and empty: it does not know. `harm`: unsafe actions, corruption
    and violations of the last 7 days. `recent_runs`: runs within `Ask.max_age_s`.
    """

    source: str
    slos: tuple[SloEvidence, ...] = ()
    harm: float | None = None
    recent_runs: float | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is to be released, and when."""

    agent: str
    environment: str
    release: str
    change: Change
    now_ns: int
    min_runs: float = 20
    max_age_s: float = 86_400.0
    releases: Releases = field(default_factory=Releases)
    post_mortem_ns: int = 0
    """When the agent's newest post-mortem was written; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that holds a release back, or a condition on it. `covered_by`: the number of the
    exception that lets it pass, 0 for none.
    """

    effect: Effect
    code: str
    says: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    covered_by: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """The answer, with everything that led to it."""

    result: Result
    state: State | Literal["unknown"]
    findings: tuple[Finding, ...]
    standings: Mapping[str, Standing]
    objectives: Mapping[str, float]


def decide(ask: Ask, evidence: Evidence, exceptions: Sequence[GateException]) -> GateDecision:
    """The gate's answer."""
    standings: dict[str, Standing] = {}
    for slo in evidence.slos:
        found = standing(slo.history, slo.objective_ratio, ask.min_runs)
        if found is not None and slo.history[-1].time_ns == ask.now_ns:
            standings[slo.slo] = found
    findings = [
        _covered(finding, exceptions)
        for finding in (
            *_of_data(ask, evidence, standings),
            *_of_budget(ask, evidence, standings),
            *_of_harm(ask, evidence),
            *_of_calendar(ask),
        )
    ]
    state = _worst(evidence, standings)
    if state == "normal" and any(finding.effect == "inconclusive" for finding in findings):
        state = "unknown"
    return GateDecision(
        result=_result(ask, findings),
        state=state,
        findings=tuple(findings),
        standings=standings,
        objectives={slo.slo: slo.objective_ratio for slo in evidence.slos},
    )


def _result(ask: Ask, findings: Sequence[Finding]) -> Result:
    if ask.change == "rollback":
        return "pass"
    effects = {finding.effect for finding in findings if not finding.covered_by}
    if "fail" in effects:
        return "fail"
    return "inconclusive" if "inconclusive" in effects else "pass"


def _worst(evidence: Evidence, standings: Mapping[str, Standing]) -> State | Literal["unknown"]:
    states = {standings[s.slo].state for s in evidence.slos if s.slo in standings and not s.safety}
    if (evidence.harm or 0) > 0 or "frozen" in states:
        return "frozen"
    if "caution" in states:
        return "caution"
    return "normal" if states else "unknown"


def _of_data(ask: Ask, evidence: Evidence, standings: Mapping[str, Standing]) -> Iterator[Finding]:
    if evidence.trouble:
        yield Finding(effect="inconclusive", code="source", says=evidence.trouble)
        return
    if not evidence.slos:
        says = f"{evidence.source} knows no objective of {ask.agent} in {ask.environment}"
        yield Finding(effect="inconclusive", code="no_objective", says=says)
    if evidence.harm is None:
        says = f"{evidence.source} does not tell unsafe actions of {ask.agent}"
        yield Finding(effect="inconclusive", code="no_data", says=says)
    if not evidence.recent_runs or math.isnan(evidence.recent_runs):
        says = f"no run in the last {ask.max_age_s / 3600:g} h: what is known is stale"
        yield Finding(effect="inconclusive", code="stale", says=says)
    for slo in evidence.slos:
        yield from _of_counts(ask, slo, standings.get(slo.slo))


def _of_counts(ask: Ask, slo: SloEvidence, found: Standing | None) -> Iterator[Finding]:
    numbers: dict[str, Any] = {"slo": slo.slo}
    if found is None or math.isnan(found.left_ratio):
        says = f"{slo.slo}: nothing was counted"
        yield Finding(effect="inconclusive", code="no_data", says=says, numbers=numbers)
        return
    now = found.now
    runs, coverage = now.runs, now.coverage_ratio
    if runs < ask.min_runs:
        numbers |= {"runs": runs, "needed": ask.min_runs}
        says = f"{slo.slo}: {runs:.0f} runs are too few, {ask.min_runs:g} are needed"
        yield Finding(effect="inconclusive", code="few_runs", says=says, numbers=numbers)
    if coverage < MIN_COVERAGE_RATIO:
        numbers |= {"coverage_ratio": coverage, "needed": MIN_COVERAGE_RATIO}
        says = f"{slo.slo}: only {coverage:.0%} of {runs:.0f} runs were judged, 90% are needed"
        yield Finding(effect="inconclusive", code="coverage", says=says, numbers=numbers)


def _of_budget(
    ask: Ask, evidence: Evidence, standings: Mapping[str, Standing]
) -> Iterator[Finding]:
    for slo in evidence.slos:
        found = standings.get(slo.slo)
        if found is None or slo.safety:
            continue
        left = found.left_ratio
        numbers = {
            "slo": slo.slo,
            "left_ratio": left,
            "left_runs": found.left_runs,
            "bad_runs": found.now.bad,
            "judged_runs": found.now.judged,
            "state": found.state,
        }
        why = (
            f"{slo.slo}: {left:.0%} of the budget is left "
            f"({found.now.bad:.0f} bad of {found.now.judged:.0f} runs, "
            f"{found.now.unknown:.0f} unknown, objective {slo.objective_ratio:g})"
        )
        if found.state == "frozen" and ask.change not in WHILE_FROZEN:
            if left > 0:
                why += "; frozen until 10% have been left for 7 days"
            yield Finding(effect="fail", code="budget", says=why, numbers=numbers)
        elif found.state == "caution":
            why += "; halve the canary's share, and have a second person approve"
            yield Finding(effect="condition", code="caution", says=why, numbers=numbers)
        if found.worst_day_ratio >= POST_MORTEM_RATIO and ask.post_mortem_ns < found.worst_day_ns:
            says = f"{slo.slo}: one day spent {found.worst_day_ratio:.0%} of the budget; "
            numbers = {"slo": slo.slo, "worst_day_ratio": found.worst_day_ratio}
            says += "its incident needs a post-mortem"
            yield Finding(effect="condition", code="post_mortem", says=says, numbers=numbers)


def _of_harm(ask: Ask, evidence: Evidence) -> Iterator[Finding]:
    if evidence.harm and ask.change not in WHILE_FROZEN:
        says = (
            f"{evidence.harm:.3g} unsafe actions, corruptions or violations in 7 days: safety has "
            "no budget"
        )
        numbers = {"harm_7d": evidence.harm}
        yield Finding(effect="fail", code="safety", says=says, numbers=numbers)


def _of_calendar(ask: Ask) -> Iterator[Finding]:
    # A security fix does not wait for a window.
    if ask.change in ("security", "rollback"):
        return
    times = ask.releases
    why = why_not(ask.now_ns, times.timezone, times.windows, times.closed)
    if why:
        yield Finding(effect="fail", code="calendar", says=why)


def _covered(finding: Finding, exceptions: Sequence[GateException]) -> Finding:
    code: Sequence[Covers] = [c for c in ("budget", "safety", "calendar") if c == finding.code]
    for exception in exceptions:
        if finding.effect == "fail" and set(code) & set(exception.covers):
            return Finding(
                effect=finding.effect,
                code=finding.code,
                says=f"{finding.says}; passes by exception {exception.number} of "
                f"{exception.actor}: {exception.reason}",
                numbers=finding.numbers,
                covered_by=exception.number,
            )
    return finding
