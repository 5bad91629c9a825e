"""Drift that the evaluator sees over all replicas is on the roots that each of them sends on."""

import json
import time
from pathlib import Path

from fleet_parts import Fleet, fleet
from service_parts import Sink, get, send, sink, to
from span_parts import requests_of

from scenarios import tree
from support.wait import until

DRIFT = {
    "baseline_runs": 100,
    "baseline_days": 0,
    "watch_runs": 50,
    "slice_runs": 30,
    "min_window_runs": 30,
}


def runs_now(start: int, count: int, tool: str) -> bytes:
    """Runs that ended just now, which call a tool."""
    end = time.time() - tree.EPOCH_NS / tree.S
    below = [{"tool": tool, "at": [end - 1, end]}]
    rows = [
        {
            "agent": "support",
            "trace": f"run {number}",
            "id": f"root {number}",
            "at": [end - 1, end],
            "below": below,
        }
        for number in range(start, start + count)
    ]
    return tree.request(tree.spans(rows))


def spread(found: Fleet, start: int, count: int, tool: str, known: int) -> None:
    """So many runs at each replica, until the evaluator knows all."""
    for place, member in enumerate(found.processors):
        assert member.service is not None
        send(member.service.grpc, [runs_now(start + place * count, count, tool)])
    family = "agent_slo_processor_records_received_total"
    until(
        lambda: found.counted(family, "result")[("taken",)] == known,
        timeout_s=60,
        what=f"{known} records",
    )


def root(back_end: Sink, number: int) -> dict[str, object] | None:
    """What the root of a run says of drift where it arrived; None before."""
    for request in requests_of(list(back_end.bodies)):
        for group in request.resource_spans:
            for span in (s for holder in group.scope_spans for s in holder.spans):
                if span.span_id == tree.span_id(f"root {number}"):
                    return {
                        a.key: a.value.string_value or a.value.double_value
                        for a in span.attributes
                        if a.key.startswith("agent_slo.drift.")
                    }
    return None


def test_roots_of_every_replica_carry_what_the_evaluator_sees_over_all(tmp_path: Path) -> None:
    with sink() as back_end:
        more = {"destinations": [to(back_end.address)]}
        with fleet(tmp_path, 2, evaluator={"drift": DRIFT}, **more) as found:
            spread(found, 0, 60, "lookup", 120)
            assert root(back_end, 0) == {}, "nothing is known yet: absent, not 0"
            spread(found, 1_000, 40, "refund", 200)
            (agent,) = json.loads(get(f"{found.evaluator.page}/api/v1/drift"))["agents"]
            assert "tool_mix" in {f["feature"] for f in agent["features"] if f["state"] == "drift"}
            for place, member in enumerate(found.processors):
                assert member.service is not None
                # Drift is asked once a second here.
                asked_s = time.monotonic() + 2
                until(lambda at_s=asked_s: time.monotonic() > at_s, timeout_s=30, what="an answer")
                number = 5_000 + place
                send(member.service.grpc, [runs_now(number, 1, "refund")])
                until(
                    lambda number=number: root(back_end, number) is not None,
                    timeout_s=60,
                    what="the root",
                )
                assert root(back_end, number) == {
                    "agent_slo.drift.feature": agent["worst"]["feature"],
                    "agent_slo.drift.score": agent["worst"]["z"],
                }
                assert not member.service.total("agent_slo_drift_zscore")
