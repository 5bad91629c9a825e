"""Rule: queries name only series that exist, and match only labels they have.

Known are the metric catalogue, the recorded series, `ALERTS`, and what the design awaits.
"""

from collections.abc import Iterator

from agentslo.bundle.boards.catalogue import AWAITED
from agentslo.bundle.catalogue import records
from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.family import Kind
from support.boards.dashboards import Json, promql, selectors

_PARTS = ("_bucket", "_sum", "_count")
_TARGET = {"instance", "job"}


def known() -> dict[str, set[str] | None]:
    """Name to its labels; None where they are not looked at."""
    found: dict[str, set[str] | None] = dict.fromkeys((*AWAITED, "ALERTS"))
    found.update(dict.fromkeys(record.name for record in records()))
    for family in CATALOGUE.values():
        labels = {*family.label_names, *_TARGET}
        if family.kind is Kind.HISTOGRAM:
            found.update({family.name + part: {*labels, "le"} for part in _PARTS})
        else:
            found[family.name] = labels
    return found


def problems(board: Json) -> Iterator[str]:
    """Series nobody makes, labels nobody sets."""
    names = known()
    for target in promql(board):
        for selector in selectors(target.expr):
            name = str(selector.name)
            if name not in names:
                yield f"{target}: no such series: {name}"
                continue
            labels = names[name]
            for matcher in selector.matchers.matchers:
                if labels is not None and matcher.name not in labels:
                    yield f"{target}: {name} has no label {matcher.name}"
