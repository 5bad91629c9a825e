"""A board as Grafana's classic JSON: stable, file-provisioned, read by Grafana 10 and later.

In: a `Board`, the extra labels. Out: plain values, the same for the same board. No state. Ids count
up in reading order; rows that are collapsed hold their panels. Source: Grafana's dashboard JSON
model, prometheus-grafana.md 8.
"""

from collections.abc import Iterator
from typing import Any, Final

from agentslo.bundle.boards.expressions import written
from agentslo.bundle.boards.model import COLUMNS, TAG, Board, Panel, Query, Row, Setting, Variable
from agentslo.bundle.rules import Options
from agentslo.bundle.text import Links

SCHEMA_VERSION: Final = 41
PROMETHEUS: Final = {"type": "prometheus", "uid": "${datasource}"}
TEMPO: Final = {"type": "tempo", "uid": "${tempo}"}
_SOURCES: Final = {"prometheus": PROMETHEUS, "tempo": TEMPO}
_REFRESH_ON_TIME_RANGE: Final = 2
_SORT_ALPHABETICAL: Final = 1
_HIDE_VARIABLE: Final = 2


def dashboard(board: Board, options: Options) -> dict[str, Any]:
    """The whole dashboard."""
    extra = options.extra_labels
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.doc,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": board.span, "to": "now"},
        "timezone": "browser",
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "links": [_links()],
        "annotations": {"list": list(_annotations(board, extra))},
        "templating": {"list": list(_templating(board))},
        "panels": _laid_out(board, options),
    }


def _links() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "Boards",
        "tags": [TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


# ---- variables


def _templating(board: Board) -> Iterator[dict[str, Any]]:
    yield _data_source("datasource", "Data source", "prometheus")
    if board.traces:
        yield _data_source("tempo", "Traces", "tempo")
    for variable in board.variables:
        yield _variable(variable)
    for setting in board.settings:
        yield _setting(setting)


def _data_source(name: str, label: str, kind: str) -> dict[str, Any]:
    return {
        "type": "datasource",
        "name": name,
        "label": label,
        "query": kind,
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }


def _variable(variable: Variable) -> dict[str, Any]:
    many = not variable.single
    found: dict[str, Any] = {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": PROMETHEUS,
        "definition": written(variable.query, ()),
        "query": {"qryType": 1, "query": written(variable.query, ()), "refId": variable.name},
        "refresh": _REFRESH_ON_TIME_RANGE,
        "sort": _SORT_ALPHABETICAL,
        "hide": _HIDE_VARIABLE if variable.hidden else 0,
        "multi": many,
        "includeAll": many,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]} if many else {},
        "options": [],
        "regex": "",
        "skipUrlSync": variable.hidden,
    }
    return found if variable.single or variable.hidden else {**found, "allValue": ".+"}


def _setting(setting: Setting) -> dict[str, Any]:
    value = {"selected": True, "text": setting.value, "value": setting.value}
    return {
        "type": "textbox",
        "name": setting.name,
        "label": setting.label,
        "query": setting.value,
        "current": value,
        "options": [value],
        "hide": 0,
        "skipUrlSync": False,
    }


# ---- annotations


def _annotations(board: Board, extra: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    names = {variable.name for variable in board.variables}
    if "agent" not in names:
        return
    seen = "max by (<agent>, release) (agent_slo_release_info{@agent}%s)"
    marks = (
        (
            "New release",
            "blue",
            f"{seen % ''} unless {seen % ' offset 15m'}",
            "{{agent}}: release {{release}} is new",
        ),
        (
            "Switched off",
            "purple",
            'max by (<agent>) (ALERTS{@agent, alertname="AgentKillSwitchEngaged"})',
            "{{agent}} is switched off",
        ),
        (
            "Objective changed",
            "orange",
            "changes(agent_slo:objective:ratio{@agent}[10m]) > 0",
            "{{agent}}: objective {{slo}} changed",
        ),
    )
    for name, colour, expr, text in marks:
        yield {
            "name": name,
            "datasource": PROMETHEUS,
            "enable": True,
            "hide": False,
            "iconColor": colour,
            "expr": written(expr, extra),
            "step": "5m",
            "titleFormat": name,
            "textFormat": text,
            "useValueForTime": False,
        }


# ---- panels


def _laid_out(board: Board, options: Options) -> list[dict[str, Any]]:
    """Rows one below the other, panels from left to right, ids in reading order."""
    out: list[dict[str, Any]] = []
    ids, top = iter(range(1, 1_000)), 0
    for row in board.rows:
        head = _row(row, next(ids), top)
        placed = list(_placed(row.panels, top + 1))
        panels = [{"id": next(ids), **_panel(p, place, options)} for p, place in placed]
        if row.collapsed:
            head["panels"] = panels
            top += 1
        else:
            top = max(place["y"] + place["h"] for _, place in placed)
        out.append(head)
        out.extend([] if row.collapsed else panels)
    return out


def _placed(panels: tuple[Panel, ...], top: int) -> Iterator[tuple[Panel, dict[str, int]]]:
    x, y, tallest = 0, top, 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, tallest = x + panel.width, max(tallest, panel.height)


def _row(row: Row, ident: int, top: int) -> dict[str, Any]:
    return {
        "id": ident,
        "type": "row",
        "title": row.title,
        "collapsed": row.collapsed,
        "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        "panels": [],
    }


def _panel(panel: Panel, place: dict[str, int], options: Options) -> dict[str, Any]:
    source, extra = _SOURCES[panel.source], options.extra_labels
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": description(panel, options.links),
        "datasource": source,
        "gridPos": place,
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": source, **_target(panel, query, extra)}
            for number, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": dict(panel.config), "overrides": list(panel.overrides)},
        "options": dict(panel.options),
        "transformations": list(panel.transformations),
    }


def description(panel: Panel, links: Links) -> str:
    """The text behind a panel's `i`: what it shows, what is normal, what to do, the runbook."""
    text = f"{panel.shows}\n\n**Normal:** {panel.normal}\n\n**Otherwise:** {panel.act}"
    if not panel.alert:
        return text
    where = links.runbook(panel.alert)
    link = f"[{panel.alert}]({where})" if "://" in where else f"`{where}`"
    return f"{text}\n\n**Runbook:** {link}"


def _target(panel: Panel, query: Query, extra: tuple[str, ...]) -> dict[str, Any]:
    expr = written(query.expr, extra)
    if panel.source == "tempo":
        return {"queryType": "traceql", "query": expr, "tableType": "traces", "limit": 20}
    return {
        "expr": expr,
        "legendFormat": query.legend or "__auto",
        "editorMode": "code",
        "instant": query.instant,
        "range": not query.instant,
        "format": "table" if panel.kind == "table" else "time_series",
        "exemplar": query.exemplar,
    }
