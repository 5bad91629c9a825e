"""All rules over all boards.

python -m support.boards.lint        (from tests/; exit code 2 where a rule complains)
"""

import sys
from collections.abc import Callable, Iterator, Mapping

from support.boards import (
    colours,
    described,
    identity,
    layout,
    links,
    names,
    parses,
    rates,
    sources,
    traceql,
    variables,
)
from support.boards.dashboards import Json, committed

Rule = Callable[[Json], Iterator[str]]
MODULES = (
    *(colours, described, identity, layout, links, names),
    *(parses, rates, sources, traceql, variables),
)
RULES: Mapping[str, Rule] = {m.__name__.rpartition(".")[2]: m.problems for m in MODULES}


def complaints(board: Json) -> list[str]:
    """What all rules say of a board."""
    return [
        f"{board.get('uid')}: {name}: {problem}"
        for name, rule in RULES.items()
        for problem in rule(board)
    ]


def main() -> int:
    """Print all complaints about the committed boards."""
    found = [line for board in committed().values() for line in complaints(board)]
    clean = f"{len(committed())} boards, {len(RULES)} rules: clean"
    sys.stdout.write("\n".join(found or [clean]) + "\n")
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main())
