"""Several processors with one evaluator say together what one process says."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentslo.config.options import RunsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.model import Evaluation
from agentslo.runs.evidence import About
from scenarios import tree
from support.fleet import Fleet

CLOSED_S, GIVEN_UP_S, LAST_S = 60.0, 2_000.0, 100_000.0
GENTLE = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
Draw = Callable[[st.SearchStrategy[int]], int]


def trace(number: int, kind: str) -> list[tree.Sent]:
    """The spans of one run."""
    label = f"run {number}"
    root = {"agent": "support", "id": f"root {number}", "at": [0, 5], "trace": label}
    if kind == "conversation":
        root |= {"conversation": f"c {number // 2}"}
    tool = {"tool": "lookup", "at": [2, 3], "id": f"tool {number}"}
    if kind == "failed tool":
        tool |= {"error": "TimeoutError"}
    if kind == "waits":
        pending = {"tool": "refund", "at": [4, 4], "args": "{}", "id": f"tool {number}"}
        calls = {"chat": "m", "at": [1, 4], "finish": "tool_call", "id": f"chat {number}"}
        root |= {"conversation": f"c {number // 2}", "scope": "pydantic-ai"}
        return tree.spans([root | {"at": [0, 4], "below": [calls, pending]}])
    chat = {"chat": "m", "at": [1, 2], "finish": "stop", "id": f"chat {number}"}
    chat["attributes"] = {"gen_ai.response.id": f"response {number}"}
    below = {"agent": "helper", "at": [1, 4], "id": f"helper {number}", "below": [chat, tool]}
    last = {"chat": "m", "at": [4, 5], "finish": "stop", "id": f"last {number}"}
    return tree.spans([root | {"below": [below, last]}])


KINDS = st.sampled_from(["plain", "failed tool", "conversation", "waits"])


@st.composite
def judgements(draw: st.DrawFn, runs: int) -> list[tuple[int, About, Evaluation]]:
    """Who hears of which run, by any of its names, and what."""
    found = []
    for ident in range(draw(st.integers(0, 6))):
        number = draw(st.integers(0, runs - 1))
        trace_id = tree.trace_id(f"run {number}").hex()
        about = draw(
            st.sampled_from(
                [
                    About(run_id=f"{trace_id}:{tree.span_id(f'root {number}').hex()}"),
                    About(trace_id=trace_id),
                    About(trace_id=trace_id, span_id=tree.span_id(f"chat {number}")),
                    About(response_id=f"response {number}"),
                ]
            )
        )
        said = Evaluation(
            name=draw(st.sampled_from(["quality", "policy check", "groundedness"])),
            label=draw(st.sampled_from(["pass", "fail"])),
            human=draw(st.booleans()),
            id=f"said {ident}",
        )
        found.append((draw(st.integers(0, 2)), about, said))
    return found


def both(kinds: list[str]) -> tuple[Fleet, Fleet]:
    """One process and three replicas that each got whole traces, all runs closed."""
    one, three = Fleet(0), Fleet(3)
    for number, kind in enumerate(kinds):
        body = tree.request(trace(number, kind))
        for fleet in (one, three):
            fleet.send(number * 7 % 3, body, 5 + number * 0.01)
    return one, three


@GENTLE
@given(st.data())
def test_corrections_of_late_evidence_at_random_replicas_are_those_of_one_process(
    data: st.DataObject,
) -> None:
    kinds = data.draw(st.lists(KINDS, min_size=1, max_size=6))
    one, three = both(kinds)
    for fleet in (one, three):
        fleet.due(CLOSED_S)
        fleet.deliver(CLOSED_S)
    for number, (replica, about, said) in enumerate(data.draw(judgements(len(kinds)))):
        for fleet in (one, three):
            fleet.say(replica, about, said, CLOSED_S + number)
            fleet.deliver(CLOSED_S + number)
    for fleet in (one, three):
        fleet.due(LAST_S)
        fleet.deliver(LAST_S)
    for family, labels in (
        ("agent_slo_corrections_total", ("slo", "from", "to", "source")),
        ("agent_slo_outcome_corrections_total", ("from", "to", "source")),
        ("agent_slo_runs_total", ("agent", "outcome")),
        ("agent_slo_events_total", ("slo", "result")),
        ("agent_slo_drift_bin_total", ("feature", "bin")),
    ):
        assert three.total(family, *labels) == one.total(family, *labels), family


@GENTLE
@given(st.data())
def test_evidence_at_any_time_and_records_in_any_order_come_to_the_same_outcomes(
    data: st.DataObject,
) -> None:
    kinds = data.draw(st.lists(st.sampled_from(["plain", "failed tool"]), min_size=1, max_size=5))
    one, three = both(kinds)
    for replica, about, said in data.draw(judgements(len(kinds))):
        early = data.draw(st.booleans())
        if not early:
            one.due(CLOSED_S)
            three.due(CLOSED_S)
        for fleet in (one, three):
            fleet.say(replica, about, said, CLOSED_S if not early else 5.5)
    for fleet in (one, three):
        fleet.due(GIVEN_UP_S)
    again = data.draw(st.lists(st.sampled_from(three.post), max_size=5)) if three.post else []
    three.deliver(GIVEN_UP_S, data.draw(st.permutations([*three.post, *again])))
    assert three.outcomes() == one.outcomes()
    assert three.results() == one.results()


@GENTLE
@given(st.data())
def test_a_run_split_over_replicas_is_counted_once(data: st.DataObject) -> None:
    fleet, traces = Fleet(3), data.draw(st.integers(1, 4))
    for number in range(traces):
        for span in data.draw(st.permutations(trace(number, "plain"))):
            # What was not acknowledged in time reaches a second replica, too.
            for replica in data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=2)):
                fleet.send(replica, tree.request([span]), 5 + number * 0.01)
        if data.draw(st.booleans()):
            fleet.due(CLOSED_S)
            fleet.deliver(CLOSED_S)
    fleet.due(GIVEN_UP_S)
    again = data.draw(st.lists(st.sampled_from(fleet.post), max_size=5)) if fleet.post else []
    fleet.deliver(GIVEN_UP_S, data.draw(st.permutations([*fleet.post, *again])))
    assert fleet.outcomes().total() == traces
    assert fleet.outcomes().keys() <= {"completed", "unknown", "limit", "error"}


@GENTLE
@given(st.lists(st.integers(0, 2), min_size=2, max_size=6))
def test_turns_at_several_replicas_are_one_conversation(replicas: list[int]) -> None:
    config = ServiceConfig(runs=RunsOptions(scope="conversation"))
    one, three = Fleet(0, config), Fleet(3, config)
    for number, replica in enumerate(replicas):
        row = {"agent": "support", "conversation": "c", "trace": f"turn {number}"}
        row |= {"id": f"turn {number}", "at": [number * 9, number * 9 + 5]}
        body = tree.request(tree.spans([row]))
        for fleet in (one, three):
            fleet.send(replica, body, number * 9 + 6)
            fleet.due(number * 9 + 8)
        three.deliver(number * 9 + 8, three.post * 2)
    for at_s in (len(replicas) * 9 + 30, GIVEN_UP_S):
        for fleet in (one, three):
            fleet.due(at_s)
            fleet.deliver(at_s)
    assert three.outcomes() == one.outcomes()
    assert three.outcomes().total() == 1
