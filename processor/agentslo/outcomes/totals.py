"""What a run consumed and did: tokens, calls, cost.

In: a `RunView` and what the rules found. Out: `Totals`. Pure. Unknown stays None, never 0.
Token rule (FINDINGS 1.6): a span's usage counts unless a usage-bearing descendant can be reached
without passing an agent, tool or workflow span; exact in every capture that holds usage.
"""

from collections.abc import Sequence
from functools import lru_cache

from agentslo.model import Role, Step, Totals
from agentslo.outcomes import escalation
from agentslo.outcomes import promised as promise
from agentslo.outcomes.case import Case
from agentslo.outcomes.cost import Price, cost, outermost_free
from agentslo.outcomes.handover import reason_of
from agentslo.outcomes.judged import cleared, rule_for
from agentslo.outcomes.view import RunView
from agentslo.runs import marks as mark

MAX_NAMES = 10_000
_AGENT, _HUMAN = mark.ROLE_BITS[Role.AGENT], mark.ROLE_BITS[Role.HUMAN]
_RETRIEVAL = mark.ROLE_BITS[Role.RETRIEVAL]


def counted_usage(view: RunView) -> Sequence[Step]:
    """The steps whose own usage counts towards the run."""
    bearing = [s for s in view.run.steps if s.usage_in is not None or s.usage_out is not None]
    return outermost_free(view, bearing)


def totals(case: Case, counted: Sequence[Step], price: Price) -> Totals:
    """The totals of a run whose usage is on `counted`."""
    view, steps, marks = case.view, case.view.run.steps, case.view.marks
    spent = cost(view, case.file, counted, price)
    tokens_in = [s.usage_in for s in counted if s.usage_in is not None]
    tokens_out = [s.usage_out for s in counted if s.usage_out is not None]
    people_s = sum(s.duration_s for s in steps if s.role is Role.HUMAN) if marks & _HUMAN else 0.0
    violated, blocked = _breached(case)
    return Totals(
        tokens_in=sum(tokens_in) if tokens_in else None,
        tokens_out=sum(tokens_out) if tokens_out else None,
        tokens_missing=_missing(view, counted),
        cost_usd=spent.total_usd,
        cost_known_usd=spent.known_usd,
        cost_by_source=tuple(sorted(spent.by_source.items())),
        unpriced_tokens=tuple(sorted(spent.unpriced_tokens.items())),
        llm_calls=len(view.models) if view.calls_models else None,
        tool_calls=len(view.tools),
        tool_errors=len(view.failures),
        retrievals=sum(s.role is Role.RETRIEVAL for s in steps) if marks & _RETRIEVAL else 0,
        human_wait_s=view.run.between_turns_s + people_s,
        loop=case.loop.loop,
        duplicate_actions=sum(a.state == "duplicate" for a in case.done),
        escalated=case.handed is not None,
        escalation_reason=_reason(case) if marks & (mark.DECLARED | mark.FACTS) else "",
        policy_violation=_violation(case, violated),
        confidence=_confidence(steps) if marks & mark.DECLARED else None,
        sub_agents=_sub_agents(view) if marks & _AGENT else (),
        violated=violated,
        blocked=blocked,
        action_states=tuple((a.tool.name, a.state) for a in case.done),
        missed_evaluations=_missed(case) if case.known.kinds & promise.WAITS else (),
    )


def _missing(view: RunView, counted: Sequence[Step]) -> int:
    """Model calls without usage in themselves or in a model span that repeats them."""
    told = {s.span_id for s in counted}
    if view.marks & mark.NESTED_MODEL:
        for step in counted:
            told.update(a.span_id for a in view.ancestors(step) if a.role is Role.LLM)
    return sum(s.span_id not in told for s in view.models)


def _breached(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Policies violated, unless a stronger judge denied all of it, and those that held."""
    found = case.breaches
    results = case.judgement.results
    if found.violated and all(cleared(f, results) for f in found.findings):
        return (), tuple(found.blocked)
    return tuple(found.violated), tuple(found.blocked)


def _violation(case: Case, violated: Sequence[str]) -> bool | None:
    """Whether a policy was violated, as found or as declared; None where nothing would tell."""
    if violated:
        return True
    if case.view.marks & mark.DECLARED:
        declared = (s.declared for s in case.view.run.steps)
        told = [d["policy_violation"] for d in declared if "policy_violation" in d]
        if told:
            return any(one is True for one in told)
    return None if case.file.is_default else False


def _confidence(steps: Sequence[Step]) -> float | None:
    told = [s.declared.get("confidence") for s in steps]
    numbers = [float(one) for one in told if isinstance(one, float | int)]
    return numbers[-1] if numbers else None


def _sub_agents(view: RunView) -> tuple[str, ...]:
    names = {s.agent for s in view.run.steps if s.role is Role.AGENT and s.agent}
    names -= {_own_name(view.run.agent), view.run.entry_agent}
    return tuple(sorted(names)) if names else ()


@lru_cache(MAX_NAMES)
def _own_name(agent: str) -> str:
    return agent.rsplit("/", 1)[-1]


def _reason(case: Case) -> str:
    """Why the run was handed to a person, as it says itself."""
    step = case.declared_handover
    if step is not None:
        rule = case.known.tools[step.tool].escalation
        if rule is not None and (told := reason_of(step, rule)):
            return told
    return escalation.reason(case.view)


def _missed(case: Case) -> tuple[str, ...]:
    """Evaluations the file waits for that have not come."""
    came = {e.name.lower() for s in case.view.run.steps for e in s.evaluations}
    came |= {e.name.lower() for e in case.said}
    return tuple(
        rule.name
        for rule in case.file.evaluations
        if rule.wait_s > 0 and not any(rule_for(n, (rule,)) is rule for n in came)
    )
