"""What a gate rests on, from Prometheus: the series `alert-rules/recording.rules.yml` records.

In: the address of a Prometheus, with a bearer token or none. Out: `Evidence`; what it cannot answer
becomes `trouble`, so that the gate is inconclusive. No state.
"""

import json
import math
from collections.abc import Mapping, Sequence

from agentslo.config.agent_options import AgentFile
from agentslo.outcomes.groups import HARM
from agentslo.respond.budget import Counts
from agentslo.respond.gates import Ask, Evidence, SloEvidence
from agentslo.watch.prometheus import Prometheus, PrometheusError

STEP_S = 6 * 3600
HISTORY_S = 62 * 86_400
_HARM = "|".join(HARM)


def from_prometheus(prometheus: Prometheus, file: AgentFile | None, ask: Ask) -> Evidence:
    """What the recorded series know; with a file, every objective of it must be among them."""
    try:
        return _evidence(prometheus, file, ask)
    except PrometheusError as error:
        return Evidence(source="Prometheus", trouble=str(error))


def _evidence(prometheus: Prometheus, file: AgentFile | None, ask: Ask) -> Evidence:
    now_s = ask.now_ns / 1e9
    who = f"agent={json.dumps(ask.agent)},environment={json.dumps(ask.environment)}"
    objectives = {
        labels["slo"]: value
        for labels, value in prometheus.at(f"agent_slo:objective:ratio{{{who}}}", now_s)
    }
    safety = (
        {slo.name for slo in file.slos if slo.dimension == "safety"} if file else {"safety"}
    ) | {"safety"}
    histories = _histories(prometheus, who, now_s, ask.now_ns)
    wanted = [slo.name for slo in file.slos] if file else sorted(objectives)
    recent = prometheus.at(
        f"sum(sum_over_time(agent_slo:agent_runs:increase5m{{{who}}}[{int(ask.max_age_s)}s]))",
        now_s,
    )
    return Evidence(
        source="Prometheus",
        slos=tuple(
            SloEvidence(
                slo=slo,
                objective_ratio=objectives.get(slo, math.nan),
                safety=slo in safety,
                history=histories.get(slo, ()) if slo in objectives else (),
            )
            for slo in wanted
        ),
        harm=_harm(prometheus, who, sorted(safety), now_s),
        recent_runs=recent[0][1] if recent else None,
    )


def _histories(
    prometheus: Prometheus, who: str, now_s: float, now_ns: int
) -> dict[str, tuple[Counts, ...]]:
    """Counts of each objective's period, oldest first; the last is now."""
    days = {
        labels["slo"]: int(value)
        for labels, value in prometheus.at(f"agent_slo:budget_period:days{{{who}}}", now_s)
    }
    found: dict[str, dict[float, dict[str, float]]] = {}
    for period in sorted(set(days.values())):
        query = f"agent_slo:runs:increase{period}d{{{who}}}"
        for labels, samples in prometheus.over(query, now_s - HISTORY_S, now_s, STEP_S):
            slo = labels["slo"]
            if days.get(slo) != period:
                continue
            for time_s, value in samples:
                at = found.setdefault(slo, {}).setdefault(time_s, {})
                at[labels["result"]] = value
    return {slo: _counts(times, now_s, now_ns) for slo, times in found.items()}


def _counts(
    times: Mapping[float, Mapping[str, float]], now_s: float, now_ns: int
) -> tuple[Counts, ...]:
    return tuple(
        Counts(
            # The last step is now, whatever rounding its text went through.
            time_ns=now_ns if abs(time_s - now_s) < 1 else int(time_s * 1e9),
            good=values.get("good", 0.0),
            bad=values.get("bad", 0.0),
            unknown=values.get("unknown", 0.0),
        )
        for time_s, values in sorted(times.items())
    )


def _harm(prometheus: Prometheus, who: str, safety: Sequence[str], now_s: float) -> float | None:
    """Unsafe runs of 7 days, corrections counted, or bad runs of safety objectives if more."""
    names = "|".join(safety)
    moved = "agent_slo_outcome_corrections_total"
    runs = "agent_slo:agent_runs:increase5m"
    unsafe = (
        # An outcome that never happened may have no series; an agent nobody counted has none.
        f'(sum(sum_over_time({runs}{{{who},outcome=~"{_HARM}"}}[7d]))'
        f" or 0 * sum(sum_over_time({runs}{{{who}}}[7d])))"
        f' + (sum(increase({moved}{{{who},to=~"{_HARM}"}}[7d])) or vector(0))'
        f' - (sum(increase({moved}{{{who},from=~"{_HARM}"}}[7d])) or vector(0))'
    )
    bad = f"max(agent_slo:bad_runs:increase7d{{{who},slo=~{json.dumps(names)}}})"
    counted = prometheus.at(unsafe, now_s)
    if not counted:
        return None
    judged = prometheus.at(bad, now_s)
    # `increase` extrapolates: a corrected run leaves a fraction, a real one at least 1.
    return float(max(round(counted[0][1]), round(judged[0][1]) if judged else 0))
