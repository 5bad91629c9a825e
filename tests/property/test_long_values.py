"""Values of a hundred thousand characters in every attribute that is read: time stays linear."""

import re
import time

import pytest

from agentslo.config.service_file import ServiceConfig
from agentslo.service.assembly import pipeline
from scenarios import tree
from support.tools import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "processor" / "agentslo"
LENGTH = 100_000
NAMED = ("gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind")
# Every name in the modules that read spans: a new one is tried without being listed here.
KEYS = {
    key
    for part in ("dialects", "outcomes", "runs")
    for module in (PACKAGE / part).rglob("*.py")
    for key in re.findall(r'"([a-z][a-z_]*(?:\.[a-z_0-9]+)+)"', module.read_text())
} - set(NAMED)
PIECES = ["x", "1", "_", " ", "\n", "\\", "a.", "aB", "Agent.", "MaxLimit", "transfer_", '[{"']
PIECES += ['"a":', '{"messages":[', "'finish_reason': '", '{"tool_calls":[{"arguments":"']
KINDS = [{"agent": "a"}, {"tool": "t"}, {"chat": "m"}, {"oi": "AGENT"}, {"tl": "workflow"}]
LIMIT_S = 2.0
"""Processor time of one span with 20 MB of attributes; it takes about 0.1 s."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: next(iter(kind)))
def test_a_span_of_long_values_is_read_at_once(kind: dict[str, str]) -> None:
    assert len(KEYS) > 100
    for piece in PIECES:
        value = piece * (LENGTH // len(piece))
        span = {**kind, "at": [0, 4], "name": value, "message": value, "status": "error"}
        span["attributes"] = dict.fromkeys(KEYS, value)
        span["events"] = [{"name": "exception", "attributes": {"exception.type": value}}]
        body = tree.request(tree.spans([{"agent": "root", "at": [0, 9], "below": [span]}]))
        found = pipeline(ServiceConfig())
        begin = time.process_time()
        found.traces(body, tree.at_ns(100))
        found.due(tree.at_ns(10_000))
        took_s = time.process_time() - begin
        assert found.tally["read_error"] == found.tally["close_error"] == 0
        assert took_s < LIMIT_S, f"{piece!r} took {took_s:.1f} s"
