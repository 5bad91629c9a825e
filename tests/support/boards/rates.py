"""Rule: counters are read as increments, over a window that fits the picture.

Over a time range the window is `$__rate_interval`; a fixed one or `$__range` is for single numbers.
"""

import re
from collections.abc import Iterable, Iterator

import promql_parser

from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.family import Kind
from support.boards.dashboards import Json, Target, nodes, parsed, promql

_INCREMENTS = {"rate", "increase"}
_WINDOW = re.compile(r"\b(?:rate|increase)\((?:[^()]|\([^()]*\))*?\[([^\]]+)\]")
# Totals since the start of a process, in a table whose columns must add up.
_TOTALS_IN = "Account of spans"


def problems(board: Json) -> Iterator[str]:
    """Bare counters; fixed windows in pictures of a time range."""
    for target in promql(board):
        if not target.panel["title"].startswith(_TOTALS_IN):
            yield from _bare(target)
        for window in _WINDOW.findall(target.expr):
            if not target.query["instant"] and window != "$__rate_interval":
                yield f"{target}: [{window}] over a time range; use [$__rate_interval]"


def _bare(target: Target) -> Iterator[str]:
    tree = list(nodes(parsed(target.expr)))
    every = _names(tree)
    read = [name for node in tree if _increments(node) for name in _names(nodes(node))]
    for name in sorted(set(every)):
        family = CATALOGUE.get(name)
        if family and family.kind is Kind.COUNTER and every.count(name) > read.count(name):
            yield f"{target}: counter {name} without rate or increase"


def _increments(node: object) -> bool:
    return isinstance(node, promql_parser.Call) and node.func.name in _INCREMENTS


def _names(found: Iterable[object]) -> list[str]:
    return [str(n.name) for n in found if isinstance(n, promql_parser.VectorSelector)]
