"""What a Python processor inside rotel has to do to tell outcomes: the obvious way.

rotel calls `process_spans` with each batch. It finds agent spans, reads their attributes into a
dictionary, adds up each run's totals and appends six attributes. It holds no runs, measures no
drift and counts no metrics, which agentslo does: the comparison is in rotel's favour. Runs inside
rotel alone, so it imports nothing of ours.
"""

from typing import Any

from rotel_sdk.open_telemetry.common.v1 import AnyValue, KeyValue

ADDED = (
    ("agent_slo.run.outcome", "success"),
    ("agent_slo.run.outcome_reason", "no_failure_seen"),
    ("agent_slo.run.id", "0123456789abcdef"),
    ("agent_slo.drift.score", 0.113),
    ("agent_slo.run.novelty", 0.02),
    ("agent_slo.run.escalated", False),
)


def process_spans(resource_spans: Any) -> None:  # noqa: ANN401 - rotel's, made at run time
    """Classify and mark the agent spans of one batch."""
    runs: dict[bytes, list[int]] = {}
    for scope_spans in resource_spans.scope_spans:
        for span in scope_spans.spans:
            if any(attribute.key.startswith("gen_ai.") for attribute in span.attributes):
                _span(span, runs)


def _span(span: Any, runs: dict[bytes, list[int]]) -> None:  # noqa: ANN401 - as above
    found = {attribute.key: attribute.value.value for attribute in span.attributes}
    totals = runs.setdefault(bytes(span.trace_id), [0, 0, 0, 0, 0])
    operation = found.get("gen_ai.operation.name")
    if operation == "execute_tool":
        totals[0] += 1
    elif operation == "chat":
        totals[1] += 1
    totals[2] += found.get("gen_ai.usage.input_tokens", 0)
    totals[3] += found.get("gen_ai.usage.output_tokens", 0)
    if span.status is not None and int(span.status.code) == 2:
        totals[4] += 1
    for key, value in ADDED:
        span.attributes.append(KeyValue(key, AnyValue(value)))
