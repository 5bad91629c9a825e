"""Drift of all agents: which monitor a run belongs to.

In: judged runs. Out: attributes for their roots, and `Drifted` when a feature's state changes.
State: one `Monitor` an agent and environment, at most MAX_MONITORS; the novelty of runs that are
judged and not counted yet. Owned by one thread.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterator

from agentslo.config.options import DriftOptions
from agentslo.model import Run, Verdict
from agentslo.outcomes.view import RunView
from agentslo.watch.baseline import Baseline, BaselineError
from agentslo.watch.monitor import Monitor
from agentslo.watch.observe import Observed, observe, request_of
from agentslo.watch.plugins import installed
from agentslo.watch.shelf import Shelf
from agentslo.watch.state import Drifted

logger = logging.getLogger(__name__)

MAX_MONITORS = 500
MAX_SCORED = 10_000
SCORED_PER_S = 200
"""Requests scored a second at most, which bounds what novelty can cost; more are left unscored."""
STALE_NS = 600 * 10**9
NS = 10**9


class Watch:
    """Watches every agent. Runs of agents beyond MAX_MONITORS are not compared."""

    def __init__(self, options: DriftOptions, shelf: Shelf | None = None) -> None:
        """`shelf`: where baselines are kept over a restart."""
        self._options, self._shelf = options, shelf
        for problem in installed().problems:
            logger.warning("%s", problem)
        self.monitors: dict[tuple[str, str], Monitor] = {}
        self._scored: OrderedDict[str, float] = OrderedDict()
        self._second, self._in_second = 0, 0
        self.revision = 0
        """Rises whenever a deviate or a state may have changed."""

    def relearn(self, agent: str, environment: str, since_ns: int) -> bool:
        """Give up what was learnt before this time; False where nothing was."""
        key = agent, environment
        monitor = self.monitors.get(key)
        if monitor is None or not 0 < monitor.learnt_since_ns < since_ns:
            return False
        if self._shelf is not None:
            try:
                self._shelf.retire(*key)
            except OSError as error:
                logger.warning("the old baseline of %s in %s stays on disk: %s", *key, error)
        self.monitors[key] = monitor.anew()
        self.revision += 1
        logger.info("%s in %s learns its baseline anew", *key)
        return True

    def attributes(self, run: Run, now_ns: int) -> dict[str, float | str]:
        """What a run's root says of drift (design.md 4); absent where it is not known."""
        monitor = self.monitors.get((run.agent, run.environment))
        if monitor is None:
            return {}
        found: dict[str, float | str] = {}
        novelty = self._novelty(run, monitor, now_ns)
        if novelty is not None:
            found["agent_slo.run.novelty"] = round(novelty, 4)
        worst = monitor.worst
        if worst is not None and now_ns - monitor.tested_ns < STALE_NS:
            found["agent_slo.drift.feature"] = worst[0]
            found["agent_slo.drift.score"] = round(worst[1], 3)
        return found

    def counted(
        self, run: Run, verdict: Verdict, *, heavy: bool = False, view: RunView | None = None
    ) -> Iterator[Observed | Drifted]:
        """A run was counted: what it tells, and what that changes. `heavy`: failures cost much;
        `view`: of the run, where there is one already.
        """
        key = run.agent, run.environment
        monitor = self.monitors.get(key)
        if monitor is None:
            if len(self.monitors) >= MAX_MONITORS:
                return
            monitor = self.monitors[key] = self._new(key, heavy=heavy)
        novelty = self._novelty(run, monitor, run.end_ns)
        self._scored.pop(run.run_id, None)
        learnt = monitor.baseline is not None
        observed = monitor.placed(observe(run, verdict, view), novelty)
        yield observed
        for drifted in monitor.observe(observed):
            self.revision += 1
            yield drifted
        self.revision += monitor.take_tested()
        if monitor.baseline is not None and not learnt:
            self._keep(monitor.baseline)

    def _new(self, key: tuple[str, str], *, heavy: bool) -> Monitor:
        monitor = Monitor(*key, self._options, heavy=heavy)
        try:
            kept = self._shelf.get(*key) if self._shelf is not None else None
        except BaselineError as error:
            logger.warning("the baseline of %s in %s is learnt anew: %s", *key, error)
            return monitor
        if kept is not None:
            monitor.use(kept)
        return monitor

    def _keep(self, baseline: Baseline) -> None:
        if self._shelf is None:
            return
        try:
            self._shelf.put(baseline)
        except OSError as error:
            logger.warning("a baseline is kept in memory alone: %s", error)

    def _novelty(self, run: Run, monitor: Monitor, now_ns: int) -> float | None:
        known = self._scored.get(run.run_id)
        if known is not None or not monitor.scores:
            return known
        if now_ns // NS != self._second:
            self._second, self._in_second = now_ns // NS, 0
        if self._in_second >= SCORED_PER_S:
            return None
        found = monitor.novelty(request_of(run))
        if found is not None:
            self._in_second += 1
            self._scored[run.run_id] = found
            if len(self._scored) > MAX_SCORED:
                self._scored.popitem(last=False)
        return found
