"""Medians and the like. Pure."""

import statistics
from collections.abc import Sequence


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """`p50` and `p99`; empty without values."""
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98]}
