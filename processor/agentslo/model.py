"""The words every stage shares: roles, steps, runs, outcomes, verdicts.

Plain values without behaviour beyond lookups. No state, no I/O. Sources: design.md 3 (outcomes and
evidence ranks), OTel GenAI semantic conventions (roles, finish reasons).
"""

from dataclasses import dataclass, field
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
