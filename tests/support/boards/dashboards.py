"""Reading dashboards: panels, targets, and PromQL with Grafana's variables filled in.

In: a dashboard's JSON as values. Out: its parts. No state.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser

Json = Any
FOLDER = Path(__file__).parents[3] / "grafana" / "dashboards"

DEFAULTS = {"people_share": "1", "people_minutes": "15"}
_TIMES = {"__rate_interval": "5m", "__interval": "1m"}
_VARIABLE = re.compile(r"\$\{?(\w+)(?::\w+)?\}?")


@dataclass(frozen=True, slots=True)
class Target:
    """One query of one panel."""

    panel: Json
    query: Json

    @property
    def tempo(self) -> bool:
        """Whether it is TraceQL."""
        return bool(self.query["datasource"]["type"] == "tempo")

    @property
    def expr(self) -> str:
        """The query as written."""
        return str(self.query["query"] if self.tempo else self.query["expr"])

    def __str__(self) -> str:
        return f"{self.panel['title']} {self.query['refId']}"


def committed() -> dict[str, Json]:
    """Every dashboard of the repository by uid."""
    files = sorted(FOLDER.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def panels(board: Json) -> Iterator[Json]:
    """Every panel with data, those of collapsed rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def targets(board: Json) -> Iterator[Target]:
    """Every query."""
    for panel in panels(board):
        for query in panel["targets"]:
            yield Target(panel, query)


def promql(board: Json) -> Iterator[Target]:
    """Every query of Prometheus."""
    return (target for target in targets(board) if not target.tempo)


def filled(expr: str, span: str = "1d", chosen: str = ".+") -> str:
    """The expression as Grafana would send it: all values chosen, times given."""
    known = {**DEFAULTS, **_TIMES, "__range": span}
    return _VARIABLE.sub(lambda found: known.get(found[1], chosen), expr)


def span_of(board: Json) -> str:
    """The time range a board opens with, as a duration."""
    return str(board["time"]["from"]).removeprefix("now-")


def nodes(expr: object) -> Iterator[object]:
    """Every node of a parsed expression."""
    yield expr
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        below = getattr(expr, name, None)
        if below is not None:
            yield from nodes(below)
    for argument in getattr(expr, "args", None) or ():
        yield from nodes(argument)


def parsed(expr: str) -> promql_parser.Expr:
    """The expression as a tree; raises `ValueError` where it is no PromQL."""
    return promql_parser.parse(filled(expr))


def selectors(expr: str) -> Iterator[promql_parser.VectorSelector]:
    """Every series selector of an expression."""
    for node in nodes(parsed(expr)):
        if isinstance(node, promql_parser.VectorSelector):
            yield node
