"""What the service does not believe, and what it does not let strangers change."""

import json
from pathlib import Path

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from service_parts import FREE, Service, agentslo, get, listening, post, send

from scenarios import tree
from support.wait import until

JSON = "application/json"


def a_run(trace: str, declared: str = "") -> bytes:
    """One agent span with a model call, as a request; `declared` is the outcome it claims."""
    root = {"agent": "support", "id": f"root {trace}", "trace": trace, "at": [0, 5]}
    root["below"] = [{"chat": "m", "id": f"model {trace}", "at": [1, 4], "finish": "stop"}]
    sent = tree.spans([root])
    if declared:
        _claim(sent[0].span, declared)
    return tree.request(sent)


def _claim(span: Span, outcome: str) -> None:
    span.attributes.append(
        KeyValue(key="agent_slo.declared.outcome", value=AnyValue(string_value=outcome))
    )


def settled_runs(service: Service, count: int) -> list[dict[str, object]]:
    """The runs on the page, once there are so many."""
    until(lambda: len(service.runs()) >= count and service.settled(), what=f"{count} runs")
    return service.runs()


@pytest.mark.parametrize(("trust", "outcome"), [(True, "success"), (False, "completed")])
def test_an_outcome_that_spans_declare_counts_only_from_a_trusted_listener(
    tmp_path: Path, trust: bool, outcome: str
) -> None:
    config = listening({})
    config["listen"]["grpc"] = {"address": FREE, "trust": trust}  # type: ignore[index]  # as made
    with agentslo(tmp_path, config) as service:
        send(service.grpc, [a_run("t", "success")])
        assert [run["outcome"] for run in settled_runs(service, 1)] == [outcome]


def test_feedback_said_twice_counts_once_and_the_second_is_told(tmp_path: Path) -> None:
    with agentslo(tmp_path, listening({})) as service:
        send(service.grpc, [a_run("t")])
        run_id = str(settled_runs(service, 1)[0]["run_id"])
        said = json.dumps({"run_id": run_id, "kind": "thumbs_down"}).encode()
        answers = [post(f"{service.page}/v1/feedback", said, JSON)[0] for _ in range(2)]
        assert answers == [202, 202]
        ignored = service.families()["agent_slo_processor_evaluations_ignored_total"]
        assert ignored[(("reason", "repeated"),)] == 1
        assert service.runs()[0]["corrected_to"] == "wrong_result"
        why = json.loads(get(f"{service.page}/api/v1/runs/{run_id}/explain"))
        assert (why["run"]["outcome"], why["corrected_from"]) == ("wrong_result", "completed")


def test_agent_spans_are_counted_by_what_they_were_read_as(tmp_path: Path) -> None:
    with agentslo(tmp_path, listening({})) as service:
        send(service.grpc, [a_run("t")])
        settled_runs(service, 1)
        found = service.families()["agent_slo_processor_agent_spans_total"]
        assert found == {(("dialect", "genai"),): 2.0}
