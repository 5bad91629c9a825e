"""Rule: a board can be provisioned from its file, again and again, without a change of identity."""

import re
from collections.abc import Iterator

from support.boards.dashboards import Json

_UID = re.compile(r"agent-slo-[a-z-]{1,30}")


def problems(board: Json) -> Iterator[str]:
    """What would make Grafana copy, edit or misplace the board."""
    if not _UID.fullmatch(str(board.get("uid"))):
        yield f"uid {board.get('uid')!r} is not agent-slo-NAME"
    yield from (f"has {key!r}" for key in ("id", "__inputs", "__requires") if key in board)
    if board.get("editable") is not False:
        yield "is editable"
    if board.get("tags") != ["agent-slo"]:
        yield "is not tagged agent-slo, so other boards do not link to it"
    if not board.get("title") or not board.get("description"):
        yield "has no title or description"
    if board.get("refresh") != "1m" or board.get("graphTooltip") != 1:
        yield "refresh must be 1m and the cursor shared"
