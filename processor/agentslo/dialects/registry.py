"""The dialects agentslo knows, in the order in which they may give a span its role.

Source of the order: conventions.md 1. The first that gives a role wins, so a dialect that corrects
misleading operation names stands before the general one.
"""

from agentslo.dialects import adk, genai, openinference, openllmetry
from agentslo.dialects.base import Dialect

BUILT_IN: tuple[Dialect, ...] = (
    adk.DIALECT,
    genai.DIALECT,
    openinference.DIALECT,
    openllmetry.DIALECT,
    genai.OLD,
)
