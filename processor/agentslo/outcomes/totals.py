"""What a run consumed and did: tokens, calls, cost.

In: a `RunView` and what the rules found. Out: `Totals`. Pure. Unknown stays None, never 0.
Token rule (FINDINGS 1.6): a span's usage counts unless a usage-bearing descendant can be reached
without passing an agent, tool or workflow span; exact in every capture that holds usage.
"""

from collections.abc import Sequence

from agentslo.model import AGENT_LIKE, Role, Step, Totals
from agentslo.outcomes.loops import Repeats
from agentslo.outcomes.view import RunView

_BARRIER = AGENT_LIKE | {Role.TOOL}


def outermost_free(view: RunView, bearing: Sequence[Step]) -> list[Step]:
    """Of the steps that bear a figure, those whose figure counts towards the run."""
    covered: set[bytes] = set()
    for step in bearing:
        if step.role in _BARRIER:
            continue
        for above in view.ancestors(step):
            covered.add(above.span_id)
            if above.role in _BARRIER:
                break
    return [s for s in bearing if s.span_id not in covered]


def counted_usage(view: RunView) -> list[Step]:
    """The steps whose own usage counts towards the run."""
    steps = view.run.steps
    return outermost_free(
        view, [s for s in steps if s.usage_in is not None or s.usage_out is not None]
    )


def _sum(values: list[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None


def _missing(view: RunView, counted: list[Step]) -> int:
    """Model calls without usage in themselves or in a model span that repeats them."""
    bearing = {s.span_id for s in counted}
    told = set(bearing)
    for step in counted:
        told.update(a.span_id for a in view.ancestors(step) if a.role is Role.LLM)
    return sum(s.span_id not in told for s in view.models)


def _cost(view: RunView) -> tuple[float | None, float]:
    """(cost in USD, its known part): the first is None where a model call has no price on it."""
    priced = outermost_free(view, [s for s in view.run.steps if s.cost_usd is not None])
    known = sum(s.cost_usd or 0.0 for s in priced)
    ids = {s.span_id for s in priced}
    whole = bool(ids) and all(
        s.span_id in ids or any(a.span_id in ids for a in view.ancestors(s)) for s in view.models
    )
    return (known if whole else None), known


def totals(view: RunView, repeats: Repeats, escalation: tuple[bool | None, str]) -> Totals:
    """The totals of a run."""
    counted = counted_usage(view)
    cost, known = _cost(view)
    escalated, reason = escalation
    declared = [s.declared for s in view.run.steps]
    violations = [d["policy_violation"] for d in declared if "policy_violation" in d]
    confidence = [d["confidence"] for d in declared if isinstance(d.get("confidence"), float | int)]
    names = {s.agent for s in view.run.steps if s.role is Role.AGENT and s.agent}
    own = view.run.agent.rsplit("/", 1)[-1]
    has_models = any(s.role is Role.LLM for s in view.run.steps)
    return Totals(
        tokens_in=_sum([s.usage_in for s in counted]),
        tokens_out=_sum([s.usage_out for s in counted]),
        tokens_missing=_missing(view, counted),
        cost_usd=cost,
        cost_known_usd=known,
        llm_calls=len(view.models) if has_models else None,
        tool_calls=len(view.tools),
        tool_errors=sum(view.failed(s) for s in view.tools),
        retrievals=sum(s.role is Role.RETRIEVAL for s in view.run.steps),
        human_wait_s=view.run.between_turns_s
        + sum(s.duration_s for s in view.run.steps if s.role is Role.HUMAN),
        loop=repeats.loop,
        duplicate_actions=0,
        escalated=escalated,
        escalation_reason=reason,
        policy_violation=any(v is True for v in violations) if violations else None,
        confidence=float(confidence[-1]) if confidence else None,
        sub_agents=tuple(sorted(names - {own})),
    )
