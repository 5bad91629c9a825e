"""Rule: every query asks a data source the reader can change, and no other."""

from collections.abc import Iterator

from support.boards.dashboards import Json, panels, promql, targets

_KNOWN = {"prometheus": "${datasource}", "tempo": "${tempo}"}


def problems(board: Json) -> Iterator[str]:
    """Panels and queries bound to one installation."""
    names = {variable["name"] for variable in board["templating"]["list"]}
    asked = [(p["title"], p["datasource"]) for p in panels(board)]
    asked += [(str(t), t.query["datasource"]) for t in targets(board)]
    for what, source in asked:
        if _KNOWN.get(source["type"]) != source["uid"]:
            yield f"{what}: asks {source}"
        elif source["uid"][2:-1] not in names:
            yield f"{what}: no variable for {source['uid']}"
    for target in promql(board):
        if target.query["instant"] is target.query["range"]:
            yield f"{target}: must be either instant or a range"
