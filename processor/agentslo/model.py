"""The words every stage shares: roles, steps, runs, outcomes, verdicts.

Plain values without behaviour beyond lookups. No state, no I/O. `vocabulary` and `step` are part of
it. Sources: design.md 3 (outcomes and evidence ranks).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentslo.step import Step
from agentslo.vocabulary import (
    AGENT_LIKE,
    CONTROL_FLOW,
    Evaluation,
    Evidence,
    Fault,
    Finish,
    Outcome,
    Resource,
    Role,
    Scope,
    SloResult,
    ToldCall,
)

__all__ = [
    "AGENT_LIKE",
    "CONTROL_FLOW",
    "Evaluation",
    "Evidence",
    "Fault",
    "Finding",
    "Finish",
    "Outcome",
    "Resource",
    "Role",
    "Run",
    "Scope",
    "SloResult",
    "Step",
    "ToldCall",
    "Totals",
    "Verdict",
]


# Not frozen, as `Step` is not, and for the same reason.
@dataclass(slots=True, kw_only=True)
class Run:
    """One agent run, closed: its root (None: never came), its steps by start time, how it closed.

    `missing_parent` names the run where the root is lost. `parents` maps each span id to its parent
    as assembled (infrastructure spans skipped), so no rule walks raw spans.
    """

    run_id: str
    trace_id: str
    trace_ids: tuple[str, ...]
    root: Step | None
    steps: tuple[Step, ...]
    parents: Mapping[bytes, bytes]
    finalized_by: str
    agent: str
    agent_version: str
    service: str
    environment: str
    release: str
    conversation_id: str
    task_type: str
    start_ns: int
    end_ns: int
    source: str = ""
    prompt_version: str = ""
    tools_version: str = ""
    policy_version: str = ""
    models: tuple[str, ...] = ()
    entry_agent: str = ""
    """The run's agent as its own spans name it."""
    piece: bool = False  # a local parent of its topmost span never came: perhaps part of a run
    between_turns_s: float = 0.0  # in which a person had the word, in a whole conversation
    marks: int = field(default=-1, compare=False, repr=False)  # what may occur (`runs/marks`)

    @property
    def duration_s(self) -> float:
        """Seconds from the run's start to its end."""
        return max(0, self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One statement on a run with the evidence it rests on and the spans that prove it."""

    outcome: Outcome
    reason: str
    evidence: Evidence
    span_ids: tuple[bytes, ...] = ()


@dataclass(slots=True, kw_only=True)
class Totals:
    """What a run consumed and did. None: not told by any span (never 0)."""

    tokens_in: int | None
    tokens_out: int | None
    tokens_missing: int
    cost_usd: float | None
    cost_known_usd: float
    llm_calls: int | None
    tool_calls: int
    tool_errors: int
    retrievals: int
    human_wait_s: float
    loop: bool | None
    duplicate_actions: int
    escalated: bool | None
    escalation_reason: str
    policy_violation: bool | None
    confidence: float | None
    sub_agents: tuple[str, ...]
    cost_by_source: tuple[tuple[str, float], ...] = ()
    unpriced_tokens: tuple[tuple[str, int], ...] = ()
    violated: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    """Policies and permissions that were breached, or held against an attempt."""
    action_states: tuple[tuple[str, str], ...] = ()
    """(tool, state) of every effect, in order."""
    missed_evaluations: tuple[str, ...] = ()
    """Evaluations the agent file waits for that have not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a run, what it rests on, and each objective's result."""

    outcome: Outcome
    reason: str
    evidence: Evidence
    findings: tuple[Finding, ...]
    slos: Mapping[str, SloResult]
    totals: Totals
