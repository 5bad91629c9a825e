"""Rule: variables behave alike on every board: data source first, all values by default, chained.

A variable of one value, or a hidden one that spells out its values for TraceQL, has no "All" regex.
"""

from collections.abc import Iterator

from support.boards.dashboards import Json, targets

_CHAIN = {"agent": "environment", "slo": "agent", "release": "agent"}


def problems(board: Json) -> Iterator[str]:
    """Variables that surprise."""
    found = board["templating"]["list"]
    names = [variable["name"] for variable in found]
    if names[:1] != ["datasource"] or found[0]["label"] != "Data source":
        yield "the first variable must be `datasource`, label `Data source`"
    for variable in found:
        yield from _query(variable) if variable["type"] == "query" else ()
    used = "".join(target.expr for target in targets(board))
    queries = "".join(str(v.get("query", "")) for v in found)
    for name in names:
        plain, braced = f"${name}" in used + queries, f"${{{name}" in used
        if name not in {"datasource", "tempo"} and not plain and not braced:
            yield f"variable {name} is used by nothing"
    for name, above in _CHAIN.items():
        query = next((v["query"]["query"] for v in found if v["name"] == name), f"${above}")
        if f"${above}" not in query:
            yield f"variable {name} does not depend on {above}"


def _query(variable: Json) -> Iterator[str]:
    name = variable["name"]
    if variable["refresh"] != 2:
        yield f"variable {name}: refresh on time range change"
    if not variable["sort"]:
        yield f"variable {name}: values are not sorted"
    if variable["includeAll"] is not variable["multi"]:
        yield f"variable {name}: All without several values, or the reverse"
    if variable["multi"] and not variable["hide"] and variable.get("allValue") != ".+":
        yield f"variable {name}: All must be `.+`, or a large fleet makes the query too long"
