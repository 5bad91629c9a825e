"""Collector -> agentslo -> Collector: nothing is lost or altered, and run roots say how it went.

Each set of recordings is sent once; the tests look at what arrived.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from service_parts import (
    EXAMPLES,
    OURS,
    SHIPPED,
    Service,
    agentslo,
    collector,
    file_sink,
    in_time_order,
    listening,
    replayed,
    said_by_replay,
    send,
    to,
)
from span_parts import Seen, requests_in_file, requests_of, seen

from support.wait import until

pytestmark = pytest.mark.xdist_group("inline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One set of recordings, what was sent of it and what arrived."""

    folder: Path
    sent: Seen
    arrived: Seen
    counts: Counter[tuple[str, str]]
    """Runs that `/metrics` shows, by (agent, outcome)."""
    logs: str


@pytest.fixture(scope="module", params=["shipped", "all"])
def passage(
    request: pytest.FixtureRequest, otelcol: Path, tmp_path_factory: pytest.TempPathFactory
) -> Passage:
    if request.param == "shipped":
        folder = SHIPPED
    else:
        folder = request.getfixturevalue("shared_dir") / "captures"
    return _pass_through(otelcol, tmp_path_factory.mktemp(request.param), folder)


def _pass_through(otelcol: Path, tmp: Path, folder: Path) -> Passage:
    bodies = in_time_order(folder)
    sent = seen(requests_of(bodies))
    metrics = {"zero_hold_s": 0}
    with (
        file_sink(otelcol, tmp) as back_end,
        agentslo(
            tmp, listening({"destinations": [to(back_end.grpc)], "metrics": metrics})
        ) as service,
        collector(
            otelcol,
            tmp,
            "first",
            [EXAMPLES / "in-line.yaml", OURS / "quick.yaml"],
            {"TO_AGENTSLO_GRPC": service.grpc, "QUEUE_DIRECTORY": str(tmp / "queue")},
        ) as first,
    ):
        send(first.grpc, bodies)
        received = "agent_slo_processor_spans_received_total"
        until(lambda: service.total(received) >= sent.spans.total(), what="all spans to come in")
        until(service.settled, what="all runs to close")
        # Once more: what follows must not depend on when the file is flushed.
        until(
            lambda: len(seen(requests_in_file(back_end.file)).ids) >= len(sent.ids),
            what="all spans to be written",
        )
        counts = _counts(service)
        logs = first.process.text() + service.process.text()
    arrived = seen(requests_in_file(back_end.file))
    return Passage(folder=folder, sent=sent, arrived=arrived, counts=counts, logs=logs)


def _counts(service: Service) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for labels, value in service.families()["agent_slo_runs_total"].items():
        found = dict(labels)
        counts[found["agent"], found["outcome"]] += int(value)
    return +counts


def test_what_is_sent_is_all_that_the_manifest_lists(passage: Passage) -> None:
    with (passage.folder / "manifest.csv").open(newline="") as table:
        listed = sum(int(row["spans"]) for row in csv.DictReader(table))
    assert passage.sent.spans.total() == listed > 0


def test_every_span_arrives_exactly_once_and_unaltered_but_for_our_attributes(
    passage: Passage,
) -> None:
    missing = passage.sent.spans - passage.arrived.spans
    surplus = passage.arrived.spans - passage.sent.spans
    assert (list(missing)[:1], list(surplus)[:1]) == ([], [])


def test_run_roots_carry_their_outcome_on_the_way_out(passage: Passage) -> None:
    lines = replayed(passage.folder)
    rooted = {str(line["run_id"]) for line in lines if line.get("root_span_id")}
    told = {run_id for run_id, _ in passage.arrived.roots}
    assert told <= rooted
    if passage.folder == SHIPPED:
        assert told == rooted
    # Where only a run's end shows which span was its root, a verdict span tells.
    assert len(told) >= 0.95 * len(rooted)


def test_run_roots_and_verdict_spans_say_what_replay_says(passage: Passage) -> None:
    assert passage.arrived.said == said_by_replay(replayed(passage.folder))


def test_metrics_count_by_agent_and_outcome_what_replay_counts(passage: Passage) -> None:
    runs = [line for line in replayed(passage.folder) if line["type"] == "run"]
    # Runs that wait for a person are shown, and counted when they are settled.
    counted = [r for r in runs if r["outcome"] != "waiting"]
    assert passage.counts == Counter((str(r["agent"]), str(r["outcome"])) for r in counted)


def test_a_verdict_span_comes_once_and_only_where_the_root_does_not_tell(passage: Passage) -> None:
    verdicts = passage.arrived.verdicts
    assert len(verdicts) == len(set(verdicts))
    assert passage.arrived.roots.isdisjoint(verdicts)


def test_the_collector_has_nothing_deprecated_to_say_of_the_example(passage: Passage) -> None:
    assert re.findall(r"(?i).*(?:deprecat|\tERROR\t|Traceback).*", passage.logs) == []
