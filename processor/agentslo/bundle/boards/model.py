"""What a dashboard is made of, before it becomes Grafana's JSON.

In: nothing. Out: values. No state. Expressions are PromQL with the label placeholders of
`bundle.rule` and selectors for the chosen variables:

    @env    environment=~"$environment"
    @agent  the same and agent=~"$agent"
    @slo    the same and slo=~"$slo"

Source: prometheus-grafana.md 8 (conventions 1 to 10).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["stat", "timeseries", "table", "state-timeline", "bargauge"]
Source = Literal["prometheus", "tempo"]

COLUMNS = 24
TAG = "agent-slo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One target of a panel: PromQL, or TraceQL where the panel's source is Tempo."""

    expr: str
    legend: str = ""
    instant: bool = False
    exemplar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `shows`, `normal` and `act` become its description: what it is, what it looks like
    when all is well, what to do when it does not. `config` is Grafana's field configuration.
    """

    kind: Kind
    title: str
    shows: str
    normal: str
    act: str
    queries: tuple[Query, ...]
    width: int
    height: int = 8
    source: Source = "prometheus"
    config: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    transformations: tuple[Mapping[str, Any], ...] = ()
    alert: str = ""
    """The alert that fires on what the panel shows; its runbook is linked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A titled row of panels, laid out from left to right in the order given."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A query variable. `single`: exactly one value is chosen; `hidden`: it only feeds queries, and
    "All" is spelled out, because TraceQL is asked for exactly these values.
    """

    name: str
    label: str
    query: str
    single: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A text a reader may change: a declared baseline."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    doc: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    settings: tuple[Setting, ...] = ()
    traces: bool = False
    """Whether it asks Tempo, and so needs a second data source."""
    span: str = "now-24h"

    def panels(self) -> tuple[Panel, ...]:
        """Every panel, in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)
