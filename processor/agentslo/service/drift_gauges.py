"""Drift of all agents as metric rows, made when somebody asks and something changed.

In: the `Watch`. Out: gauges in `Metrics`. State: the revision last shown. A feature that learns
shows how many runs it has learnt; its deviate is absent, never 0.
"""

from collections.abc import Iterator

from agentslo.measure import names as m
from agentslo.measure.family import Family
from agentslo.measure.labels import OTHER, Labels
from agentslo.measure.series import Metrics
from agentslo.watch.baseline import bins_of, vector
from agentslo.watch.monitor import Monitor
from agentslo.watch.remote import Remote
from agentslo.watch.state import DriftState
from agentslo.watch.watch import Watch

_GAUGES = (
    *(m.DRIFT_BASELINE, m.DRIFT_ZSCORE, m.DRIFT_SAMPLES),
    *(m.DRIFT_STATE, m.DRIFT_ATTRIBUTION),
)
Row = tuple[Family, Labels, float]


class DriftGauges:
    """Brings the gauges of drift up to date."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics, self._shown = metrics, -1

    def update(self, watch: Watch | Remote | None) -> None:
        """Show what the watch knows, where that changed."""
        if watch is None or watch.revision == self._shown:
            return
        self._shown = watch.revision
        rows: dict[Family, dict[Labels, float]] = {gauge: {} for gauge in _GAUGES}
        for monitor in watch.monitors.values():
            for family, labels, value in _rows(monitor):
                rows[family][labels] = value
        for family, found in rows.items():
            self._metrics.replace(family, found)


def _rows(monitor: Monitor) -> Iterator[Row]:
    at = monitor.agent, monitor.environment
    for feature, standing in monitor.standings.items():
        of = (*at, feature)
        yield m.DRIFT_STATE, of, float(standing.state)
        learning = standing.state is DriftState.LEARNING
        yield m.DRIFT_SAMPLES, of, float(monitor.learnt if learning else standing.samples)
        if standing.samples:
            yield m.DRIFT_ZSCORE, of, standing.z
        found = standing.finding
        if found is not None:
            why = found.attribution
            row = (*of, found.bin or OTHER, found.segment, why.cause, why.reversible_by)
            yield m.DRIFT_ATTRIBUTION, row, 1.0
    if monitor.baseline is None:
        return
    tally = monitor.baseline.tally
    for feature in tally.names():
        bins = bins_of(feature, tally)
        for label, count in zip(bins, vector(tally.of(feature), bins), strict=True):
            yield m.DRIFT_BASELINE, (*at, feature, label), float(count)
