"""Learning a baseline anew, as a decision: who, why, and which baseline was given up.

In: decisions. Out: drafts of them, and which agents were told to learn anew when. Pure. A baseline
never moves by itself, or slow drift would vanish; a person may say that the new normal is wanted.
"""

from collections.abc import Iterable, Mapping

from agentslo.respond.desk import Draft
from agentslo.store.decisions import Decision

RELEARN = "baseline_relearn"
At = tuple[str, str]
"""Agent and environment."""


def draft(at: At, reason: str, digest: str) -> Draft:
    """The decision that an agent learns its baseline anew; `digest`: of the one given up."""
    agent, environment = at
    return Draft(
        kind=RELEARN,
        subject=f"baseline/{agent}/{environment}",
        agent=agent,
        body={"environment": environment, "reason": reason, "digest": digest},
    )


def asked(rows: Iterable[Decision]) -> Mapping[At, int]:
    """When each agent was last told to learn anew, in unix ns."""
    return {
        (row.agent, str(row.body["environment"])): row.time_ns
        for row in rows
        if row.kind == RELEARN
    }
