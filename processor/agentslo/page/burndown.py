"""The error budget over time, as a drawing without script or style of its own.

In: an `Slo`. Out: SVG whose label says the same in words. Pure.
"""

from html import escape

from agentslo.page.parts import clock
from agentslo.page.values import Slo, budget_left

WIDTH, HEIGHT, MARGIN = 560, 120, 44
LEAST, MOST = -1.0, 1.0


def curve(slo: Slo) -> list[tuple[int, float]]:
    """What was left at the end of each tile, from the first on."""
    good = bad = 0
    points = []
    for start_ns, more_good, more_bad in slo.tiles:
        good, bad = good + more_good, bad + more_bad
        remaining = budget_left(good, bad, slo.objective_ratio)
        if remaining is not None:
            points.append((start_ns, remaining))
    return points


def burndown(slo: Slo) -> str:
    """The drawing; nothing where fewer than two points are known."""
    points = curve(slo)
    if len(points) < 2:
        return ""
    first_ns, last_ns = points[0][0], points[-1][0]
    across = (WIDTH - MARGIN - 8) / (last_ns - first_ns)
    line = " ".join(
        f"{MARGIN + (at_ns - first_ns) * across:.1f},{_y(remaining):.1f}"
        for at_ns, remaining in points
    )
    words = (
        f"Budget of {slo.name}: {points[0][1]:.0%} left on {clock(first_ns)},"
        f" {points[-1][1]:.0%} left now"
    )
    marks = "".join(
        f'<text x="{MARGIN - 6}" y="{_y(at) + 4:.1f}" text-anchor="end">{at:.0%}</text>'
        for at in (MOST, 0.0, LEAST)
    )
    zero = f"{_y(0.0):.1f}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="{escape(words, quote=True)}">{marks}'
        f'<line class="axis" x1="{MARGIN}" y1="{_y(MOST):.1f}" x2="{MARGIN}" y2="{_y(LEAST):.1f}"/>'
        f'<line class="limit" x1="{MARGIN}" y1="{zero}" x2="{WIDTH - 8}" y2="{zero}"/>'
        f'<polyline class="curve" points="{line}"/></svg>'
    )


def _y(remaining: float) -> float:
    """The height of a share; what is below the scale lies on its edge."""
    inside = min(MOST, max(LEAST, remaining))
    return 8 + (MOST - inside) / (MOST - LEAST) * (HEIGHT - 16)
