"""The words of agent runs: roles, ends, faults, outcomes, evidence, and who sent a span.

Plain values without behaviour beyond lookups. No state, no I/O. Sources: design.md 3 (outcomes and
evidence ranks), the OTel GenAI semantic conventions (roles, finish reasons).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Role(StrEnum):
    """What a span does in an agent run."""

    WORKFLOW = "workflow"
    AGENT = "agent"
    STEP = "step"
    LLM = "llm"
    TOOL = "tool"
    RETRIEVAL = "retrieval"
    EMBEDDING = "embedding"
    MEMORY = "memory"
    GUARDRAIL = "guardrail"
    HANDOFF = "handoff"
    EVALUATOR = "evaluator"
    HUMAN = "human"
    ADMIN = "admin"
    """Agent life-cycle calls (`create_agent`, handshakes): kept in the trace, never a run."""


AGENT_LIKE = frozenset({Role.AGENT, Role.WORKFLOW})


class Finish(StrEnum):
    """Why a model stopped writing, normalised over providers."""

    STOP = "stop"
    TOOL_CALL = "tool_call"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    ERROR = "error"
    CANCELLED = "cancelled"


class Fault(StrEnum):
    """What an exception or error mark on a span means for the run. Only OTHER, LIMIT, GUARDRAIL
    and REFUSAL are failures; the rest is control flow that instrumentation marks as an error.
    """

    HANDOFF = "handoff"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    LIMIT = "limit"
    GUARDRAIL = "guardrail"
    REFUSAL = "refusal"
    OTHER = "other"


CONTROL_FLOW = frozenset({Fault.HANDOFF, Fault.PAUSED, Fault.CANCELLED})


class Outcome(StrEnum):
    """How a run ended, in order of precedence among findings of equal weight (design.md 3)."""

    EXCLUDED = "excluded"
    UNSAFE_ACTION = "unsafe_action"
    DATA_CORRUPTION = "data_corruption"
    HALLUCINATION = "hallucination"
    TOOL_FAILURE = "tool_failure"
    LIMIT = "limit"
    ERROR = "error"
    WRONG_RESULT = "wrong_result"
    BAD_ESCALATION = "bad_escalation"
    REFUSED = "refused"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    SAFE_ESCALATION = "safe_escalation"
    SUCCESS = "success"
    COMPLETED = "completed"
    UNKNOWN = "unknown"


class Evidence(IntEnum):
    """What a finding rests on, weakest first."""

    NONE = 0
    SELF_REPORT = 1
    HEURISTIC = 2
    TOOL_RESULT = 3
    EVALUATOR = 4
    HUMAN = 5
    SYSTEM_OF_RECORD = 6

    @property
    def label(self) -> str:
        """The name used in attributes, metrics and replay output."""
        return self.name.lower()


class SloResult(StrEnum):
    """One run against one objective."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Who sent a span: what of an OTLP resource decides identity, and its bytes as sent."""

    service: str = ""
    service_version: str = ""
    instance_id: str = ""
    environment: str = ""
    encoded: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The instrumentation that made a span."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One judgement of a run by an evaluator or a person (`gen_ai.evaluation.result`).

    `score` is in the evaluator's own unit, None where only a label came; `id` makes it idempotent.
    """

    name: str
    label: str = ""
    score: float | None = None
    human: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCall:
    """One side of a tool call in messages: what a model asked for, or the result it was given."""

    id: str
    tool: str = ""
    content_hash: int | None = None
    failed: bool = False
