"""What hostile or unlucky spans can make a run cost: memory by a bound, time by their number."""

import sys
from types import FrameType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.service.assembly import pipeline
from agentslo.service.events import Counted
from scenarios import tree

STEP_BYTES = 2_000
"""What `runs.max_state_bytes` takes a step for (docs/architecture.md)."""


def a_run(name: str, tools: int, at_s: float) -> bytes:
    """One agent span with some tool calls below it, in a trace of its own."""
    below = [{"tool": f"tool{n}", "id": f"{name} {n}", "at": [at_s, at_s]} for n in range(tools)]
    root = {"agent": "support", "id": name, "trace": name, "at": [at_s, at_s + 1], "below": below}
    return tree.request(tree.spans([root]))


def test_the_oldest_runs_close_when_their_steps_would_outgrow_the_memory_allowed() -> None:
    runs = RunsOptions(max_state_bytes=50 * STEP_BYTES)
    pipe = pipeline(ServiceConfig(runs=runs))
    closed = []
    for number in range(10):
        now_ns = tree.at_ns(number / 10)
        pipe.traces(a_run(f"run {number}", 9, number / 10), now_ns)
        closed += [h for h in pipe.due(now_ns) if isinstance(h, Counted)]
    assert pipe.assembler.open_traces <= 5
    assert {c.run.finalized_by for c in closed} == {"state_bound"}
    assert [c.run.trace_id for c in closed] == [
        tree.trace_id(f"run {n}").hex() for n in range(len(closed))
    ]
    assert len(closed) + pipe.assembler.open_traces == 10


def chain(length: int) -> bytes:
    """Tool spans each below the one before, under one agent span."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(length):
        what = "execute_tool" if number else "invoke_agent"
        span = spans.add(
            trace_id=b"\1" * 16,
            span_id=(number + 1).to_bytes(8, "big"),
            parent_span_id=number.to_bytes(8, "big") if number else b"",
            name=what,
            start_time_unix_nano=tree.EPOCH_NS + number,
            end_time_unix_nano=tree.EPOCH_NS + tree.S - number,
        )
        span.attributes.add(key="gen_ai.operation.name").value.string_value = what
    return request.SerializeToString()


def lines_run(length: int) -> int:
    """How many lines of Python a chain of that length takes until its run is judged."""
    lines = 0

    def count(_frame: FrameType, event: str, _argument: object) -> object:
        nonlocal lines
        lines += event == "line"
        return count

    pipe = pipeline(ServiceConfig())
    body = chain(length)
    before = sys.gettrace()
    sys.settrace(count)
    try:
        pipe.traces(body, tree.at_ns(1))
        judged = [h for h in pipe.finish(tree.at_ns(2)) if isinstance(h, Counted)]
    finally:
        sys.settrace(before)
    assert [len(c.run.steps) for c in judged] == [length]
    return lines


def test_spans_nested_without_end_cost_by_their_number_not_by_its_square() -> None:
    assert lines_run(1_200) < 2.5 * lines_run(600)
