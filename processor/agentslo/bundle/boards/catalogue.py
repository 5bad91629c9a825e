"""Every board, and what boards leave out on purpose.

In: nothing. Out: tables. No state. A test holds every family of the metric catalogue to a board, by
name or through a recorded series, or to a reason here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from agentslo.bundle.boards.agent import AGENT_BOARD
from agentslo.bundle.boards.cost import COST
from agentslo.bundle.boards.drift import DRIFT_BOARD
from agentslo.bundle.boards.fleet import FLEET
from agentslo.bundle.boards.health import HEALTH
from agentslo.bundle.boards.operations import OPERATIONS
from agentslo.bundle.boards.runs import RUNS

BOARDS: Final = (FLEET, AGENT_BOARD, DRIFT_BOARD, RUNS, COST, OPERATIONS, HEALTH)

NOT_SHOWN: Final[Mapping[str, str]] = MappingProxyType({})
"""Family to the reason why no board shows it."""

AWAITED: Final = frozenset[str]()
"""Families of the design that boards read and the product does not expose yet."""
