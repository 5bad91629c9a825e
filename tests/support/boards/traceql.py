"""Rule: TraceQL asks for attributes we write on run roots, and for nothing else of ours."""

import re
from collections.abc import Iterator
from pathlib import Path

from agentslo.model import Outcome
from agentslo.service import enrich
from support.boards.dashboards import Json, targets

_ATTRIBUTE = re.compile(r"\b(?:span|resource)\.([\w.]+)")
_OUTCOME = re.compile(r'outcome =~? "([^"]+)"')
_WRITTEN = set(
    re.findall(r'"(agent_slo\.[\w.]+)"', Path(enrich.__file__).read_text(encoding="utf-8"))
)


def problems(board: Json) -> Iterator[str]:
    """Attributes nobody writes, outcomes that do not exist."""
    outcomes = {outcome.value for outcome in Outcome}
    for target in targets(board):
        if not target.tempo:
            continue
        asked = _ATTRIBUTE.findall(target.expr)
        if not asked:
            yield f"{target}: asks for no attribute"
        yield from (f"{target}: {name} is written by nobody" for name in set(asked) - _WRITTEN)
        named = {word for words in _OUTCOME.findall(target.expr) for word in words.split("|")}
        yield from (f"{target}: {name} is no outcome" for name in named - outcomes)
