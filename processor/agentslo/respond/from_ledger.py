"""What a gate rests on, from the local ledger: runs of the period at every quarter day.

In: an open ledger, the agent's file. Out: `Evidence`. No state. Corrections count: the ledger holds
the results in force.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentslo.config.agent_options import AgentFile, AgentSlo
from agentslo.outcomes.groups import HARM
from agentslo.respond.budget import Counts
from agentslo.respond.gates import Ask, Evidence, SloEvidence
from agentslo.store.ledger import DAY_NS, Ledger, LedgerResult

STEP_NS = DAY_NS // 4
HISTORY_NS = 62 * DAY_NS
"""How far back states are followed: with a period of 28 days, the 90 days a ledger keeps."""
HARM_NS = 7 * DAY_NS


@dataclass(slots=True)
class _Results:
    """Times of one objective's runs by result, in order."""

    times: dict[str, list[int]] = field(
        default_factory=lambda: {"good": [], "bad": [], "unknown": []}
    )

    def at(self, time_ns: int, period_ns: int) -> Counts:
        """Counts of the period that ends at a moment."""
        count = {
            name: bisect_right(times, time_ns) - bisect_right(times, time_ns - period_ns)
            for name, times in self.times.items()
        }
        return Counts(
            time_ns=time_ns, good=count["good"], bad=count["bad"], unknown=count["unknown"]
        )


def from_ledger(ledger: Ledger, file: AgentFile, ask: Ask) -> Evidence:
    """What the ledger knows of an agent's objectives."""
    runs = _seen(ledger, file.slos, ask)
    results = _results(runs)
    recent_ns = ask.now_ns - int(ask.max_age_s * 1e9)
    return Evidence(
        source="the ledger",
        slos=tuple(
            SloEvidence(
                slo=slo.name,
                objective_ratio=slo.objective_ratio,
                safety=slo.dimension == "safety",
                history=_history(results.get(slo.name, _Results()), _period_ns(slo), ask.now_ns),
            )
            for slo in file.slos
        ),
        harm=_harm(runs, file.slos, ask.now_ns) if runs else None,
        recent_runs=sum(1 for run in runs if run.counted_ns > recent_ns),
    )


def _seen(ledger: Ledger, slos: Sequence[AgentSlo], ask: Ask) -> list[LedgerResult]:
    """Runs of the longest period and its history, oldest first."""
    longest_ns = max((_period_ns(slo) for slo in slos), default=0)
    since_ns = ask.now_ns - longest_ns - HISTORY_NS
    found = ledger.results(ask.agent, ask.environment, since_ns)
    return [run for run in found if run.counted_ns <= ask.now_ns]


def _period_ns(slo: AgentSlo) -> int:
    """The period the budget is kept over, as the recorded series have it."""
    return (7 if slo.window_s <= 14 * 86_400 else 28) * DAY_NS


def _results(runs: Iterable[LedgerResult]) -> Mapping[str, _Results]:
    found: dict[str, _Results] = {}
    for run in runs:
        for slo, result in run.slos.items():
            times = found.setdefault(slo, _Results()).times.get(result)
            if times is not None:
                times.append(run.counted_ns)
    return found


def _history(results: _Results, period_ns: int, now_ns: int) -> tuple[Counts, ...]:
    """One sample every quarter day, from the first run on; the last is now."""
    first = min((times[0] for times in results.times.values() if times), default=now_ns)
    steps = min(HISTORY_NS, max(0, now_ns - first)) // STEP_NS
    return tuple(results.at(now_ns - step * STEP_NS, period_ns) for step in range(steps, -1, -1))


def _harm(runs: Sequence[LedgerResult], slos: Sequence[AgentSlo], now_ns: int) -> float:
    safety = [slo.name for slo in slos if slo.dimension == "safety"]
    return sum(
        1
        for run in runs
        if run.counted_ns > now_ns - HARM_NS
        and (run.outcome in HARM or any(run.slos.get(name) == "bad" for name in safety))
    )
