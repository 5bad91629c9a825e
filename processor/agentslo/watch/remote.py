"""Drift as an evaluator elsewhere told it, for the roots of a processor's runs.

In: judged runs; what was told of each agent. Out: attributes for roots, and `Observed`, which is
counted here and adds up over replicas. State: what was told last, and which features and segments
each agent was seen to have, both bounded. Nothing is compared here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agentslo.model import Run, Verdict
from agentslo.outcomes.view import RunView
from agentslo.watch.monitor import Monitor
from agentslo.watch.observe import Observed, observe
from agentslo.watch.slices import Bounds
from agentslo.watch.watch import MAX_MONITORS, STALE_NS

Agent = tuple[str, str]
"""Name and environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The worst deviate of an agent, and when its windows were tested."""

    agent: str
    environment: str
    feature: str
    z: float
    tested_ns: int


class Remote:
    """Stands where `Watch` stands in one process."""

    revision = 0
    monitors: Mapping[Agent, Monitor] = {}

    def __init__(self) -> None:
        self._told: dict[Agent, Told] = {}
        self._told_ns = 0
        self._bounds: dict[Agent, Bounds] = {}

    def told(self, rows: Iterable[Told], now_ns: int) -> None:
        """The evaluator has answered."""
        self._told = {(row.agent, row.environment): row for row in rows}
        self._told_ns = now_ns

    def attributes(self, run: Run, now_ns: int) -> dict[str, float | str]:
        """What a run's root says of drift; absent where it is older than ten minutes."""
        told = self._told.get((run.agent, run.environment))
        if told is None or now_ns - min(told.tested_ns, self._told_ns) >= STALE_NS:
            return {}
        return {"agent_slo.drift.feature": told.feature, "agent_slo.drift.score": round(told.z, 3)}

    def counted(
        self, run: Run, verdict: Verdict, *, heavy: bool = False, view: RunView | None = None
    ) -> Iterator[Observed]:
        """A run was counted: what it tells. `heavy` is the evaluator's to know."""
        del heavy
        key = run.agent, run.environment
        bounds = self._bounds.get(key)
        if bounds is None:
            if len(self._bounds) >= MAX_MONITORS:
                return
            bounds = self._bounds[key] = Bounds()
        yield bounds.admit(observe(run, verdict, view))
