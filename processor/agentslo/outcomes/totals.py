"""What a run consumed and did: tokens, calls, cost.

In: a `RunView` and what the rules found. Out: `Totals`. Pure. Unknown stays None, never 0.
Token rule (FINDINGS 1.6): a span's usage counts unless a usage-bearing descendant can be reached
without passing an agent, tool or workflow span; exact in every capture that holds usage.
"""

from dataclasses import replace

from agentslo.model import Role, Step, Totals
from agentslo.outcomes.cost import Cost, outermost_free
from agentslo.outcomes.loops import Repeats
from agentslo.outcomes.view import RunView


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


def totals(view: RunView, counted: list[Step], cost: Cost, repeats: Repeats) -> Totals:
    """The totals of a run whose usage is on `counted`; what rules find is added by them."""
    steps = view.run.steps
    declared = [s.declared for s in steps]
    violations = [d["policy_violation"] for d in declared if "policy_violation" in d]
    confidence = [d["confidence"] for d in declared if isinstance(d.get("confidence"), float | int)]
    names = {s.agent for s in steps if s.role is Role.AGENT and s.agent}
    own = view.run.agent.rsplit("/", 1)[-1]
    return Totals(
        tokens_in=_sum([s.usage_in for s in counted]),
        tokens_out=_sum([s.usage_out for s in counted]),
        tokens_missing=_missing(view, counted),
        cost_usd=cost.total_usd,
        cost_known_usd=cost.known_usd,
        cost_by_source=tuple(sorted(cost.by_source.items())),
        unpriced_tokens=tuple(sorted(cost.unpriced_tokens.items())),
        llm_calls=len(view.models) if any(s.role is Role.LLM for s in steps) else None,
        tool_calls=len(view.tools),
        tool_errors=sum(view.failed(s) for s in view.tools),
        retrievals=sum(s.role is Role.RETRIEVAL for s in steps),
        human_wait_s=view.run.between_turns_s
        + sum(s.duration_s for s in steps if s.role is Role.HUMAN),
        loop=repeats.loop,
        duplicate_actions=0,
        escalated=False,
        escalation_reason="",
        policy_violation=any(v is True for v in violations) if violations else None,
        confidence=float(confidence[-1]) if confidence else None,
        sub_agents=tuple(sorted(names - {own, view.run.entry_agent})),
    )


def with_policies(found: Totals, violated: list[str], blocked: list[str], *, known: bool) -> Totals:
    """The totals with what the policy rules found; `known`: there were rules to hold."""
    violation = found.policy_violation
    if violated:
        violation = True
    elif known and violation is None:
        violation = False
    return replace(
        found, policy_violation=violation, violated=tuple(violated), blocked=tuple(blocked)
    )
