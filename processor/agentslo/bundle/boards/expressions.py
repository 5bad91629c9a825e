"""PromQL that several boards use, and how placeholders become label sets and selectors.

In: expressions with placeholders (see `model`). Out: PromQL with Grafana's variables. No state.
"""

import re
from typing import Final

from agentslo.bundle.rule import filled
from agentslo.outcomes import groups

_SELECTORS: Final = {
    "@env": 'environment=~"$environment"',
    "@agent": 'environment=~"$environment", agent=~"$agent"',
    "@slo": 'environment=~"$environment", agent=~"$agent", slo=~"$slo"',
}
_PLACEHOLDER: Final = re.compile("|".join(_SELECTORS))

GOOD: Final = "|".join(groups.GOOD)
BAD: Final = "|".join(groups.BAD)


def written(expr: str, extra: tuple[str, ...]) -> str:
    """The expression with its placeholders written out."""
    return _PLACEHOLDER.sub(lambda found: _SELECTORS[found[0]], filled(expr, extra))


def alerts_count(at: str, action: str) -> str:
    """How many alerts of an action fire; one that fires for several windows counts once."""
    found = f'ALERTS{{{at}, product="agent-slo", alertstate="firing", slo_action="{action}"}}'
    return f"count(max by (<agent>, alertname, slo) ({found})) or vector(0)"


def alerts_now(at: str) -> str:
    """Firing alerts about agents selected by `at`: 1 pages, 2 tickets, 3 shown only."""
    by = "by (<agent>, alertname, slo, owner)"
    firing = f'ALERTS{{{at}, alertstate="firing", slo_action="%s"}}'
    return "\nor\n".join(
        f"{number} * max {by} ({firing % action})"
        for number, action in ((1, "page"), (2, "ticket"), (3, "watch"))
    )
