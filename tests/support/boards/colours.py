"""Rule: an outcome or a result has the same colour on every board."""

from collections.abc import Iterator

from agentslo.bundle.boards.colours import OUTCOMES, RESULTS
from support.boards.dashboards import Json, panels

_KNOWN = {**OUTCOMES, **RESULTS}


def problems(board: Json) -> Iterator[str]:
    """Colours that mean something else elsewhere."""
    for panel in panels(board):
        for override in panel["fieldConfig"]["overrides"]:
            name = override["matcher"]["options"]
            for prop in override["properties"]:
                if prop["id"] != "color" or name not in _KNOWN:
                    continue
                if prop["value"].get("fixedColor") != _KNOWN[name]:
                    yield f"{panel['title']}: {name} is not {_KNOWN[name]}"
