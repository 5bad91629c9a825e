"""Whether the run used more than its task allows.

In: a run, its totals, the agent file. Out: findings of rank heuristic: counts and clocks. Pure.
"""

from collections.abc import Iterator

from agentslo.config.agent_options import AgentFile
from agentslo.model import Evidence, Finding, Outcome, Run, Totals
from agentslo.outcomes.cost import own_usd


def limits(run: Run, totals: Totals, file: AgentFile) -> Iterator[Finding]:
    """One finding per limit that was exceeded. People's time and its cost do not count."""
    allowed = file.task.limits
    tokens = (totals.tokens_in or 0) + (totals.tokens_out or 0)
    used = (
        ("duration_limit", run.duration_s - totals.human_wait_s, allowed.duration_s),
        ("cost_limit", own_usd(totals), allowed.cost_usd),
        ("step_limit", totals.llm_calls or 0, allowed.steps),
        ("turn_limit", len(run.trace_ids), allowed.turns),
        ("token_limit", tokens, allowed.tokens),
    )
    for reason, value, bound in used:
        if bound is not None and value > bound:
            yield Finding(outcome=Outcome.LIMIT, reason=reason, evidence=Evidence.HEURISTIC)
