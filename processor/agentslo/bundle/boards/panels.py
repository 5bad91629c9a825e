"""Panels of four kinds, as boards ask for them.

In: words and queries. Out: `Panel`s with Grafana's options filled in. No state. What a reader needs
is asked for; what every panel of a kind has in common stands here once.
"""

from collections.abc import Mapping
from typing import Any, Literal

from agentslo.bundle.boards.colours import (
    PLAIN,
    Steps,
    Words,
    mappings,
    painted,
    thresholds,
    word_steps,
)
from agentslo.bundle.boards.model import Panel, Query

NO_RUNS = "no runs"
NONE = "none"
_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
Style = Literal["line", "bars", "stacked"]


def stat(
    title: str,
    expr: str,
    *,
    shows: str,
    normal: str,
    act: str,
    alert: str = "",
    unit: str = "short",
    steps: Steps = PLAIN,
    words: Words | None = None,
    legend: str = "",
    width: int = 4,
    height: int = 4,
    decimals: int | None = None,
    empty: str = NO_RUNS,
    filled: bool = False,
) -> Panel:
    """One number, or one a series where `legend` names them. `filled`: a tile of its colour."""
    config: dict[str, Any] = {
        "unit": unit,
        "noValue": empty,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds(word_steps(words) if words else steps),
        "mappings": mappings(words) if words else [],
    }
    if decimals is not None:
        config["decimals"] = decimals
    return Panel(
        kind="stat",
        title=title,
        shows=shows,
        normal=normal,
        act=act,
        alert=alert,
        queries=(Query(expr=expr, legend=legend or title, instant=True),),
        width=width,
        height=height,
        config=config,
        options={
            "reduceOptions": _LAST,
            "colorMode": "background" if filled else "value",
            "graphMode": "none",
            "textMode": "value_and_name" if legend else "value",
            "justifyMode": "auto",
            "orientation": "auto",
            "wideLayout": True,
            "showPercentChange": False,
        },
    )


def trend(
    title: str,
    *queries: Query,
    shows: str,
    normal: str,
    act: str,
    alert: str = "",
    unit: str = "short",
    style: Style = "line",
    steps: Steps | None = None,
    colours: Mapping[str, str] | None = None,
    dashed: str = "",
    width: int = 12,
    height: int = 8,
    empty: str = NO_RUNS,
    low: float | None = 0.0,
    high: float | None = None,
) -> Panel:
    """Series over time. `steps` draws lines at its values; `dashed` names the series that is a
    limit: dashed and red, for the others to stay below.
    """
    config: dict[str, Any] = {
        "unit": unit,
        "noValue": empty,
        "color": {"mode": "palette-classic"},
        "thresholds": thresholds(steps or PLAIN),
        "custom": _drawn(style, low, "dashed" if steps else "off"),
    }
    if high is not None:
        config["max"] = high
    return Panel(
        kind="timeseries",
        title=title,
        shows=shows,
        normal=normal,
        act=act,
        alert=alert,
        queries=queries,
        width=width,
        height=height,
        config=config,
        overrides=(*painted(colours or {}), *((_limit(dashed),) if dashed else ())),
        options={
            "legend": {
                "displayMode": "table",
                "placement": "right" if width > 12 else "bottom",
                "showLegend": True,
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def _drawn(style: Style, low: float | None, limits: str) -> dict[str, Any]:
    line = style == "line"
    axis = {} if low is None else {"axisSoftMin": low}
    return {
        "drawStyle": "line" if line else "bars",
        "lineWidth": 2 if line else 0,
        "fillOpacity": 0 if line else 80,
        "showPoints": "never",
        "lineInterpolation": "linear",
        "spanNulls": False,
        "stacking": {"mode": "normal" if style == "stacked" else "none", "group": "A"},
        "thresholdsStyle": {"mode": limits},
        **axis,
    }


def _limit(name: str) -> dict[str, Any]:
    dash = {"fill": "dash", "dash": [10, 8]}
    return {
        "matcher": {"id": "byRegexp", "options": f"/{name}/"},
        "properties": [
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
            {"id": "custom.lineStyle", "value": dash},
            {"id": "custom.lineWidth", "value": 1},
        ],
    }


def timeline(
    title: str,
    *queries: Query,
    words: Words,
    shows: str,
    normal: str,
    act: str,
    alert: str = "",
    width: int = 24,
    height: int = 7,
    empty: str = NONE,
) -> Panel:
    """States over time, a lane a series."""
    return Panel(
        kind="state-timeline",
        title=title,
        shows=shows,
        normal=normal,
        act=act,
        alert=alert,
        queries=queries,
        width=width,
        height=height,
        config={
            "unit": "none",
            "noValue": empty,
            "color": {"mode": "thresholds"},
            "thresholds": thresholds(word_steps(words)),
            "mappings": mappings(words),
            "custom": {"lineWidth": 0, "fillOpacity": 80, "spanNulls": False},
        },
        options={
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.8,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def bars(
    title: str,
    *queries: Query,
    shows: str,
    normal: str,
    act: str,
    alert: str = "",
    unit: str = "short",
    decimals: int = 0,
    steps: Steps = PLAIN,
    colours: Mapping[str, str] | None = None,
    width: int = 12,
    height: int = 8,
    empty: str = NO_RUNS,
) -> Panel:
    """One horizontal bar a series, at the end of the time range."""
    return Panel(
        kind="bargauge",
        title=title,
        shows=shows,
        normal=normal,
        act=act,
        alert=alert,
        queries=queries,
        width=width,
        height=height,
        config={
            "unit": unit,
            "decimals": decimals,
            "noValue": empty,
            "min": 0,
            "color": {"mode": "thresholds"},
            "thresholds": thresholds(steps),
        },
        overrides=painted(colours or {}),
        options={
            "reduceOptions": _LAST,
            "displayMode": "basic",
            "orientation": "horizontal",
            "valueMode": "color",
            "namePlacement": "left",
            "showUnfilled": True,
            "sizing": "auto",
            "minVizWidth": 8,
            "minVizHeight": 16,
            "maxVizHeight": 30,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        },
    )
