"""Runs and corrections as the JSON objects of replay and the API (design.md 5).

In: a run and its verdict. Out: plain dicts. Unknown is null, never 0. State: what rows say of a
reading that thousands of spans share, bounded.
"""

from dataclasses import fields
from datetime import UTC, datetime

from agentslo.model import Run, Step, Verdict
from agentslo.outcomes.coverage import Coverage
from agentslo.outcomes.details import Details, details
from agentslo.outcomes.view import RunView
from agentslo.service.enrich import step_result
from agentslo.service.events import Corrected
from agentslo.step import Reading
from agentslo.watch.state import Drifted


def rfc3339(time_ns: int) -> str:
    """Unix ns as RFC 3339 in UTC with microseconds."""
    whole, part = divmod(time_ns, 1_000_000_000)
    stamp = datetime.fromtimestamp(min(whole, 253_402_300_799), UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{part // 1000:06d}Z"


def run_line(run: Run, verdict: Verdict) -> dict[str, object]:
    """The `run` line."""
    totals = verdict.totals
    return {
        "type": "run",
        "source": run.source,
        "run_id": run.run_id,
        "trace_id": run.trace_id,
        "trace_ids": list(run.trace_ids),
        "root_span_id": run.root.span_id.hex() if run.root else None,
        "agent": run.agent,
        "agent_version": run.agent_version or None,
        "service": run.service or None,
        "environment": run.environment,
        "release": run.release,
        "conversation_id": run.conversation_id or None,
        "task_type": run.task_type or None,
        "start": rfc3339(run.start_ns),
        "end": rfc3339(run.end_ns),
        "duration_s": round(run.duration_s, 6),
        "human_wait_s": round(totals.human_wait_s, 6),
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "evidence": verdict.evidence.label,
        "finalized_by": run.finalized_by,
        "slos": {name: result.value for name, result in verdict.slos.items()},
        "tokens_in": totals.tokens_in,
        "tokens_out": totals.tokens_out,
        "tokens_missing": totals.tokens_missing,
        "cost_usd": totals.cost_usd,
        "cost_known_usd": totals.cost_known_usd,
        "llm_calls": totals.llm_calls,
        "tool_calls": totals.tool_calls,
        "tool_errors": totals.tool_errors,
        "retrievals": totals.retrievals,
        "escalated": totals.escalated,
        "escalation_reason": totals.escalation_reason or None,
        "policy_violation": totals.policy_violation,
        "loop": totals.loop,
        "duplicate_actions": totals.duplicate_actions,
        "confidence": totals.confidence,
        "sub_agents": list(totals.sub_agents),
    }


def correction_line(corrected: Corrected) -> dict[str, object]:
    """The `correction` line."""
    return {
        "type": "correction",
        "run_id": corrected.run.run_id,
        "from": corrected.before.outcome.value,
        "to": corrected.after.outcome.value,
        "source": corrected.source,
        "time": rfc3339(corrected.time_ns),
    }


def drift_line(drifted: Drifted) -> dict[str, object]:
    """The `drift` line. While learning, `samples` are those so far of the `needed`."""
    found = drifted.finding
    line: dict[str, object] = {
        "type": "drift",
        "time": rfc3339(drifted.time_ns),
        "agent": drifted.agent,
        "environment": drifted.environment,
        "feature": drifted.feature,
        "state": drifted.state.label,
        "z": round(drifted.z, 3),
        "samples": drifted.samples,
        "bin": found.bin if found else None,
        "segment": found.segment if found else None,
        "cause": found.attribution.cause if found else None,
        "reversible_by": found.attribution.reversible_by if found else None,
    }
    if drifted.needed:
        line["needed"] = drifted.needed
    if found is None:
        return line
    bins = [{"bin": b, "expected": e, "observed": o} for b, e, o in found.bins]
    since = rfc3339(found.since_ns)
    return line | {"since": since, "severity": found.severity.value, "bins": bins}


def coverage_report(coverage: Coverage) -> dict[str, object]:
    """What `doctor` shows and `/api/v1/doctor` answers."""
    agents: dict[str, dict[str, object]] = {
        agent: {
            "agent": agent,
            "runs": runs,
            "evaluated": coverage.evaluated[agent],
            "sampled_ratio": coverage.sampled_ratio.get(agent),
            "fields": [],
        }
        for agent, runs in sorted(coverage.runs.items())
    }
    for row in coverage.rows():
        fields = agents[row.agent]["fields"]
        if isinstance(fields, list):
            fields.append(
                {
                    "field": row.field,
                    "dialect": row.dialect,
                    "present": row.present,
                    "applicable": row.applicable,
                    "present_ratio": round(row.ratio, 4),
                    "needed_for": row.needed_for,
                    "switch": row.switch,
                }
            )
    return {"agents": list(agents.values()), "shared_names": coverage.shared_names()}


def explanation(
    run: Run, verdict: Verdict, counted: Verdict | None = None, view: RunView | None = None
) -> dict[str, object]:
    """Why a run got its outcome: the findings, and its spans as a tree; `counted` is the verdict
    it was counted with, where it was corrected since; `view`: of the run, where there is one.
    """
    proof = {span_id for f in verdict.findings for span_id in f.span_ids}
    chosen = (verdict.outcome, verdict.reason, verdict.evidence)
    return {
        "run": run_line(run, verdict),
        "corrected_from": counted.outcome.value if counted else None,
        "findings": [
            {
                "outcome": f.outcome.value,
                "reason": f.reason,
                "evidence": f.evidence.label,
                "spans": [s.hex() for s in f.span_ids],
                "decides": (f.outcome, f.reason, f.evidence) == chosen,
            }
            for f in verdict.findings
        ],
        "details": _details(view or RunView(run)),
        "spans": [
            _span_row(run, step, depth, proves=step.span_id in proof)
            for step, depth in _in_tree_order(run)
        ],
    }


def _in_tree_order(run: Run) -> list[tuple[Step, int]]:
    """Every step below the one it belongs to, with its depth."""
    children: dict[bytes, list[Step]] = {}
    ids = {s.span_id for s in run.steps}
    for step in run.steps:
        above = run.parents.get(step.span_id, b"")
        children.setdefault(above if above in ids else b"", []).append(step)
    out: list[tuple[Step, int]] = []
    stack = [(step, 0) for step in reversed(children.get(b"", []))]
    while stack:
        step, depth = stack.pop()
        out.append((step, depth))
        stack.extend((below, depth + 1) for below in reversed(children.get(step.span_id, [])))
    return out


_DETAILS = tuple(field.name for field in fields(Details))


def _details(view: RunView) -> dict[str, object]:
    found = details(view)
    return {name: getattr(found, name) for name in _DETAILS}


def _span_row(run: Run, step: Step, depth: int, *, proves: bool) -> dict[str, object]:
    name, role, dialect, result, fault, error_type, finish, tool = _shared(step)
    return {
        "span_id": step.span_id.hex(),
        "depth": depth,
        "name": name,
        "role": role,
        "dialect": dialect,
        "start_s": round((step.start_ns - run.start_ns) / 1e9, 6),
        "duration_s": round(max(0, step.end_ns - step.start_ns) / 1e9, 6),
        "result": result,
        "fault": fault,
        "error_type": error_type,
        "finish": finish,
        "tool": tool,
        "tokens_in": step.usage_in,
        "tokens_out": step.usage_out,
        "proves": proves,
    }


Shared = tuple[str, str, str, str, str | None, str | None, str | None, str | None]
MAX_READINGS = 10_000
_SHARED: dict[int, tuple[Reading, Shared]] = {}
"""What rows say of a reading, by its identity."""


def _shared(step: Step) -> Shared:
    reading = step.reading
    known = _SHARED.get(id(reading))
    if known is None or known[0] is not reading:
        if len(_SHARED) >= MAX_READINGS:
            _SHARED.clear()
        known = _SHARED[id(reading)] = (
            reading,
            (
                reading.name,
                reading.role.value,
                reading.dialect,
                step_result(step),
                reading.fault.value if reading.fault else None,
                reading.error_type or None,
                reading.finish.value if reading.finish else None,
                reading.tool or None,
            ),
        )
    return known[1]
