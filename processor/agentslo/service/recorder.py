"""Runs and corrections as counters.

In: `Happening`s and the time. Out: increments in `Metrics`. State: which agents were introduced.
Pure bookkeeping: what each family means stands in the catalogue.
"""

from collections.abc import Sequence
from typing import NamedTuple

from agentslo.config.agent_options import AgentFile
from agentslo.config.directory import Directory
from agentslo.measure import names as m
from agentslo.measure.labels import Labels
from agentslo.measure.series import Metrics
from agentslo.model import Evidence, Outcome, Role, Run, SloResult, Step, Verdict
from agentslo.outcomes.injection import signs
from agentslo.runs.marks import ROLE_BITS
from agentslo.service.enrich import step_result
from agentslo.service.events import Corrected, Counted, Happening, Uncounted, uncounting
from agentslo.step import Reading
from agentslo.watch.observe import Observed

UNSET = "unset"
MAX_INTRODUCED = 100_000
MAX_READINGS = 10_000
_WORDS: dict[str, str] = {one: one.value for words in (Outcome, SloResult) for one in words}
_LABELS = {evidence: evidence.label for evidence in Evidence}
_COUNTED_STEPS = ROLE_BITS[Role.TOOL] | ROLE_BITS[Role.RETRIEVAL]
_UNSAFE = (Outcome.UNSAFE_ACTION, Outcome.DATA_CORRUPTION)


class _CallLabels(NamedTuple):
    """The labels of a tool's calls, worked out once a reading."""

    reading: Reading
    at: tuple[str, str]
    counted: Labels
    timed: Labels


def _call_labels(step: Step, at: tuple[str, str]) -> _CallLabels:
    tool = step.tool or UNSET
    counted = (*at, tool, step_result(step), step.error_type)
    return _CallLabels(step.reading, at, counted, (*at, tool))


class Recorder:
    """Counts what the pipeline reports. Owned by one thread."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.agents: dict[tuple[str, str], None] = {}
        """(agent, environment) of every agent counted so far, in order."""
        self._introduced: set[tuple[str, str, str, str]] = set()
        self._calls: dict[int, _CallLabels] = {}
        """By the identity of a tool call's reading, which thousands of calls share."""

    def record(self, happening: Happening, now_ns: int) -> None:
        """Count one happening."""
        if isinstance(happening, Counted) and not happening.waits and happening.counts:
            self._count(happening, now_ns)
        elif isinstance(happening, Corrected) and happening.counts:
            self._correct(happening, now_ns)
        elif isinstance(happening, Uncounted):
            self._correct(uncounting(happening.run, happening.verdict), now_ns)
        elif isinstance(happening, Observed):
            self._place(happening, now_ns)

    def introduce(self, run: Run, file: AgentFile, now_ns: int) -> None:
        """Create an agent's series at 0, so that its first bad event is seen as a rise."""
        agent, environment, release = run.agent, run.environment, run.release
        key = agent, environment, release, file.revision
        if key in self._introduced or len(self._introduced) >= MAX_INTRODUCED:
            return
        self._introduced.add(key)
        self.agents[agent, environment] = None
        metrics = self.metrics
        for outcome in _UNSAFE:
            metrics.touch(m.RUNS, (agent, environment, release, UNSET, outcome.value), now_ns)
        metrics.touch(m.POLICY_VIOLATIONS, (agent, environment, UNSET), now_ns)
        for slo in file.slos:
            for result in ("good", "bad", "unknown"):
                labels = (agent, environment, slo.name, release, UNSET, result)
                metrics.touch(m.EVENTS, labels, now_ns)

    def objectives(self, directory: Directory) -> None:
        """Show the objectives in force of every agent seen, where they apply."""
        objective: dict[Labels, float] = {}
        window: dict[Labels, float] = {}
        info: dict[Labels, float] = {}
        for agent, environment in self.agents:
            file = directory.named(agent)
            if environment not in file.environments:
                continue
            source = "default" if file.is_default else "file"
            about = ("" if file.is_default else file.tier, file.owners.operations, source)
            for slo in file.slos:
                at = agent, environment, slo.name
                objective[at], window[at] = slo.objective_ratio, slo.window_s
                info[*at, *about, file.revision] = 1.0
        self.metrics.replace(m.OBJECTIVE, objective)
        self.metrics.replace(m.WINDOW, window)
        self.metrics.replace(m.INFO, info)

    def _count(self, counted: Counted, now_ns: int) -> None:
        run, verdict, file = counted.run, counted.verdict, counted.file
        self.introduce(run, file, now_ns)
        metrics, at = self.metrics, (run.agent, run.environment)
        task, outcome = run.task_type or UNSET, _WORDS[verdict.outcome]
        metrics.inc(m.RUNS, (*at, run.release, task, outcome), now_ns)
        reason = (*at, outcome, verdict.reason, _LABELS[verdict.evidence])
        metrics.inc(m.RUN_REASONS, reason, now_ns)
        exemplar = (run.trace_id, run.root.span_id.hex()) if run.root else None
        metrics.observe(m.RUN_DURATION, at, run.duration_s, now_ns, exemplar)
        segments = {s.name: s.segments for s in file.slos if s.segments}
        for name, result in verdict.slos.items():
            if result is SloResult.EXCLUDED:
                metrics.inc(m.EXCLUDED_EVENTS, (*at, name), now_ns)
            else:
                segment = _segment(run, segments[name]) if name in segments else UNSET
                row = (*at, name, run.release, segment, _WORDS[result])
                metrics.inc(m.EVENTS, row, now_ns)
        self._count_release(run)
        self._count_totals(run, verdict, now_ns)
        if run.marks & _COUNTED_STEPS:
            for step in run.steps:
                role = step.reading.role
                if role is Role.TOOL:
                    self._count_call(step, at, now_ns)
                elif role is Role.RETRIEVAL:
                    found = {None: "unknown", 0: "miss"}.get(step.documents, "hit")
                    metrics.inc(m.RETRIEVALS, (*at, step.tool or UNSET, found), now_ns)

    def _place(self, observed: Observed, now_ns: int) -> None:
        for feature, label in observed.bins.items():
            at = observed.agent, observed.environment, feature, label
            self.metrics.inc(m.DRIFT_BIN, at, now_ns)

    def _count_release(self, run: Run) -> None:
        versions = (run.agent_version, run.prompt_version, "+".join(run.models))
        row = (run.agent, run.environment, run.release, *versions)
        self.metrics.set(m.RELEASE_INFO, (*row, run.tools_version, run.policy_version), 1.0)

    def _count_totals(self, run: Run, verdict: Verdict, now_ns: int) -> None:
        metrics, at, totals = self.metrics, (run.agent, run.environment), verdict.totals
        for source, usd in totals.cost_by_source:
            if usd > 0:
                metrics.inc(m.RUN_COST, (*at, run.release, source), now_ns, usd)
        for model, tokens in totals.unpriced_tokens:
            metrics.inc(m.UNPRICED_TOKENS, (model,), now_ns, tokens)
        if totals.escalated:
            reason = totals.escalation_reason or UNSET
            metrics.inc(m.ESCALATIONS, (*at, reason, _correct_escalation(verdict)), now_ns)
        violated = totals.violated or (("declared",) if totals.policy_violation else ())
        for policy in violated:
            metrics.inc(m.POLICY_VIOLATIONS, (*at, policy), now_ns)
        blocked = totals.blocked or (
            (verdict.reason,) if verdict.outcome is Outcome.BLOCKED else ()
        )
        for policy in blocked:
            metrics.inc(m.POLICY_BLOCKS, (*at, policy), now_ns)
        for sign, count in signs(run, totals.violated).items():
            metrics.inc(m.INJECTION_SIGNALS, (*at, sign), now_ns, count)
        for tool, state in totals.action_states:
            metrics.inc(m.ACTIONS, (*at, tool, state), now_ns)

    def _count_call(self, step: Step, at: tuple[str, str], now_ns: int) -> None:
        reading = step.reading
        known = self._calls.get(id(reading))
        if known is None or known.reading is not reading or known.at != at:
            if len(self._calls) >= MAX_READINGS:
                self._calls.clear()
            known = self._calls[id(reading)] = _call_labels(step, at)
        self.metrics.inc(m.TOOL_CALLS, known.counted, now_ns)
        if not reading.unseen:
            took_s = max(0, step.end_ns - step.start_ns) / 1e9
            exemplar = (step.trace_id.hex(), step.span_id.hex())
            self.metrics.observe(m.TOOL_CALL_DURATION, known.timed, took_s, now_ns, exemplar)

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


def _segment(run: Run, known: Sequence[str]) -> str:
    """The run's user segment, where the objective tells it apart."""
    told = _declared(run, "user_segment")
    return told if told in known else UNSET


def _correct_escalation(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.BAD_ESCALATION:
        return "false"
    proven = verdict.evidence > Evidence.HEURISTIC
    return "true" if verdict.outcome is Outcome.SAFE_ESCALATION and proven else "unknown"


def _declared(run: Run, key: str) -> str:
    for step in (*((run.root,) if run.root else ()), *run.steps):
        value = step.declared.get(key)
        if isinstance(value, str) and value:
            return value
    return ""
