"""What else a run shows: waits, retries, documents, guardrails, judgements.

In: a `RunView` and the evaluations known. Out: `Details`, for `explain` and the ledger. Pure. None
means not told. A retry is a model or tool call that repeats one just failed (conventions.md 5.3).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from agentslo.model import Role, Step
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark

MAX_LINKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Figures of one run beyond the replay contract. Times in seconds."""

    ttft_s: float | None
    """From the run's start to the first token of its first streamed answer."""
    retries: int
    steps: int
    """Turns of the agent's loop: model calls, which every loop has one of."""
    documents: Mapping[str, int]
    """Retrievals by `hit`, `miss`, `unknown`."""
    document_ids: tuple[str, ...]
    guardrails: Mapping[str, int]
    """Guardrail checks by `triggered`, `passed`, `unknown`."""
    finish_reasons: Mapping[str, int]
    evaluations: tuple[str, ...]
    """Names of the evaluations on the run's own spans."""
    declared_outcome: str
    experiment_arm: str
    links: tuple[str, ...]
    """Spans of other traces that its spans link to, as trace id `:` span id."""


def details(view: RunView) -> Details:
    """The details of a run."""
    steps, marks = view.run.steps, view.marks
    reasons = (view.finish(m) for m in view.models)
    return Details(
        ttft_s=_ttft_s(view) if marks & mark.STREAMED else None,
        retries=retries(view) if marks & mark.FAULT else 0,
        steps=len(view.models),
        documents=_counted(view, Role.RETRIEVAL, _hit),
        document_ids=tuple(sorted({i for s in steps for i in s.retrieved_ids}))
        if marks & mark.RETRIEVED
        else (),
        guardrails=_counted(view, Role.GUARDRAIL, _guard),
        finish_reasons=dict(Counter([r.value for r in reasons if r is not None])),
        evaluations=tuple(e.name for s in steps for e in s.evaluations)
        if marks & mark.EVALUATED
        else (),
        declared_outcome=_declared_outcome(view) if marks & mark.DECLARED else "",
        experiment_arm=next((s.arm for s in steps if s.arm), "") if marks & mark.ARM else "",
        links=_links(view) if marks & mark.LINKED else (),
    )


def _counted(view: RunView, role: Role, word: Callable[[Step], str]) -> dict[str, int]:
    if not view.marks & mark.ROLE_BITS[role]:
        return {}
    return dict(Counter(word(s) for s in view.run.steps if s.role is role))


def _declared_outcome(view: RunView) -> str:
    told = (str(s.declared["outcome"]) for s in view.run.steps if "outcome" in s.declared)
    return next(told, "")


def _links(view: RunView) -> tuple[str, ...]:
    linked = dict.fromkeys(link for s in view.run.steps for link in s.links)
    return tuple(k for k in linked if k.partition(":")[0] not in view.run.trace_ids)[:MAX_LINKS]


def _ttft_s(view: RunView) -> float | None:
    for model in view.models:
        if model.ttft_s is not None:
            return (model.start_ns - view.run.start_ns) / 1e9 + model.ttft_s
    return None


def retries(view: RunView) -> int:
    """Calls that repeat one which has just failed."""
    return _retries(view.models) + _retries(view.tools)


def _retries(calls: Iterable[Step]) -> int:
    count = 0
    last: Step | None = None
    for call in calls:
        count += last is not None and last.fault is not None and _same(last, call)
        last = call
    return count


def _same(one: Step, other: Step) -> bool:
    return one.tool == other.tool if one.role is Role.TOOL else one.model == other.model


def _hit(step: Step) -> str:
    if step.documents is None:
        return "unknown"
    return "hit" if step.documents else "miss"


def _guard(step: Step) -> str:
    if step.triggered is None:
        return "unknown"
    return "triggered" if step.triggered else "passed"
