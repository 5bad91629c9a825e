"""The dialects agentslo knows, in the order in which they may give a span its role.

The first that gives a role wins, so a dialect that corrects misleading operation names stands
before the general ones, and one that knows only spans without operation names behind them. The
order is that of conventions.md 1; every rule there is a dialect here.
"""

from collections.abc import Sequence

from agentslo.config.dialect_options import DialectOptions
from agentslo.dialects import (
    adk,
    agent_framework,
    autogen,
    azure,
    claude_code,
    crewai,
    genai,
    haystack,
    langfuse,
    langsmith,
    mapping,
    mcp,
    nemo,
    openinference,
    openllmetry,
    pydantic_ai,
    semantic_kernel,
    strands,
    vercel,
)
from agentslo.dialects.base import Dialect

BUILT_IN: tuple[Dialect, ...] = (
    mapping.DECLARED_ROLES,
    # Correct what an operation name says, or know operations of their own.
    langsmith.DIALECT,
    adk.DIALECT,
    crewai.DIALECT,
    nemo.DIALECT,
    azure.DIALECT,
    semantic_kernel.DIALECT,
    openinference.KEPT,
    # The general conventions.
    genai.DIALECT,
    openinference.DIALECT,
    openllmetry.DIALECT,
    # Know spans that carry none of them.
    claude_code.DIALECT,
    vercel.DIALECT,
    langfuse.DIALECT,
    mcp.DIALECT,
    haystack.DIALECT,
    agent_framework.DIALECT,
    autogen.DIALECT,
    pydantic_ai.DIALECT,
    strands.DIALECT,
    genai.OLD,
)


def in_force(options: DialectOptions, plugins: Sequence[Dialect] = ()) -> tuple[Dialect, ...]:
    """All dialects of a service: its users' roles, then plug-ins, then the built-in ones."""
    roles = options.roles
    own = mapping.dialect(roles.attribute, dict(roles.values))
    return (*((own,) if own else ()), *plugins, *BUILT_IN)
