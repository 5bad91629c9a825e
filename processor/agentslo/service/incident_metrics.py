"""Incidents and containment as metrics, from what was decided.

In: incidents and containments, as the decisions hold them. Out: rows of their families. Pure
bookkeeping: gauges are set anew each time; how long a stage took is observed once, in the order in
which incidents reached it, so that the number observed so far says which ones are new, also after a
restart.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agentslo.measure import names as m
from agentslo.measure.cells import Histogram
from agentslo.measure.series import Metrics
from agentslo.respond.containment import Containment
from agentslo.respond.incidents import Incident

if TYPE_CHECKING:
    from agentslo.measure.labels import Labels

REPEAT_NS = 30 * 86_400 * 1_000_000_000
"""Another incident of the same kind within so long is a repeat: prevention did not hold."""


def show_incidents(metrics: Metrics, incidents: Sequence[Incident], now_ns: int) -> None:
    """Set the families of incidents."""
    opened: Counter[Labels] = Counter()
    repeats: Counter[Labels] = Counter()
    last: dict[Labels, int] = {}
    for one in sorted(incidents, key=lambda i: i.opened_ns):
        opened[one.agent, one.environment, one.severity] += one.state != "closed"
        kind = one.agent, one.environment, one.category
        repeats[kind] += kind in last and one.began_ns - last[kind] <= REPEAT_NS
        last[kind] = max(one.began_ns, one.closed_ns)
    metrics.replace(m.INCIDENTS_OPEN, {at: float(n) for at, n in opened.items()})
    metrics.replace(m.INCIDENTS_REPEATED, {at: float(n) for at, n in repeats.items()})
    for labels, reached in _stages(incidents).items():
        cell = metrics.cell(m.INCIDENT_DURATION, labels)
        observed = 0
        if isinstance(cell, Histogram):
            observed = sum(cell.counts) + sum(cell.pending_counts)
        for _, took_s in sorted(reached)[observed:]:
            metrics.observe(m.INCIDENT_DURATION, labels, took_s, now_ns, None)


def _stages(incidents: Sequence[Incident]) -> "Mapping[Labels, list[tuple[int, float]]]":
    """By agent, environment and stage: when incidents reached it, and seconds since each began."""
    found: dict[Labels, list[tuple[int, float]]] = defaultdict(list)
    for one in incidents:
        reached = {
            "detect": one.opened_ns,
            "acknowledge": one.acknowledged_ns,
            "contain": one.contained_ns,
            "resolve": one.resolved_ns,
        }
        for stage, at_ns in reached.items():
            if at_ns:
                took_s = max(0, at_ns - one.began_ns) / 1e9
                found[one.agent, one.environment, stage].append((at_ns, took_s))
    return found


def show_containments(
    metrics: Metrics,
    containments: Sequence[Containment],
    environments: Mapping[str, set[str]],
    now_ns: int,
) -> None:
    """Set the families of containment; `environments` are those each agent was seen in."""
    expiry: dict[Labels, float] = {}
    stopped: dict[Labels, float] = {}
    for held in containments:
        if not held.holds(now_ns):
            continue
        at = (held.agent, held.action)
        expiry[at] = max(expiry.get(at, 0.0), held.expires_ns / 1e9)
        if held.action == "kill_switch":
            named = {held.environment} if held.environment else set()
            for where in named or environments.get(held.agent) or {"unset"}:
                stopped[held.agent, where, "kill_switch"] = 1.0
    metrics.replace(m.CONTAINMENT_EXPIRY, expiry)
    metrics.replace(m.SAFE_TO_RUN_REASON, stopped)
