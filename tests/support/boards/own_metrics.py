"""What the simulated process says of itself, and what drift detection says of its agents.

In: a registry, random numbers, the time. Out: rows set in the registry; drift as lines, for the
registry has no families for it yet.
"""

import random
from collections.abc import Iterator

from agentslo.measure import names as m
from agentslo.measure.series import Metrics

FEATURES = ("topic", "tool_path", "escalation", "answer_length")
BINS = {
    "topic": ("orders", "returns", "billing"),
    "tool_path": ("search>refund", "search", "other"),
    "escalation": ("no", "yes"),
    "answer_length": ("short", "usual", "long"),
}
_SPANS = {
    m.SPANS_RECEIVED: ((),),
    m.AGENT_SPANS: (("openinference",), ("genai",)),
    m.SPANS_ACCEPTED: (("tempo",),),
    m.SPANS_FORWARDED: (("tempo",),),
    m.REQUESTS: (("traces",), ("logs",), ("metrics",)),
    m.RECEIVED_BYTES: (("traces",),),
    m.FORWARDED_BYTES: (("tempo",),),
    m.PASSED_THROUGH: (("logs", "forwarded"), ("metrics", "discarded")),
    m.LEDGER_ROWS: (("written",),),
    m.EVALUATION_EVENTS: ((),),
}
_RARE = {
    m.SPANS_DROPPED: (("tempo", "queue_full"),),
    m.VERDICT_SPANS: (("tempo",),),
    m.REQUESTS_REFUSED: (("traces", "retry"),),
    m.LATE_SPANS: ((),),
    m.DUPLICATE_SPANS: ((),),
    m.ALREADY_MARKED_SPANS: ((),),
    m.PARSE_FAILURES: (("traces",),),
    m.PIPELINE_ERRORS: (("read",),),
    m.UNATTACHED_MODEL_CALLS: ((),),
    m.EVALUATIONS_IGNORED: (("no_run",),),
    m.ACCESS_DENIED: (("page", "token"),),
    m.OVERFLOW: (("tools",),),
    m.RECORDS_SENT: (("dropped",),),
    m.RECORDS_RECEIVED: (("repeated",),),
    m.VERIFIED_SPANS: (("same",),),
}


def process(metrics: Metrics, chance: random.Random, now_s: int, start_s: int) -> None:
    """One interval of the process's own life."""
    now_ns = now_s * 10**9
    for family, rows in _SPANS.items():
        for row in rows:
            metrics.inc(family, row, now_ns, float(chance.randint(800, 1200)))
    for family, rows in _RARE.items():
        for row in rows:
            metrics.inc(family, row, now_ns, 1.0 if chance.random() < 0.01 else 0.0)
    for family, most in (
        (m.SPANS_QUEUED, 40),
        (m.SPANS_HELD, 9),
        (m.QUEUE_BYTES, 90_000),
        (m.QUEUE_OLDEST_AGE, 2),
    ):
        metrics.set(family, ("tempo",), chance.random() * most)
    metrics.set(m.LISTENER_OPEN, ("grpc",), 1.0)
    metrics.set(m.LISTENER_OPEN, ("page",), 0.0)
    metrics.set(m.JOURNAL_BYTES, (), 4e6 + chance.random() * 1e6)
    metrics.set(m.JOURNAL_UNREADABLE, (), 0.0)
    metrics.set(m.DECISIONS_HEAD, ("9f1c22ab",), 14.0)
    metrics.set(m.SPILL_BYTES, ("tempo",), chance.random() * 2e5)
    metrics.set(m.SPILL_DAMAGED, ("tempo",), 0.0)
    metrics.set(m.OPEN_TRACES, (), float(chance.randint(20, 60)))
    metrics.set(m.LOOP_STALL, (), 0.02 + chance.random() * 0.05)
    metrics.set(m.LOOP_TURN_CPU, (), 0.01 + chance.random() * 0.01)
    metrics.set(m.EVALUATOR_SUCCESS, (), now_s - chance.random() * 60)
    metrics.set(m.CONFIG_RELOAD, (), 1.0)
    metrics.set(m.PROMISE, ("forwarded",), 1.0)
    metrics.set(m.START_TIME, (), float(start_s))
    metrics.set(m.BUILD_INFO, ("0.1.0",), 1.0)


def releases(metrics: Metrics) -> None:
    """What was decided of two agents' releases."""
    metrics.set(m.RELEASE_VERDICT, ("refunds", "production", "r41fa", "r8c1d"), -1.0)
    for agent, state, moved, result in (
        ("order-desk", 0.0, "promoted", "success"),
        ("refunds", 2.0, "canary", "failure"),
    ):
        at = (agent, "production")
        metrics.set(m.BUDGET_STATE, at, state)
        metrics.set(m.RETRAINING_REQUESTS, (*at, moved), 1.0)
        metrics.set(m.ROLLBACKS, (*at, result), 1.0)
        metrics.set(m.DISPUTED_LABELS, at, 0.04)
        for stratum, ratio in (("common", 0.97), ("edge", 0.93), ("dangerous", 1.0)):
            metrics.set(m.EVALUATION_PASS, (*at, stratum), ratio)
        metrics.set(m.RETRAINING_STAGE, (*at, "offline_evaluation"), 1_800.0)


def drift(
    agent: str, environment: str, drifted: str, chance: random.Random
) -> Iterator[tuple[str, float]]:
    """The drift families of one agent, as lines of an exposition."""
    at = f'agent="{agent}",environment="{environment}"'
    for feature in FEATURES:
        moved = feature == drifted
        here = f'{at},feature="{feature}"'
        yield f"agent_slo_drift_state{{{here}}}", 2.0 if moved else 0.0
        yield f"agent_slo_drift_zscore{{{here}}}", chance.gauss(9.0 if moved else 0.3, 0.4)
        yield f"agent_slo_drift_samples{{{here}}}", float(chance.randint(900, 1100))
        for place, name in enumerate(BINS[feature]):
            row = f'{here},bin="{name}"'
            yield f"agent_slo_drift_baseline_runs{{{row}}}", 600.0 / (place + 1)
        if moved:
            why = 'segment="all",cause="prompt p7",reversible_by="rollback"'
            yield f'agent_slo_drift_attribution_info{{{here},bin="yes",{why}}}', 1.0


def bins(agent: str, environment: str, drifted: str) -> Iterator[tuple[str, float]]:
    """What one interval adds to the counts of each value of each feature."""
    for feature in FEATURES:
        for place, name in enumerate(BINS[feature]):
            share = place + 1 if feature == drifted else 1 / (place + 1)
            row = f'agent="{agent}",environment="{environment}",feature="{feature}",bin="{name}"'
            yield f"agent_slo_drift_bin_total{{{row}}}", 10 * share
