"""From a judged run to one observation a feature.

In: a run and its verdict. Out: `Observed`: bins by feature, segments, versions. Pure. A feature a
run tells nothing of is absent, never 0. Per tool and feature a run is one observation however often
it calls: calls of one run are not independent.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from agentslo.model import Outcome, Role, Run, Step, Verdict
from agentslo.outcomes.details import retries
from agentslo.outcomes.groups import ENDED, GOOD, NOT_JUDGED
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark
from agentslo.watch.features import FEATURES, NO, YES, Shape, ladder_labels

MAX_TOOLS_IN_MIX = 4
MAX_NAMES = 10_000
"""Tools remembered with the names of their features."""
_WENT_WELL = frozenset((*GOOD, *ENDED))
_RETRIEVALS = mark.ROLE_BITS[Role.RETRIEVAL]
_LADDERS = {
    f.name: (f.bounds, ladder_labels(f.bounds))
    for f in FEATURES.values()
    if f.shape is Shape.LADDER
}


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


def observe(run: Run, verdict: Verdict, view: RunView | None = None) -> Observed:
    """The observation of a run. `view`: of the run, where there is one already."""
    bins: dict[str, str] = {}
    declared = run.marks & mark.DECLARED
    _of_run(run, verdict, bins)
    if declared:
        _of_words(run, bins)
    _of_calls(view or RunView(run), bins)
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


def _segments(run: Run) -> list[str]:
    found = [f"release:{run.release}"]
    if run.task_type:
        found.append(f"task_type:{run.task_type}")
    if segment := _declared(run, "user_segment"):
        found.append(f"user_segment:{segment}")
    return found


def _versions(run: Run) -> Iterator[tuple[str, str]]:
    told = (
        ("agent_version", run.agent_version),
        ("prompt_version", run.prompt_version),
        ("model", "+".join(run.models)),
        ("tools_version", run.tools_version),
        ("policy_version", run.policy_version),
        ("index_version", str(_declared(run, "index_version") or "")),
    )
    yield from (pair for pair in told if pair[1])
    if run.marks & mark.DECLARED:
        for step in run.steps:
            if step.role is Role.TOOL and "tool_version" in step.declared:
                yield f"tool_version:{step.tool}", str(step.declared["tool_version"])


def _of_run(run: Run, verdict: Verdict, bins: dict[str, str]) -> None:
    totals, outcome = verdict.totals, verdict.outcome
    if run.task_type:
        bins["task_type"] = run.task_type
    _measure(bins, "tokens_in", totals.tokens_in)
    _measure(bins, "tokens_out", totals.tokens_out)
    _measure(bins, "latency", run.duration_s)
    _measure(bins, "cost", totals.cost_usd)
    _measure(bins, "model_calls", totals.llm_calls)
    _measure(bins, "confidence", totals.confidence)
    bins["denial"] = YES if totals.blocked or outcome is Outcome.BLOCKED else NO
    bins["refusal"] = YES if outcome is Outcome.REFUSED else NO
    bins["duplicate"] = YES if totals.duplicate_actions > 0 else NO
    if totals.escalated is not None:
        bins["escalation"] = YES if totals.escalated else NO
    if totals.escalated and totals.escalation_reason:
        bins["escalation_reason"] = totals.escalation_reason
    if outcome not in NOT_JUDGED:
        bins["failure"] = NO if outcome in _WENT_WELL else YES


def _of_words(run: Run, bins: dict[str, str]) -> None:
    """What the application declares."""
    _measure(bins, "index_age", _number(run, "index_age_s"))
    _measure(bins, "retrieval_score", _number(run, "retrieval_score"))
    for name in ("override", "fallback"):
        told = _declared(run, name)
        if told is not None:
            bins[name] = YES if told is True else NO


def _of_calls(view: RunView, bins: dict[str, str]) -> None:
    failing = view.marks & mark.FAULT
    bins["retry"] = YES if failing and retries(view) else NO
    last = view.last_model
    finish = view.finish(last) if last else None
    if finish is not None:
        bins["finish"] = finish.value
    if view.marks & _RETRIEVALS:
        _of_retrievals(view, bins)
    by_tool: dict[str, list[Step]] = {}
    for call in view.tools:
        by_tool.setdefault(call.tool or "unset", []).append(call)
    bins["tool_mix"] = _mix(by_tool)
    for tool, calls in by_tool.items():
        error, error_class, latency, tool_shape = _names(tool)
        failed = [c for c in calls if view.failed(c)] if failing else []
        bins[error] = YES if failed else NO
        bins[error_class] = (failed[0].error_type or "error") if failed else "none"
        slowest_ns = max([c.end_ns - c.start_ns for c in calls])
        _measure(bins, latency, max(0, slowest_ns) / 1e9, "tool_latency")
        shape = next((c.result_shape for c in calls if c.result_shape and c not in failed), "")
        if shape:
            bins[tool_shape] = shape


def _of_retrievals(view: RunView, bins: dict[str, str]) -> None:
    found = [s for s in view.run.steps if s.role is Role.RETRIEVAL]
    if found:
        bins["retrieval_miss"] = YES if any(s.documents == 0 for s in found) else NO
        counts = [s.documents for s in view.run.steps if s.documents is not None]
        _measure(bins, "documents", sum(counts) if counts else None)


@lru_cache(MAX_NAMES)
def _names(tool: str) -> tuple[str, str, str, str]:
    """The names of a tool's features."""
    return (
        f"tool_error:{tool}",
        f"tool_error_class:{tool}",
        f"tool_latency:{tool}",
        f"tool_shape:{tool}",
    )


def _mix(tools: Mapping[str, object]) -> str:
    names = sorted(tools)
    more = ["more"] if len(names) > MAX_TOOLS_IN_MIX else []
    return " ".join([*names[:MAX_TOOLS_IN_MIX], *more]) or "none"


def _measure(bins: dict[str, str], name: str, value: float | None, ladder: str = "") -> None:
    if value is not None:
        bounds, labels = _LADDERS[ladder or name]
        bins[name] = labels[bisect_left(bounds, value)]


def _declared(run: Run, key: str) -> str | bool | float | None:
    if not run.marks & mark.DECLARED:
        return None
    for step in (*((run.root,) if run.root else ()), *run.steps):
        if key in step.declared:
            found: str | bool | float = step.declared[key]
            return found
    return None


def _number(run: Run, key: str) -> float | None:
    told = _declared(run, key)
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) else None
