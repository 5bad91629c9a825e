"""Tap: the Collector's back end gets everything, and verdicts, whatever becomes of agentslo."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from service_parts import (
    EXAMPLES,
    OURS,
    SHIPPED,
    Collector,
    FileSink,
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
from span_parts import requests_in_file, requests_of, seen

from support.wait import until

pytestmark = pytest.mark.xdist_group("tap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """Applications' Collector, its back end, and agentslo beside it with the same back end."""

    applications: Collector
    back_end: FileSink
    service: Service


@contextmanager
def tap(otelcol: Path, tmp: Path) -> Iterator[Tap]:
    with file_sink(otelcol, tmp) as back_end:
        verdicts = {"destinations": [to(back_end.grpc, forward="verdicts")]}
        with (
            agentslo(tmp, listening(verdicts)) as service,
            collector(
                otelcol,
                tmp,
                "applications",
                [EXAMPLES / "tap.yaml", OURS / "quick.yaml"],
                {"BACKEND_GRPC": back_end.grpc, "TO_AGENTSLO_GRPC": service.grpc},
            ) as applications,
        ):
            yield Tap(applications=applications, back_end=back_end, service=service)


def test_the_back_end_gets_all_spans_as_they_were_and_a_verdict_span_for_every_run(
    otelcol: Path, tmp_path: Path
) -> None:
    bodies = in_time_order(SHIPPED)
    sent = seen(requests_of(bodies)).spans
    expected = said_by_replay(replayed(SHIPPED))
    with tap(otelcol, tmp_path) as parts:
        send(parts.applications.grpc, bodies)
        arrived = until(
            lambda: (
                (now := seen(requests_in_file(parts.back_end.file)))
                and now.spans.total() >= sent.total()
                and len(now.verdicts) >= len(expected)
                and parts.service.settled()
                and now
            ),
            what="spans and verdicts",
        )
    assert arrived.spans == sent
    assert sorted(arrived.verdicts) == sorted(expected)
    assert arrived.roots == set()


def test_the_back_end_misses_nothing_where_agentslo_is_killed_midway(
    otelcol: Path, tmp_path: Path
) -> None:
    bodies = in_time_order(SHIPPED)
    half = len(bodies) // 2
    sent = seen(requests_of(bodies)).spans
    with tap(otelcol, tmp_path) as parts:
        send(parts.applications.grpc, bodies[:half])
        received = "agent_slo_processor_spans_received_total"
        until(lambda: parts.service.total(received) > 0, what="agentslo to have got some")
        assert parts.service.process.kill() < 0
        send(parts.applications.grpc, bodies[half:])
        arrived = until(
            lambda: (
                (now := seen(requests_in_file(parts.back_end.file)))
                and now.spans.total() >= sent.total()
                and now
            ),
            what="all spans at the back end",
        )
    assert arrived.spans == sent
