"""Runs and corrections as counters.

In: `Happening`s and the time. Out: increments in `Metrics`. State: which agents were introduced.
Pure bookkeeping: what each family means stands in the catalogue.
"""

from collections.abc import Sequence

from agentslo.config.options import Slo
from agentslo.measure import names as m
from agentslo.measure.series import Metrics
from agentslo.model import Outcome, Role, Run, SloResult, Step, Verdict
from agentslo.service.enrich import step_result
from agentslo.service.events import Corrected, Counted, Happening

UNSET = "unset"
MAX_INTRODUCED = 100_000
_UNSAFE = (Outcome.UNSAFE_ACTION, Outcome.DATA_CORRUPTION)


class Recorder:
    """Counts what the pipeline reports. Owned by one thread."""

    def __init__(
        self, metrics: Metrics, slos: Sequence[Slo], environments: Sequence[str], revision: str
    ) -> None:
        self.metrics = metrics
        self._slos = {s.name: s for s in slos}
        self._environments = frozenset(environments)
        self._revision = revision
        self._introduced: set[tuple[str, str, str]] = set()

    def record(self, happening: Happening, now_ns: int) -> None:
        """Count one happening."""
        if isinstance(happening, Counted) and not happening.waits:
            self._count(happening.run, happening.verdict, now_ns)
        elif isinstance(happening, Corrected) and happening.counts:
            self._correct(happening, now_ns)

    def introduce(self, agent: str, environment: str, release: str, now_ns: int) -> None:
        """Create an agent's series at 0, so that its first bad event is seen as a rise."""
        key = agent, environment, release
        if key in self._introduced or len(self._introduced) >= MAX_INTRODUCED:
            return
        self._introduced.add(key)
        metrics = self.metrics
        for outcome in _UNSAFE:
            metrics.touch(m.RUNS, (agent, environment, release, UNSET, outcome.value), now_ns)
        metrics.touch(m.POLICY_VIOLATIONS, (agent, environment, UNSET), now_ns)
        for slo in self._slos.values():
            at = agent, environment, slo.name
            for result in ("good", "bad", "unknown"):
                metrics.touch(m.EVENTS, (*at, release, UNSET, result), now_ns)
            if environment in self._environments:
                metrics.set(m.OBJECTIVE, at, slo.objective_ratio)
                metrics.set(m.WINDOW, at, slo.window_s)
                metrics.set(m.INFO, (*at, "", "", "default", self._revision), 1.0)

    def _count(self, run: Run, verdict: Verdict, now_ns: int) -> None:
        self.introduce(run.agent, run.environment, run.release, now_ns)
        metrics, at = self.metrics, (run.agent, run.environment)
        task, outcome = run.task_type or UNSET, verdict.outcome.value
        metrics.inc(m.RUNS, (*at, run.release, task, outcome), now_ns)
        reason = (*at, outcome, verdict.reason, verdict.evidence.label)
        metrics.inc(m.RUN_REASONS, reason, now_ns)
        exemplar = (run.trace_id, run.run_id[-16:]) if run.root else None
        metrics.observe(m.RUN_DURATION, at, run.duration_s, now_ns, exemplar)
        for name, result in verdict.slos.items():
            if result is SloResult.EXCLUDED:
                metrics.inc(m.EXCLUDED_EVENTS, (*at, name), now_ns)
            else:
                labels = (*at, name, run.release, _segment(run), result.value)
                metrics.inc(m.EVENTS, labels, now_ns)
        self._count_release(run)
        self._count_totals(run, verdict, now_ns)
        for step in run.steps:
            self._count_step(step, at, now_ns)

    def _count_release(self, run: Run) -> None:
        models = sorted({s.model for s in run.steps if s.model and s.role is Role.LLM})
        versions = (
            run.agent_version,
            _declared(run, "prompt_version"),
            "+".join(models),
            _declared(run, "tool_version"),
            _declared(run, "policy_version"),
        )
        self.metrics.set(m.RELEASE_INFO, (run.agent, run.environment, run.release, *versions), 1.0)

    def _count_totals(self, run: Run, verdict: Verdict, now_ns: int) -> None:
        metrics, at, totals = self.metrics, (run.agent, run.environment), verdict.totals
        if totals.cost_known_usd > 0:
            labels = (*at, run.release, "reported")
            metrics.inc(m.RUN_COST, labels, now_ns, totals.cost_known_usd)
        if totals.escalated:
            reason = totals.escalation_reason or UNSET
            metrics.inc(m.ESCALATIONS, (*at, reason, "unknown"), now_ns)
        if totals.policy_violation:
            metrics.inc(m.POLICY_VIOLATIONS, (*at, "declared"), now_ns)
        if verdict.outcome is Outcome.BLOCKED:
            metrics.inc(m.POLICY_BLOCKS, (*at, verdict.reason), now_ns)

    def _count_step(self, step: Step, at: tuple[str, str], now_ns: int) -> None:
        metrics = self.metrics
        if step.role is Role.TOOL:
            tool = step.tool or UNSET
            labels = (*at, tool, step_result(step), step.error_type)
            metrics.inc(m.TOOL_CALLS, labels, now_ns)
            exemplar = (step.trace_id.hex(), step.span_id.hex())
            metrics.observe(m.TOOL_CALL_DURATION, (*at, tool), step.duration_s, now_ns, exemplar)
        elif step.role is Role.RETRIEVAL:
            found = {None: "unknown", 0: "miss"}.get(step.documents, "hit")
            metrics.inc(m.RETRIEVALS, (*at, step.tool or UNSET, found), now_ns)
        elif step.role is Role.LLM and step.cost_usd is None:
            tokens = (step.usage_in or 0) + (step.usage_out or 0)
            if tokens:
                metrics.inc(m.UNPRICED_TOKENS, (step.model or UNSET,), now_ns, tokens)

    def _correct(self, corrected: Corrected, now_ns: int) -> None:
        run, before, after = corrected.run, corrected.before, corrected.after
        at = run.agent, run.environment
        if before.outcome is not after.outcome:
            labels = (*at, before.outcome.value, after.outcome.value, corrected.source)
            self.metrics.inc(m.OUTCOME_CORRECTIONS, labels, now_ns)
        for name, result in after.slos.items():
            was = before.slos.get(name)
            if was is not None and was is not result:
                row = (*at, name, was.value, result.value, corrected.source)
                self.metrics.inc(m.CORRECTIONS, row, now_ns)


def _segment(run: Run) -> str:
    return _declared(run, "user_segment") or UNSET


def _declared(run: Run, key: str) -> str:
    for step in (*((run.root,) if run.root else ()), *run.steps):
        value = step.declared.get(key)
        if isinstance(value, str) and value:
            return value
    return ""
