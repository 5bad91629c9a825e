"""The shipped rules and routes with their hours made short, so that a story fits into minutes.

In: rule groups as in a rule file, the text of an Alertmanager file. Out: the same with every
window, interval and wait divided by `SCALE`, never below a second. Pure.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from agentslo.bundle.alertmanager import AGENTSLO, TOKEN_FILE, WEBHOOKS

SCALE: Final = 60
"""A minute of the rules becomes a second."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\[|offset )(\d+)([smhdw])")
_WAITS: Final = re.compile(r"(group_wait|group_interval): \S+")


def shortened(text: str) -> str:
    """A duration such as `5m`, divided; at least a second."""
    return f"{max(1, int(text[:-1]) * _SECONDS[text[-1]] // SCALE)}s"


def short_groups(groups: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A rule file with these groups, shortened. The groups given are not changed."""
    return {"groups": [_group(group) for group in groups]}


def _group(group: dict[str, Any]) -> dict[str, Any]:
    rules = [_rule(rule) for rule in group["rules"]]
    return {**group, "interval": shortened(group["interval"]), "rules": rules}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    expr = _DURATION.sub(lambda m: m[1] + shortened(m[2] + m[3]), rule["expr"])
    waits: dict[str, Any] = {k: shortened(rule[k]) for k in ("for", "keep_firing_for") if k in rule}
    return {**rule, "expr": expr, **waits}


def short_routes(text: str, *, incidents: str, people: str, token_file: str) -> str:
    """An Alertmanager file of ours without its waits, told where alerts open incidents (URL), where
    people's receiver is (base URL) and where the token is.
    """
    placed = (
        text.replace(AGENTSLO, incidents).replace(WEBHOOKS, people).replace(TOKEN_FILE, token_file)
    )
    return _WAITS.sub(r"\1: 1s", placed)
