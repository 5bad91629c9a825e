"""Rule: links lead to boards that exist and keep time and data source; runbooks are of alerts that
exist.
"""

import re
from collections.abc import Iterator

from agentslo.bundle.boards.catalogue import BOARDS
from agentslo.bundle.catalogue import alerts
from support.boards.dashboards import Json, panels

_BOARD = re.compile(r"^/d/([\w-]+)\?")
_RUNBOOK = re.compile(r"runbooks/(\w+)\.md")


def problems(board: Json) -> Iterator[str]:
    """Links into nothing, or that forget what the reader had chosen."""
    uids, names = {b.uid for b in BOARDS}, {a.name for a in alerts()}
    if not any(link["type"] == "dashboards" and link["keepTime"] for link in board["links"]):
        yield "does not link to the other boards"
    for panel in panels(board):
        for name in _RUNBOOK.findall(panel["description"]):
            if name not in names:
                yield f"{panel['title']}: no alert {name}"
        for override in panel["fieldConfig"]["overrides"]:
            for prop in override["properties"]:
                for link in prop["value"] if prop["id"] == "links" else ():
                    found = _BOARD.match(link["url"])
                    if not found or found[1] not in uids:
                        yield f"{panel['title']}: no board at {link['url']}"
                    if "__url_time_range" not in link["url"]:
                        yield f"{panel['title']}: {link['title']} forgets the time range"
