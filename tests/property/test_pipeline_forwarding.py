"""Every span that comes in leaves once, as it came but for attributes of ours at its end."""

from collections import Counter
from collections.abc import Sequence

import strategies as some
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from strategies import enveloped

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.otlp.cut import Request
from agentslo.service.assembly import pipeline as pipeline_of
from agentslo.service.events import Counted, Released
from agentslo.service.report import run_line
from scenarios import tree

slow = settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
Group = tuple[bytes, bytes]
Leaving = tuple[Group, bytes]

bodies = st.one_of(
    some.traces().flatmap(some.requests).map(lambda rs: [tree.request(r) for r in rs]),
    st.lists(some.wild_spans(), min_size=1, max_size=5).map(
        lambda spans: [
            tree.request(
                tree.Sent(label="", span=span, resource=(("service.name", "s"),), scope="wild")
                for span in spans
            )
        ]
    ),
)


def contents(body: bytes) -> list[Leaving]:
    return [
        ((batch.resource, batch.scope), item)
        for batch in Request(body).batches
        for item in batch.items
    ]


class Way:
    """A pipeline, and all that left it."""

    def __init__(self, *, hold_roots: bool = True) -> None:
        self.pipeline = pipeline_of(ServiceConfig(runs=RunsOptions(hold_roots=hold_roots)))
        self.left: list[Leaving] = []
        self.lines: list[dict[str, object]] = []

    def play(self, requests: Sequence[bytes], gaps_s: Sequence[float]) -> "Way":
        now_s = 10.0
        for number, body in enumerate(requests):
            fed = self.pipeline.traces(body, tree.at_ns(now_s))
            self.left.extend(contents(fed.request.join()))
            self._follow(fed.happenings)
            now_s += gaps_s[number % len(gaps_s)]
            self._follow(self.pipeline.due(tree.at_ns(now_s)))
        self._follow(self.pipeline.finish(tree.at_ns(now_s)))
        return self

    def _follow(self, happenings: Sequence[object]) -> None:
        for happening in happenings:
            if isinstance(happening, Released):
                span = happening.span
                (group,) = Request(span.origin).batches
                self.left.append(((group.resource, group.scope), span.encoded + happening.added))
            elif isinstance(happening, Counted) and not happening.overdue:
                self.lines.append(run_line(happening.run, happening.verdict))


def matched(came: list[Leaving], left: list[Leaving]) -> Counter[Leaving]:
    """How often each span that came left again; fails where one left that never came."""
    found: Counter[Leaving] = Counter()
    for group, out in left:
        origin = next((o for o in came if o[0] == group and _is_marked(o[1], out)), None)
        assert origin is not None, f"left but never came: {out!r}"
        found[origin] += 1
    return found


def _is_marked(span: bytes, out: bytes) -> bool:
    if not out.startswith(span):
        return False
    added = Span.FromString(out[len(span) :])
    ours = Span(attributes=added.attributes)
    return ours == added and all(a.key.startswith("agent_slo.") for a in added.attributes)


gaps = st.lists(st.sampled_from([0.0, 1.0, 3.0, 16.0, 700.0]), min_size=1, max_size=4)


@slow
@given(bodies, gaps, st.booleans())
def test_every_span_leaves_once_and_as_it_came(
    requests: list[bytes], gaps_s: list[float], hold_roots: bool
) -> None:
    came = [item for body in requests for item in contents(body)]
    way = Way(hold_roots=hold_roots).play(requests, gaps_s)
    dropped = way.pipeline.tally["held_duplicate"]
    assert len(way.left) + dropped == len(came)
    once = matched(came, way.left)
    if not dropped:
        assert once == Counter(came)


@slow
@given(some.traces().flatmap(some.requests), gaps)
def test_of_a_span_sent_twice_at_least_one_copy_leaves(
    requests: list[list[tree.Sent]], gaps_s: list[float]
) -> None:
    twice = [tree.request(r) for r in requests for _ in range(2)]
    came = {item for body in twice for item in contents(body)}
    way = Way().play(twice, gaps_s)
    assert set(matched(sorted(came), way.left)) == came


@slow
@given(some.traces().flatmap(some.requests), gaps)
def test_what_we_have_marked_passes_a_second_time_unchanged(
    requests: list[list[tree.Sent]], gaps_s: list[float]
) -> None:
    first = Way().play([tree.request(r) for r in requests], gaps_s)
    again = [_joined(first.left)]
    second = Way().play(again, [0.0])
    assert Counter(second.left) == Counter(first.left)


@slow
@given(some.traces())
def test_attributes_of_ours_do_not_change_a_run(sent: list[tree.Sent]) -> None:
    first = Way().play([tree.request(sent)], [0.0])
    second = Way().play([_joined(first.left)], [0.0])
    key = "run_id"
    assert sorted(second.lines, key=lambda x: str(x[key])) == sorted(
        first.lines, key=lambda x: str(x[key])
    )


def _joined(left: list[Leaving]) -> bytes:
    return b"".join(enveloped([span], resource, scope) for (resource, scope), span in left)
