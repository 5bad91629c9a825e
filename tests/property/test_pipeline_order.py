"""What comes first, together or twice must not change a run; and a run is counted once."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
import strategies as some
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentslo.config.service_file import ServiceConfig
from agentslo.otlp.answer import Signal
from agentslo.otlp.files import Message
from agentslo.runs import open_trace
from agentslo.service.events import Counted
from agentslo.service.report import run_line
from agentslo.service.stream import Stream
from scenarios import tree
from scenarios.tree import Sent

slow = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def message(sent: Sequence[Sent]) -> Message:
    newest = max(s.span.end_time_unix_nano for s in sent)
    body = tree.request(sent)
    return Message(path="f", signal=Signal.TRACES, body=body, time_ns=newest)


def tick(at_s: float) -> Message:
    return Message(path="f", signal=Signal.TRACES, body=b"", time_ns=tree.at_ns(at_s))


def counted(messages: Iterable[Message]) -> list[Counted]:
    stream = Stream(ServiceConfig())
    return [h for h in stream.play(messages) if isinstance(h, Counted) and not h.overdue]


def lines(messages: Iterable[Message]) -> list[dict[str, object]]:
    found = [run_line(c.run, c.verdict) for c in counted(messages)]
    return sorted(found, key=lambda line: str(line["run_id"]))


@slow
@given(st.data())
def test_arrival_order_and_request_boundaries_do_not_change_a_run(data: st.DataObject) -> None:
    sent = data.draw(some.traces())
    requests = data.draw(some.requests(sent))
    assert lines(map(message, requests)) == lines([message(sent)])


@slow
@given(st.data())
def test_traces_that_are_packed_between_requests_give_the_same_runs(data: st.DataObject) -> None:
    sent = data.draw(some.traces())
    requests = data.draw(some.requests(sent))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_trace, "AWAKE_TRACES", 0)
        assert lines(map(message, requests)) == lines([message(sent)])


@slow
@given(st.data())
def test_duplicates_do_not_change_a_run(data: st.DataObject) -> None:
    sent = data.draw(some.traces())
    again = data.draw(st.lists(st.sampled_from(sent), max_size=5))
    requests = data.draw(some.requests([*sent, *again]))
    assert lines(map(message, requests)) == lines([message(sent)])


@slow
@given(st.data())
def test_a_copy_that_ended_earlier_does_not_change_a_run(data: st.DataObject) -> None:
    sent = data.draw(some.traces())
    last = data.draw(st.sampled_from([s for s in sent if "below" not in s.label]))
    earlier = tree.Sent(
        label=last.label, span=tree.Span(), resource=last.resource, scope=last.scope
    )
    earlier.span.CopyFrom(last.span)
    earlier.span.end_time_unix_nano = last.span.start_time_unix_nano
    requests = data.draw(some.requests([*sent, earlier]))
    assert lines(map(message, requests)) == lines([message(sent)])


@slow
@given(st.data())
def test_no_run_and_no_span_is_counted_twice_however_late_spans_come(data: st.DataObject) -> None:
    sent = data.draw(some.traces())
    again = data.draw(st.lists(st.sampled_from(sent), max_size=5))
    requests = data.draw(some.requests([*sent, *again]))
    clock_s, stream = 10.0, []
    for request in requests:
        stream.append(message(request))
        clock_s += data.draw(st.sampled_from([0, 3, 12, 700, 2_500]))
        stream.append(tick(clock_s))
    found = counted(stream)
    assert max(Counter(c.run.run_id for c in found).values(), default=1) == 1
    members = Counter((s.trace_id, s.span_id) for c in found for s in c.run.steps)
    assert max(members.values(), default=1) == 1
