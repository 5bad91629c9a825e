"""Rule: every panel says what it shows, what is normal, what to do, its unit, its empty state."""

from collections.abc import Iterator

from support.boards.dashboards import Json, panels

_PARTS = ("**Normal:**", "**Otherwise:**")


def problems(board: Json) -> Iterator[str]:
    """Panels a reader would have to guess at."""
    for panel in panels(board):
        title, config = panel["title"], panel["fieldConfig"]["defaults"]
        if not title:
            yield "a panel without a title"
        yield from (
            f"{title}: description has no {part}"
            for part in _PARTS
            if part not in panel["description"]
        )
        if not config.get("noValue"):
            yield f"{title}: nothing is said where there is no data"
        if "unit" not in config and panel["type"] != "table":
            yield f"{title}: no unit"
        for override in panel["fieldConfig"]["overrides"] if panel["type"] == "table" else ():
            names = {prop["id"] for prop in override["properties"]}
            if "thresholds" in names and "unit" not in names:
                yield f"{title}: column {override['matcher']['options']} has no unit"
