"""How many of the runs are sent at all: what a head sampler says in `tracestate`.

In: the W3C `tracestate` of a span. Out: the share of traces its sampler keeps. Pure. Sources: OTEP
235 (`ot=th:`, a rejection threshold of up to 14 hex digits), before it `ot=p:` (a power of two).
"""

import math
import re

SAMPLER = "ot="
"""Where it is not in a `tracestate`, no sampler said anything."""
_OURS = re.compile(r"(?:^|,)\s*ot=([^,]*)")
_THRESHOLD = re.compile(r"(?:^|;)th:([0-9a-f]{1,14})(?:;|$)")
_POWER = re.compile(r"(?:^|;)p:(\d{1,2})(?:;|$)")
_DIGITS = 14
_ALL = 1 << 4 * _DIGITS
_NEVER = 63
"""`p:63`: kept for another reason than its chance."""


def sampled_ratio(trace_state: str) -> float | None:
    """The share, above 0 and up to 1; None where no sampler said."""
    ours = _OURS.search(trace_state)
    if ours is None:
        return None
    if found := _THRESHOLD.search(ours[1]):
        return 1.0 - int(found[1].ljust(_DIGITS, "0"), 16) / _ALL
    found = _POWER.search(ours[1])
    power = int(found[1]) if found else _NEVER
    return math.ldexp(1.0, -power) if power < _NEVER else None
