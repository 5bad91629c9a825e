"""Rule: every query of Prometheus is PromQL once its variables are filled in."""

from collections.abc import Iterator

from support.boards.dashboards import Json, parsed, promql


def problems(board: Json) -> Iterator[str]:
    """Queries that do not parse."""
    for target in promql(board):
        try:
            parsed(target.expr)
        except ValueError as error:
            yield f"{target}: {error}"
