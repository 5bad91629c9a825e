"""Whether a value meets a declared condition.

In: a `Condition` of an agent file and a value as a span carried it. Out: True or False. Pure.
Numbers sent as strings compare as numbers; text compares without regard to case, as people write
it.
"""

import re
from functools import lru_cache

from agentslo.config.agent_options import Condition, Scalar
from agentslo.config.pattern_cost import MAX_TEXT


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def number(value: object) -> float | None:
    """The value as a number, where it is one or is written as one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def same(left: Scalar, right: object) -> bool:
    """Equal as booleans, numbers or text."""
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return one == other
    return str(left).lower() == str(right).lower()


def holds(condition: Condition, value: Scalar) -> bool:
    """True where the value meets the condition."""
    wanted = condition.value
    match condition.operator:
        case "present":
            return wanted is True
        case "equals":
            return not isinstance(wanted, tuple) and wanted is not None and same(value, wanted)
        case "not_equals":
            return not isinstance(wanted, tuple) and wanted is not None and not same(value, wanted)
        case "in":
            return isinstance(wanted, tuple) and any(same(value, w) for w in wanted)
        case "matches":
            return isinstance(wanted, str) and bool(_pattern(wanted).search(str(value)[:MAX_TEXT]))
        case "at_most" | "at_least":
            found, bound = number(value), number(wanted)
            if found is None or bound is None:
                return False
            return found <= bound if condition.operator == "at_most" else found >= bound
