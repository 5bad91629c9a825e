"""Closing some runs at a time gives what closing all at once gives, in the same order."""

import pytest

from agentslo.config.service_file import ServiceConfig
from agentslo.service.assembly import pipeline
from agentslo.service.events import Counted
from scenarios import tree

RUNS = 25


def fed():
    """A pipeline with runs that came in threes, three a second, and are all over long since."""
    pipe = pipeline(ServiceConfig())
    for number in range(RUNS):
        at_s = number // 3
        root = {"agent": "support", "trace": f"t{number}", "at": [at_s, at_s + 1 - number % 3 / 10]}
        pipe.traces(tree.request(tree.spans([root])), tree.at_ns(at_s))
    return pipe, tree.at_ns(100)


def counted(happenings):
    return [h.run.trace_id for h in happenings if isinstance(h, Counted)]


@pytest.mark.parametrize("most", [1, 2, 8, RUNS])
def test_all_runs_close_in_order_however_few_at_a_time(most):
    pipe, now_ns = fed()
    whole, sliced = counted(pipe.due(now_ns)), []
    assert len(whole) == RUNS
    pipe, now_ns = fed()
    happened = most
    while happened >= most:
        happenings = pipe.due(now_ns, most)
        happened = len(happenings)
        closed = counted(happenings)
        assert len(closed) < most + 3, "no more than are due with the last"
        sliced += closed
    assert sliced == whole
    assert pipe.assembler.open_traces == 0
