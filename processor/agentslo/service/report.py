"""Runs and corrections as the JSON objects of replay and the API (design.md 5).

In: a run and its verdict. Out: plain dicts. Pure. Unknown is null, never 0.
"""

from datetime import UTC, datetime

from agentslo.model import Run, Verdict
from agentslo.service.events import Corrected


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
