"""What a gate rests on, from Prometheus: the series `alert-rules/recording.rules.yml` records.

In: the address of a Prometheus, with a bearer token or none. Out: `Evidence`; what it cannot answer
becomes `trouble`, so that the gate is inconclusive. No state.
"""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from agentslo.config.agent_options import AgentFile
from agentslo.outcomes.groups import HARM
from agentslo.respond.budget import Counts
from agentslo.respond.gates import Ask, Evidence, SloEvidence

TIMEOUT_S = 30.0
STEP_S = 6 * 3600
HISTORY_S = 62 * 86_400
_HARM = "|".join(HARM)

Sample = tuple[float, float]
"""Unix seconds and value."""
Labels = Mapping[str, str]


class PrometheusError(Exception):
    """A query that got no usable answer."""


class Prometheus:
    """One Prometheus, asked over HTTP."""

    def __init__(self, url: str, token: str = "") -> None:
        if not url.startswith(("http://", "https://")):
            raise PrometheusError(f"{url}: give an address such as http://prometheus:9090")
        self._url, self._token = url.rstrip("/"), token

    def at(self, query: str, time_s: float) -> list[tuple[Labels, float]]:
        """The instant vector of a query."""
        found = self._ask("query", {"query": query, "time": f"{time_s:.3f}"})
        return [(row["metric"], float(row["value"][1])) for row in found]

    def over(self, query: str, start_s: float, end_s: float) -> list[tuple[Labels, list[Sample]]]:
        """The series of a query at every step; the last step is `end_s`."""
        times = {"start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": str(STEP_S)}
        found = self._ask("query_range", {"query": query, **times})
        return [
            (row["metric"], [(float(t), float(value)) for t, value in row["values"]])
            for row in found
        ]

    def _ask(self, what: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        body = urllib.parse.urlencode(parameters).encode()
        request = urllib.request.Request(f"{self._url}/api/v1/{what}", data=body)  # noqa: S310 - http(s) by the check above
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                found = json.load(answer)
            result: list[dict[str, Any]] = found["data"]["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise PrometheusError(f"{self._url} answers {error.code}") from error
        except OSError as error:
            raise PrometheusError(f"{self._url} does not answer: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise PrometheusError(f"{self._url} does not answer as Prometheus does") from error
        return result


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
        for labels, samples in prometheus.over(query, now_s - HISTORY_S, now_s):
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
