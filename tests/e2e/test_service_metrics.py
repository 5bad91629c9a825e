"""A real Prometheus scrapes the service and counts what replay counts.

Every recording is sent twice, the second time as new runs, into one service with one Prometheus;
the tests look at what it stored.
"""

import json
import subprocess
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from service_parts import SHIPPED, Service, agentslo, get, listening, replayed, send

from agentslo.demo.hello import requests
from support.ports import LOOPBACK, free_port
from support.process import answers, running
from support.wait import until

pytestmark = pytest.mark.xdist_group("metrics")

Counts = dict[tuple[str, str], float]
RUNS = "sum by (agent, outcome) (agent_slo_runs_total)"
ZERO_HOLD_S = 6
NOW_NS = 1_790_000_000_000_000_000
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config = {"metrics": {"zero_hold_s": ZERO_HOLD_S}}
    with agentslo(tmp_path_factory.mktemp("service"), listening(config)) as running_service:
        yield running_service


@pytest.fixture(scope="module")
def url(
    service: Service, prometheus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    tmp, address = tmp_path_factory.mktemp("prometheus"), f"{LOOPBACK}:{free_port()}"
    config = tmp / "prometheus.yml"
    target = service.metrics.removeprefix("http://")
    config.write_text(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: agentslo
    static_configs: [{{targets: ["{target}"]}}]
""")
    command = [
        prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp / 'data'}",
        f"--web.listen-address={address}",
    ]
    with running(command, log=tmp / "prometheus.log", ready=answers(f"http://{address}/-/ready")):
        url = f"http://{address}"
        # Ready does not mean that it has looked: it takes up its targets seconds later.
        until(lambda: json.loads(get(f"{url}/api/v1/query?query=up==1"))["data"]["result"])
        yield url


@pytest.fixture(scope="module")
def counted(service: Service, url: str) -> tuple[Counts, Counts]:
    """What Prometheus had counted after the first sending, and after the second."""
    expected = _by_replay()
    stages = []
    for times in (1, 2):
        send(service.grpc, (body for _, body in requests(NOW_NS, bytes([times]) * 8)))
        wanted = sum(expected.values()) * times
        stages.append(
            until(
                lambda wanted=wanted: (
                    sum((counts := query(url, RUNS)).values()) >= wanted and counts
                ),
                what=f"{wanted} runs in Prometheus",
            )
        )
    return stages[0], stages[1]


def _by_replay() -> Counts:
    """(agent, outcome) to runs; those that wait for a person are not counted yet."""
    runs = [line for line in replayed(SHIPPED) if line["type"] == "run"]
    return Counter((str(r["agent"]), str(r["outcome"])) for r in runs if r["outcome"] != "waiting")


def query(url: str, expression: str) -> Counts:
    """An instant query's values by (agent, outcome); zeros left out."""
    reply = get(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
    found = json.loads(reply)["data"]["result"]
    return {
        (row["metric"]["agent"], row["metric"]["outcome"]): float(row["value"][1])
        for row in found
        if float(row["value"][1])
    }


def test_prometheus_counts_by_agent_and_outcome_what_replay_counts(
    counted: tuple[Counts, Counts],
) -> None:
    assert counted[0] == _by_replay()


def test_a_second_batch_counts_on(counted: tuple[Counts, Counts]) -> None:
    assert counted[1] == {k: 2 * v for k, v in _by_replay().items()}


def test_the_first_runs_of_an_outcome_show_as_an_increase_as_well(
    counted: tuple[Counts, Counts], url: str
) -> None:
    # Exact, where increase() extrapolates: zero was stored before the first count.
    rise = "sum by (agent, outcome) ({0}(agent_slo_runs_total[10m]))"
    risen = query(url, f"{rise.format('max_over_time')} - {rise.format('min_over_time')}")
    assert risen == counted[1]
    increase = query(url, rise.format("increase"))
    assert increase.keys() == risen.keys()


def test_runs_that_wait_for_a_person_are_shown_and_not_counted(
    counted: tuple[Counts, Counts], service: Service
) -> None:
    waiting = [r for r in replayed(SHIPPED) if r.get("outcome") == "waiting"]
    assert service.total("agent_slo_runs_waiting") == 2 * len(waiting) > 0


def test_promtool_finds_nothing_wrong_with_a_live_scrape(
    counted: tuple[Counts, Counts], service: Service, promtool: Path
) -> None:
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=get(f"{service.metrics}/metrics"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_openmetrics_parses_and_its_exemplars_lead_to_traces_that_were_sent(
    counted: tuple[Counts, Counts], service: Service
) -> None:
    text = get(f"{service.metrics}/metrics", OPENMETRICS)
    exemplars = [
        sample.exemplar.labels
        for family in text_string_to_metric_families(text)
        if family.name == "agent_slo_run_duration_seconds"
        for sample in family.samples
        if sample.exemplar
    ]
    shown = {run["trace_id"] for run in service.runs()}
    assert exemplars
    assert {labels["trace_id"] for labels in exemplars} <= shown


def test_no_prompt_user_conversation_or_run_id_is_a_label(
    counted: tuple[Counts, Counts], service: Service
) -> None:
    runs = service.runs()
    kept_out = {str(run[key]) for run in runs for key in ("run_id", "trace_id", "conversation_id")}
    plain = get(f"{service.metrics}/metrics")
    assert [value for value in kept_out - {"None"} if value in plain] == []
