"""Counts of a slice of time, from wherever runs are counted.

In: observations (of this process, or of a replay), or a Prometheus that scrapes every replica. Out:
a `Tally` an agent and environment: the same numbers from each, so the same statistics. No state.

From Prometheus the samples themselves are read, not `increase`, which extrapolates: a run is a run.
What a counter gained is the sum of its rises; after a fall it began at 0 again. A replica that is
not scraped at the end makes the slice incomplete: `Incomplete`, never a smaller count. Segments are
not among the labels, so `where` is not known from there; novelty is learnt by one process and has
its counts there alone.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from agentslo.measure.labels import clean
from agentslo.watch.observe import Observed
from agentslo.watch.prometheus import Prometheus, PrometheusError, Sample
from agentslo.watch.slices import ALL, Tally

COUNTS = "agent_slo_drift_bin_total"
ALIVE = "agent_slo_processor_build_info"
LOOKBACK_S = 3_600.0
"""How far before a slice a counter's last sample may be; what has none there began in the slice."""
NS = 10**9

Agent = tuple[str, str]
"""Name and environment."""
Tallies = dict[Agent, Tally]


class Incomplete(PrometheusError):
    """Not every replica was scraped to the end of the slice; the message names one."""


def from_observations(observed: Iterable[Observed]) -> Tallies:
    """The counts of runs of this process, or of a replay."""
    found: Tallies = {}
    for one in observed:
        at = clean(one.agent), clean(one.environment)
        tally = found.setdefault(at, Tally())
        for name, label in one.bins.items():
            tally.count(clean(name), clean(label))
        tally.runs += 1
        tally.start_ns = min(tally.start_ns or one.time_ns, one.time_ns)
        tally.end_ns = max(tally.end_ns, one.time_ns)
    return found


def from_replicas(prometheus: Prometheus, start_s: float, end_s: float) -> Tallies:
    """The counts of all replicas between two times. Raises `PrometheusError`, `Incomplete`."""
    _require_complete(prometheus, end_s)
    found: Tallies = {}
    for labels, samples in prometheus.samples(COUNTS, start_s - LOOKBACK_S, end_s):
        gained = round(increments(samples, start_s))
        if gained:
            at = labels["agent"], labels["environment"]
            tally = found.setdefault(at, Tally(start_ns=int(start_s * NS), end_ns=int(end_s * NS)))
            cell = tally.counts.setdefault((labels["feature"], ALL), Counter())
            cell[labels["bin"]] += gained
    for tally in found.values():
        tally.runs = max(bins.total() for bins in tally.counts.values())
    return found


def increments(samples: list[Sample], start_s: float) -> float:
    """What a counter gained after `start_s`.

    >>> increments([(0, 5.0), (10, 7.0), (20, 1.0), (30, 4.0)], 0)
    6.0
    """
    before = [sample for sample in samples if sample[0] <= start_s][-1:]
    after = [sample for sample in samples if sample[0] > start_s]
    values = [value for _, value in (*before, *after)]
    return sum(now - was if now >= was else now for was, now in pairwise(values))


def _require_complete(prometheus: Prometheus, end_s: float) -> None:
    """Every target that was a replica in the last hour is scraped now, or is no target any more."""
    query = f"up and on (job, instance) last_over_time({ALIVE}[{int(LOOKBACK_S)}s])"
    found = prometheus.at(query, end_s)
    if not found:
        raise Incomplete("no replica is scraped")
    down = sorted(labels.get("instance", "") for labels, value in found if value != 1)
    if down:
        raise Incomplete(f"{down[0]} is not scraped")
