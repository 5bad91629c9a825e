"""Tables: rows by label, a column a query; and lists of traces.

In: words, labels, columns. Out: `Panel`s. No state. All columns of a table are instant queries that
keep the same labels, so Grafana's `merge` joins them into one row a label set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agentslo.bundle.boards.colours import Steps, Words, mappings, thresholds, word_steps
from agentslo.bundle.boards.model import Panel, Query
from agentslo.bundle.boards.panels import NO_RUNS

# What a panel says where it has no rows is no text for one empty cell.
_EMPTY_CELLS: Final = {
    "matcher": {"id": "byRegexp", "options": "/.*/"},
    "properties": [{"id": "noValue", "value": "-"}],
}


_LONG: Final = {"Agent": 190, "Alert and runbook": 230}
"""Columns whose texts are long, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of numbers. `steps` or `words` colour its cells. `expr` may keep more labels than
    the table's keys; those it names in `labels` become columns too, its value goes where `hidden`.
    """

    title: str
    expr: str
    unit: str = "short"
    steps: Steps = ()
    words: Words | None = None
    decimals: int | None = None
    width: int = 0
    hidden: bool = False
    first: bool = False
    """Stands before the keys: what a reader must see first."""


def table(
    title: str,
    *columns: Column,
    keys: Mapping[str, str],
    dropped: tuple[str, ...] = (),
    shows: str,
    normal: str,
    act: str,
    alert: str = "",
    sort: str = "",
    descending: bool = True,
    links: Mapping[str, tuple[str, str]] | None = None,
    width: int = 24,
    height: int = 8,
    empty: str = NO_RUNS,
) -> Panel:
    """Rows by `keys` (label to column title), in that order; `dropped` labels are not shown.
    `links` is column to (text, URL).
    """
    return Panel(
        kind="table",
        title=title,
        shows=shows,
        normal=normal,
        act=act,
        alert=alert,
        queries=tuple(Query(expr=column.expr, instant=True) for column in columns),
        width=width,
        height=height,
        config={
            "noValue": empty,
            "custom": {
                "align": "auto",
                "cellOptions": {"type": "auto"},
                "filterable": True,
                "minWidth": 60,
            },
        },
        overrides=(
            _EMPTY_CELLS,
            *(_wide(name) for name in keys.values() if name in _LONG),
            *(_cells(column) for column in columns if not column.hidden),
            *(_link(name, *link) for name, link in (links or {}).items()),
        ),
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "footer": {"show": False, "reducer": ["sum"], "fields": ""},
            "sortBy": [{"displayName": sort, "desc": descending}] if sort else [],
        },
        transformations=_joined(columns, keys, dropped),
    )


def _joined(
    columns: tuple[Column, ...], keys: Mapping[str, str], dropped: tuple[str, ...]
) -> tuple[Mapping[str, Any], ...]:
    """One row a label set; columns named and in order."""
    letters = [chr(ord("A") + place) for place in range(len(columns))]
    values = ["Value"] if len(columns) == 1 else [f"Value #{letter}" for letter in letters]
    titled = list(zip(values, columns, strict=True))
    names = {
        **{value: column.title for value, column in titled if column.first},
        **keys,
        **{value: column.title for value, column in titled if not column.first},
    }
    unseen = ("Time", "__name__", *dropped, *(value for value, column in titled if column.hidden))
    order = {
        "excludeByName": dict.fromkeys(unseen, True),
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": names,
    }
    return ({"id": "merge", "options": {}}, {"id": "organize", "options": order})


def traces(
    title: str,
    query: str,
    *,
    shows: str,
    normal: str,
    act: str,
    alert: str = "",
    width: int = 24,
) -> Panel:
    """Runs found by TraceQL, each a link to its trace."""
    return Panel(
        kind="table",
        title=title,
        shows=shows,
        normal=normal,
        act=act,
        alert=alert,
        queries=(Query(expr=query),),
        width=width,
        height=9,
        source="tempo",
        config={"unit": "string", "noValue": "no such run in this time range"},
        options={"showHeader": True, "cellHeight": "sm"},
    )


def _cells(column: Column) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [{"id": "unit", "value": column.unit}]
    if column.decimals is not None:
        properties.append({"id": "decimals", "value": column.decimals})
    if column.width:
        properties.append({"id": "custom.width", "value": column.width})
    if column.words or column.steps:
        steps = word_steps(column.words) if column.words else column.steps
        kind = {"type": "color-background" if column.words else "color-text"}
        properties += [
            {"id": "thresholds", "value": thresholds(steps)},
            {"id": "color", "value": {"mode": "thresholds"}},
            {"id": "custom.cellOptions", "value": kind},
        ]
    if column.words:
        properties.append({"id": "mappings", "value": mappings(column.words)})
    return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}


def _wide(name: str) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "custom.width", "value": _LONG[name]}],
    }


def _link(name: str, text: str, url: str) -> dict[str, Any]:
    links = [{"title": text, "url": url, "targetBlank": False}]
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "links", "value": links}],
    }
