"""What agents were seen to do, so that a first agent file can be written from it.

In: closed runs with their verdicts. Out: a `SeenAgent` each. State: per agent and service counts,
and what the newest runs used, bounded by number. Names and numbers alone, no content.
"""

from collections import Counter, deque
from dataclasses import dataclass, field

from agentslo.config.seen_agent import SeenAgent, SeenTool
from agentslo.model import Run, Verdict
from agentslo.outcomes.coverage import judged_by_others
from agentslo.outcomes.escalation import escalates
from agentslo.outcomes.judged import rule_for
from agentslo.outcomes.view import RunView
from agentslo.runs.marks import EVALUATED

MAX_AGENTS = 200
MAX_NAMES = 200
MAX_SAMPLES = 500


def _samples() -> deque[float]:
    return deque(maxlen=MAX_SAMPLES)


@dataclass(slots=True)
class _Row:
    """One agent of one service."""

    runs: int = 0
    judged: int = 0
    environments: Counter[str] = field(default_factory=Counter)
    task_types: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    evaluations: Counter[str] = field(default_factory=Counter)
    durations_s: deque[float] = field(default_factory=_samples)
    costs_usd: deque[float] = field(default_factory=_samples)
    steps: deque[float] = field(default_factory=_samples)
    tokens: deque[float] = field(default_factory=_samples)


class Seen:
    """Counts what closed runs did."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], _Row] = {}

    def add(self, run: Run, verdict: Verdict, view: RunView | None = None) -> None:
        """Take one closed run in; agents beyond the bound are left out. `view`: of the run, where
        there is one already.
        """
        row = self._rows.get((run.entry_agent, run.service))
        if row is None:
            if len(self._rows) >= MAX_AGENTS:
                return
            row = self._rows[run.entry_agent, run.service] = _Row()
        totals = verdict.totals
        row.runs += 1
        row.judged += judged_by_others(verdict)
        _count(row.environments, run.environment)
        _count(row.task_types, run.task_type)
        view = view or RunView(run)
        for tool in view.tools:
            _count(row.tools, tool.tool or tool.name)
        for tool in view.failures:
            name = tool.tool or tool.name
            row.failed[name] += name in row.tools
        if run.marks & EVALUATED:
            for evaluation in (e for step in run.steps for e in step.evaluations):
                _count(row.evaluations, evaluation.name)
        row.durations_s.append(run.duration_s - totals.human_wait_s)
        _keep(row.costs_usd, totals.cost_usd)
        _keep(row.steps, totals.llm_calls)
        if totals.tokens_in is not None or totals.tokens_out is not None:
            row.tokens.append((totals.tokens_in or 0) + (totals.tokens_out or 0))

    def agents(self) -> list[SeenAgent]:
        """Everything seen, by name."""
        return [
            _summary(agent, service, row) for (agent, service), row in sorted(self._rows.items())
        ]


def percentile_95(values: deque[float]) -> float | None:
    """The smallest value that 95 % of the values do not exceed; None of none."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * 95 // 100) - 1] if ordered else None


def _summary(agent: str, service: str, row: _Row) -> SeenAgent:
    return SeenAgent(
        agent=agent,
        service=service,
        runs=row.runs,
        sampled=len(row.durations_s),
        judged=row.judged,
        environments=tuple(sorted(row.environments)),
        task_types=_by_count(row.task_types),
        tools=tuple(
            SeenTool(
                name=name,
                calls=row.tools[name],
                failed=row.failed[name],
                escalates=escalates(name),
            )
            for name in _by_count(row.tools)
        ),
        evaluations={name: rule_for(name, ()).dimension for name in sorted(row.evaluations)},
        p95_duration_s=percentile_95(row.durations_s),
        p95_cost_usd=percentile_95(row.costs_usd),
        p95_steps=percentile_95(row.steps),
        p95_tokens=percentile_95(row.tokens),
    )


def _by_count(counter: Counter[str]) -> tuple[str, ...]:
    """The names, the most frequent first; those of one count by name, whatever came first."""
    return tuple(sorted(counter, key=lambda name: (-counter[name], name)))


def _count(counter: Counter[str], name: str) -> None:
    if name in counter or (name and len(counter) < MAX_NAMES):
        counter[name] += 1


def _keep(samples: deque[float], value: float | None) -> None:
    if value is not None:
        samples.append(value)
