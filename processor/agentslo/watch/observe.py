"""From a judged run to one observation a feature.

In: a run and its verdict. Out: `Observed`: bins by feature, segments, versions. Pure. A feature a
run tells nothing of is absent, never 0. Per tool and feature a run is one observation however often
it calls: calls of one run are not independent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agentslo.model import Outcome, Role, Run, Step, Verdict
from agentslo.outcomes.details import details
from agentslo.outcomes.groups import ENDED, GOOD, NOT_JUDGED
from agentslo.outcomes.view import NO_HABITS, RunView
from agentslo.watch.features import FEATURES, NO, YES, step_label

MAX_TOOLS_IN_MIX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one run tells drift detection.

    `bins`: feature to bin; `segments`: `kind:value`; `versions`: kind to value, of what a change of
    behaviour may come from; `request`: packed hashes of what the person asked.
    """

    agent: str
    environment: str
    release: str
    time_ns: int
    bins: Mapping[str, str]
    segments: tuple[str, ...]
    versions: Mapping[str, str]
    request: bytes = b""


def observe(run: Run, verdict: Verdict) -> Observed:
    """The observation of a run."""
    bins = dict(_bins(run, verdict))
    return Observed(
        agent=run.agent,
        environment=run.environment,
        release=run.release,
        time_ns=run.end_ns,
        bins=bins,
        segments=tuple(_segments(run)),
        versions=dict(_versions(run)),
        request=request_of(run),
    )


def request_of(run: Run) -> bytes:
    """The packed hashes of what the person asked; empty where that was not captured."""
    first = (run.root, *run.steps) if run.root else run.steps
    return next((s.request for s in first if s.request), b"")


def _segments(run: Run) -> Iterator[str]:
    yield f"release:{run.release}"
    if run.task_type:
        yield f"task_type:{run.task_type}"
    if segment := _declared(run, "user_segment"):
        yield f"user_segment:{segment}"


def _versions(run: Run) -> Iterator[tuple[str, str]]:
    told = {
        "agent_version": run.agent_version,
        "prompt_version": run.prompt_version,
        "model": "+".join(run.models),
        "tools_version": run.tools_version,
        "policy_version": run.policy_version,
        "index_version": str(_declared(run, "index_version") or ""),
    }
    yield from ((kind, value) for kind, value in told.items() if value)
    for step in run.steps:
        if step.role is Role.TOOL and "tool_version" in step.declared:
            yield f"tool_version:{step.tool}", str(step.declared["tool_version"])


def _bins(run: Run, verdict: Verdict) -> Iterator[tuple[str, str]]:
    totals = verdict.totals
    if run.task_type:
        yield "task_type", run.task_type
    yield from _measured("tokens_in", totals.tokens_in)
    yield from _measured("tokens_out", totals.tokens_out)
    yield from _measured("latency", run.duration_s)
    yield from _measured("cost", totals.cost_usd)
    yield from _measured("model_calls", totals.llm_calls)
    yield from _measured("confidence", totals.confidence)
    yield from _measured("index_age", _number(run, "index_age_s"))
    yield from _measured("retrieval_score", _number(run, "retrieval_score"))
    yield "denial", _yes(bool(totals.blocked) or verdict.outcome is Outcome.BLOCKED)
    yield "refusal", _yes(verdict.outcome is Outcome.REFUSED)
    yield "duplicate", _yes(totals.duplicate_actions > 0)
    for name in ("override", "fallback"):
        told = _declared(run, name)
        if told is not None:
            yield name, _yes(told is True)
    if totals.escalated is not None:
        yield "escalation", _yes(totals.escalated)
    if totals.escalated and totals.escalation_reason:
        yield "escalation_reason", totals.escalation_reason
    if verdict.outcome not in NOT_JUDGED:
        yield "failure", _yes(verdict.outcome not in (*GOOD, *ENDED))
    yield from _of_steps(run)


def _of_steps(run: Run) -> Iterator[tuple[str, str]]:
    view = RunView(run, NO_HABITS)
    found = details(view)
    yield "retry", _yes(found.retries > 0)
    last = view.last_model
    finish = view.finish(last) if last else None
    if finish is not None:
        yield "finish", finish.value
    if found.documents:
        yield "retrieval_miss", _yes(found.documents.get("miss", 0) > 0)
        counts = [s.documents for s in run.steps if s.documents is not None]
        yield from _measured("documents", sum(counts) if counts else None)
    by_tool: dict[str, list[Step]] = {}
    for call in view.tools:
        by_tool.setdefault(call.tool or "unset", []).append(call)
    yield "tool_mix", _mix(by_tool)
    for tool, calls in by_tool.items():
        failed = [c for c in calls if view.failed(c)]
        yield f"tool_error:{tool}", _yes(bool(failed))
        yield f"tool_error_class:{tool}", (failed[0].error_type or "error") if failed else "none"
        slowest = max(c.duration_s for c in calls)
        yield from _measured(f"tool_latency:{tool}", slowest, FEATURES["tool_latency"].bounds)
        shape = next((c.result_shape for c in calls if c.result_shape and c not in failed), "")
        if shape:
            yield f"tool_shape:{tool}", shape


def _mix(tools: Mapping[str, object]) -> str:
    names = sorted(tools)
    more = ["more"] if len(names) > MAX_TOOLS_IN_MIX else []
    return " ".join([*names[:MAX_TOOLS_IN_MIX], *more]) or "none"


def _measured(
    name: str, value: float | None, bounds: tuple[float, ...] = ()
) -> Iterator[tuple[str, str]]:
    if value is not None:
        yield name, step_label(bounds or FEATURES[name].bounds, value)


def _yes(happened: bool) -> str:  # noqa: FBT001 - the flag is the whole content
    return YES if happened else NO


def _declared(run: Run, key: str) -> str | bool | float | None:
    for step in (*((run.root,) if run.root else ()), *run.steps):
        if key in step.declared:
            found: str | bool | float = step.declared[key]
            return found
    return None


def _number(run: Run, key: str) -> float | None:
    told = _declared(run, key)
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) else None
