"""Replicas behind the Collector's `load_balancing` exporter come and go: F25 of reliability.md.

The spans of a run come in three parts; between them a replica is taken out, all are restarted one
after the other, and two are added. Each run is counted once, whatever was split.
"""

import os
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from fleet_parts import Fleet, Member, fleet
from service_parts import EXAMPLES, QUICK_RUNS, Collector, collector, send

from scenarios import tree
from support.wait import until

GROUP = 12
"""Runs under way at each change."""


def part_of(number: int, part: int) -> bytes:
    """A third of a run: what a sub-agent did, what the agent did after it, the agent itself."""
    label, root, helper = f"run {number}", f"root {number}", f"helper {number}"
    below = {"trace": label, "parent": helper}
    rows: list[dict[str, object]] = [
        {"chat": "m", "at": [1, 2], "finish": "stop", "id": f"chat {number}", **below},
        {"agent": "helper", "at": [1, 3], "id": helper, "trace": label, "parent": root},
        {"agent": "support", "at": [0, 5], "id": root, "trace": label},
    ]
    return tree.request(tree.spans(rows[part : part + 1]))


def config(members: Sequence[Member], file: Path) -> Path:
    """The shipped gateway, with the members as its list of replicas."""
    found = yaml.safe_load((EXAMPLES / "gateway.yaml").read_text())
    exporter = found["exporters"]["load_balancing/agentslo"]
    exporter["resolver"] = {"static": {"hostnames": [m.listen["grpc"] for m in members]}}
    exporter["retry_on_failure"] |= {
        "initial_interval": "100ms",
        "max_interval": "500ms",
    }
    found["service"]["telemetry"] = {"metrics": {"level": "none"}}
    file.write_text(yaml.safe_dump(found))
    return file


def reload(gateway: Collector, members: Sequence[Member], file: Path) -> None:
    """Put another list of replicas in force."""
    config(members, file)
    before = gateway.process.text().count("Everything is ready")
    gateway.process.process.send_signal(signal.SIGHUP)
    until(
        lambda: gateway.process.text().count("Everything is ready") > before,
        timeout_s=60,
        what="the Collector to take its configuration",
    )


def open_traces(members: Sequence[Member]) -> float:
    """Traces that have not closed, over running members."""
    return sum(m.service.total("agent_slo_processor_open_traces") for m in members if m.service)


@pytest.mark.skipif(
    not os.environ.get("FAULTS_LONG"), reason="takes a minute: make faults, or FAULTS_LONG=1"
)
def test_runs_are_counted_once_while_replicas_are_removed_restarted_and_added(
    otelcol: Path, tmp_path: Path
) -> None:
    file = tmp_path / "gateway.yaml"
    queue = {"QUEUE_DIRECTORY": str(tmp_path / "queue")}
    # Longer than two restarts: else what waits for its root is given up meanwhile.
    with fleet(tmp_path, 3, runs=QUICK_RUNS | {"idle_s": 15}) as found:
        first = found.processors[:3]
        with collector(otelcol, tmp_path, "gateway", [config(first, file)], queue) as gateway:

            def sent(group: int, part: int) -> None:
                numbers = range(group * GROUP, (group + 1) * GROUP)
                send(gateway.grpc, [part_of(number, part) for number in numbers])

            sent(0, 0)
            # One is taken out of the list, closes what it has, and stops.
            reload(gateway, first[:2], file)
            sent(0, 1)
            sent(0, 2)
            until(lambda: not open_traces(first[2:]), timeout_s=60, what="it to have none open")
            found.look()
            first[2].stop()
            # The others restart, one after the other, under way.
            sent(1, 0)
            for member in first[:2]:
                found.look()
                member.stop()
                sent(1, 1 + first.index(member))
                member.start()
            # Two are added.
            sent(2, 0)
            more = [*first[:2], *(found.add() for _ in range(2))]
            for member in more[2:]:
                member.begin()
            for member in more[2:]:
                member.ready()
            reload(gateway, more, file)
            sent(2, 1)
            sent(2, 2)
            until(
                lambda: found.outcomes().total() >= 3 * GROUP and not open_traces(more),
                timeout_s=90,
                what="every run to be counted",
            )
            settled(found)
            assert found.outcomes().total() == 3 * GROUP, told(found)
            assert found.outcomes().keys() <= {"completed", "unknown"}, told(found)
            split = found.counted("agent_slo_processor_records_received_total", "result")
            assert split[("split",)] > 0, "nothing was split: this shows nothing"
            assert split[("unreadable",)] == 0


def settled(found: Fleet) -> None:
    """Waits until all records are with the evaluator, and nothing moves any more."""
    family = "agent_slo_processor_queue_bytes"
    until(
        lambda: not found.counted(family, "destination")[("evaluator",)],
        timeout_s=60,
        what="records to arrive",
    )
    last: list[Counter[str]] = []

    def still() -> bool:
        last.append(found.outcomes())
        return len(last) > 3 and last[-1] == last[-4]

    until(still, timeout_s=60, what="counters to stand still")


def told(found: Fleet) -> str:
    """What every member counted."""
    families = ("agent_slo_runs_total", "agent_slo_processor_records_received_total")
    rows = [found.counted(family, "outcome") for family in families[:1]]
    moved = found.counted("agent_slo_outcome_corrections_total", "from", "to", "source")
    records = found.counted(families[1], "result")
    return f"runs {rows} corrections {moved} records {records}"
