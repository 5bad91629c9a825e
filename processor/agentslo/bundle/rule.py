"""What a recording rule, an alert and a rule group are, and how their label sets are written.

In: nothing. Out: values. No state. An expression is PromQL with placeholders for the label sets
rules aggregate by, so that `--extra-labels` can widen all of them at once:

    <slo>       agent, environment, slo and the extra labels
    <agent>     agent, environment and the extra labels
    <process>   the extra labels alone
    <,process>  the same behind a comma, nothing where there are none

Source: prometheus-grafana.md 1 and 11.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "warning", "info"]
Action = Literal["page", "ticket", "watch"]
Category = Literal[
    "objective", "safety", "behaviour", "telemetry", "evaluator", "drift", "containment"
]
Board = Literal["agent-slo-detail", "agent-slo-drift", "agent-slo-pipeline"]
Scope = Literal["slo", "agent", "process"]
"""What an alert is about: one objective, one agent, or the service itself."""

PRODUCT = "agent-slo"
SEVERITY: Mapping[Action, Severity] = {"page": "critical", "ticket": "warning", "watch": "info"}
_LEVELS = {"slo": ("agent", "environment", "slo"), "agent": ("agent", "environment"), "process": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A recording rule. `doc` says what the series is, in the reference."""

    name: str
    expr: str
    doc: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert. Severity follows from `action`, so that one name has one severity: the usual
    inhibition of warnings by a critical alert of the same name then never crosses agents.

    `needs`: families the product does not expose yet; without their series the alert is inert.
    """

    name: str
    action: Action
    category: Category
    scope: Scope
    expr: str
    wait: str
    """`for`: how long the condition must hold; empty: at once."""
    keep: str = ""
    """`keep_firing_for`."""
    summary: str
    description: str
    command: str
    contain: str = ""
    """How the agent is held back while this fires: an action of `agentslo contain`."""
    board: Board = "agent-slo-detail"
    labels: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Rules evaluated one after the other; `interval` empty: the server's own."""

    name: str
    interval: str
    doc: str
    records: tuple[Record, ...] = ()
    alerts: tuple[Alert, ...] = ()


def labels_of(scope: Scope, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The labels that tell one series of this scope from the next."""
    return (*_LEVELS[scope], *extra)


def filled(expr: str, extra: tuple[str, ...]) -> str:
    """The expression with its placeholders written out."""
    text = expr
    for scope in ("slo", "agent", "process"):
        text = text.replace(f"<{scope}>", ", ".join(labels_of(scope, extra)))
    return text.replace("<,process>", "".join(f", {label}" for label in extra))
