"""Every rule group, by the file it is written to.

In: the tables beside this file. Out: one table. No state. Within a group rules run in this order,
one after the other; groups run side by side, so what reads another group sees its last round.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from agentslo.bundle.alerts_agent import AGENT_ALERTS
from agentslo.bundle.alerts_evaluator import EVALUATOR_ALERTS
from agentslo.bundle.alerts_safety import SAFETY_ALERTS
from agentslo.bundle.alerts_service import SERVICE_ALERTS
from agentslo.bundle.alerts_slo import SLO_ALERTS
from agentslo.bundle.record_agents import AGENTS
from agentslo.bundle.record_budget import BUDGET
from agentslo.bundle.record_guard import GUARD
from agentslo.bundle.record_increments import INCREMENTS
from agentslo.bundle.record_objective import OBJECTIVE, OWNERS
from agentslo.bundle.record_sli import SLI, SLI_DAYS, SLI_HOURS, SLI_PERIOD, SLI_VIEWS
from agentslo.bundle.rule import Alert, Record, RuleGroup

RULE_FILES: Final[Mapping[str, tuple[RuleGroup, ...]]] = {
    "recording.rules.yml": (
        *(INCREMENTS, OBJECTIVE, OWNERS, SLI, SLI_HOURS, SLI_DAYS, GUARD),
        *(SLI_VIEWS, SLI_PERIOD, BUDGET, AGENTS),
    ),
    "alerts.rules.yml": (SAFETY_ALERTS, SLO_ALERTS, AGENT_ALERTS, SERVICE_ALERTS, EVALUATOR_ALERTS),
}

AWAITED: Final = frozenset({"agent_slo_burn_pvalue"})
"""Families of the design that rules read and the product does not expose yet."""


def groups() -> Iterator[RuleGroup]:
    """Every group, in the order of the files."""
    for found in RULE_FILES.values():
        yield from found


def records() -> Iterator[Record]:
    """Every recording rule."""
    for group in groups():
        yield from group.records


def alerts() -> Iterator[Alert]:
    """Every alert rule; some share a name and differ in `window`."""
    for group in groups():
        yield from group.alerts
