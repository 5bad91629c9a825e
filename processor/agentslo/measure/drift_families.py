"""The part of the catalogue that tells what changed.

No state. Source: design.md 6 (names and labels are a contract).
"""

from typing import Final

from agentslo.measure.family import Label, counter, gauge, one_of

_FEATURES = (
    Label(name="agent", cap="agents"),
    Label(name="environment", cap="environments"),
    Label(name="feature", cap="features"),
)
_BINS = (*_FEATURES, Label(name="bin", cap="bins"))

DRIFT_FAMILIES: Final = (
    counter(
        "agent_slo_drift_bin_total",
        "Runs by the bin a watched feature fell into; counts of all replicas add up.",
        *_BINS,
    ),
    gauge(
        "agent_slo_drift_baseline_runs",
        "Runs of the baseline by bin.",
        *_BINS,
    ),
    gauge(
        "agent_slo_drift_zscore",
        "How unlike its baseline a feature is, as a normal deviate.",
        *_FEATURES,
    ),
    gauge(
        "agent_slo_drift_samples",
        "Runs the deviate rests on; while learning, those learnt.",
        *_FEATURES,
    ),
    gauge(
        "agent_slo_drift_state",
        "Where a feature stands: 0 none, 1 watch, 2 drift, 3 learning.",
        *_FEATURES,
    ),
    gauge(
        "agent_slo_drift_attribution_info",
        "Always 1: what changed, where, why, and what reverses it, of a feature in watch or drift.",
        *_BINS,
        *(Label(name="segment", cap="causes"), Label(name="cause", cap="causes")),
        one_of("reversible_by", "rollback", "retraining", "configuration", "none", "undetermined"),
    ),
)
"""The families, in the order of the documentation."""
