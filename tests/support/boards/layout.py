"""Rule: panels lie within the grid, none over another, each with an id and a row above it."""

from collections.abc import Iterator

from support.boards.dashboards import Json

COLUMNS = 24


def problems(board: Json) -> Iterator[str]:
    """Panels that overlap, stick out, or share an id."""
    flat = [p for top in board["panels"] for p in (top, *top.get("panels", ()))]
    ids = [panel["id"] for panel in flat]
    if len(set(ids)) != len(ids):
        yield "two panels share an id"
    if board["panels"][:1] and board["panels"][0]["type"] != "row":
        yield "the first panel is no row"
    taken: dict[tuple[int, int], str] = {}
    for panel in flat:
        place, title = panel["gridPos"], panel["title"]
        if place["x"] + place["w"] > COLUMNS:
            yield f"{title}: sticks out to the right"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), title)
                if other != title and not _hidden(board, panel):
                    yield f"{title}: lies over {other}"
                    return
        refs = [target["refId"] for target in panel.get("targets", ())]
        if len(set(refs)) != len(refs):
            yield f"{title}: two queries share a letter"


def _hidden(board: Json, panel: Json) -> bool:
    return any(panel in top.get("panels", ()) for top in board["panels"])
