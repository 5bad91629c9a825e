"""The attributes a run root, a step and a verdict span carry (design.md 4).

In: a run and its verdict. Out: attribute mappings and encoded spans. Pure. At most 20 attributes on
a root; what is unknown is absent.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from agentslo import __version__
from agentslo.model import CONTROL_FLOW, Run, SloResult, Step, Verdict
from agentslo.otlp import wire
from agentslo.otlp.splice import Attribute, encode
from agentslo.step import Reading

SCOPE = "agentslo"
SPAN_ID_BYTES = 8
NAME = "agent_slo.verdict"
_NAMED = wire.part(b"\x2a", NAME.encode()) + b"\x30\x01"
"""Name and kind (internal) of a verdict span."""
_NAMED_SCOPE = wire.part(b"\x0a", SCOPE.encode()) + wire.part(b"\x12", __version__.encode())
_SCOPED = wire.part(b"\x0a", _NAMED_SCOPE)


def step_result(step: Step | Reading) -> str:
    """`ok`, `error`, `interrupted` or `unknown`, as known when the span arrived."""
    if step.fault in CONTROL_FLOW:
        return "interrupted"
    if step.failed is not None:
        return "error" if step.failed else "ok"
    return "ok" if step.status == 1 or step.has_result or step.finish is not None else "unknown"


def run_attributes(run: Run, verdict: Verdict) -> dict[str, Attribute]:
    """The attributes of a run root."""
    totals, slos = verdict.totals, verdict.slos
    found: dict[str, Attribute | None] = {
        "agent_slo.run.id": run.run_id,
        "agent_slo.run.outcome": verdict.outcome.value,
        "agent_slo.run.outcome_reason": verdict.reason,
        "agent_slo.run.outcome_evidence": verdict.evidence.label,
        "agent_slo.run.finalized_by": run.finalized_by,
        "agent_slo.run.tokens_input": totals.tokens_in,
        "agent_slo.run.tokens_output": totals.tokens_out,
        "agent_slo.run.cost_usd": totals.cost_usd,
        "agent_slo.run.llm_calls": totals.llm_calls,
        "agent_slo.run.tool_calls": totals.tool_calls,
        "agent_slo.run.tool_errors": totals.tool_errors,
        "agent_slo.run.escalated": totals.escalated,
        "agent_slo.slo.good": _slos(slos, SloResult.GOOD),
        "agent_slo.slo.bad": _slos(slos, SloResult.BAD),
        "agent_slo.slo.unknown": _slos(slos, SloResult.UNKNOWN),
        "agent_slo.release": run.release,
    }
    return {k: v for k, v in found.items() if v is not None}


def _slos(slos: Mapping[str, SloResult], result: SloResult) -> list[str] | None:
    return [name for name, found in slos.items() if found is result] or None


def _head(run: Run) -> bytes:
    """The lost parent a run is named after; a conversation is named after no span."""
    head = bytes.fromhex(run.run_id.rsplit(":", 1)[-1])
    return head if len(head) == SPAN_ID_BYTES else b""


def verdict_span(
    run: Run,
    verdict: Verdict,
    revision: int = 0,
    supersedes: str = "",
    drift: Mapping[str, Attribute] = MappingProxyType({}),
) -> bytes:
    """An export request that holds the verdict span of a run.

    `supersedes`: the outcome this revision replaces; `drift`: how the agent stood.
    The span id follows from (run id, revision), so sending it again makes a duplicate, not a second
    verdict.
    """
    digest = hashlib.sha256(f"{run.run_id}:{revision}".encode()).digest()
    parent = run.root.span_id if run.root else _head(run)
    attributes = {**run_attributes(run, verdict), **drift}
    attributes["agent_slo.verdict.revision"] = revision
    if supersedes:
        attributes["agent_slo.verdict.supersedes"] = supersedes
    span = b"".join(
        [
            wire.part(b"\x0a", bytes.fromhex(run.trace_id)),
            wire.part(b"\x12", digest[:8]),
            wire.part(b"\x22", parent) if parent else b"",
            _NAMED,
            wire.fixed64(b"\x39", run.end_ns),
            wire.fixed64(b"\x41", run.end_ns),
            encode(attributes),
        ]
    )
    resource = (run.root or run.steps[0]).resource.encoded
    scope = _SCOPED + wire.part(b"\x12", span)
    return wire.part(b"\x0a", wire.part(b"\x0a", resource) + wire.part(b"\x12", scope))
