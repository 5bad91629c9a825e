"""Every query of every panel on a real Prometheus: data where agents are busy, no error where none
is.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agentslo.respond.from_prometheus import Prometheus as Source
from agentslo.respond.from_prometheus import from_prometheus
from agentslo.respond.gates import Ask, GateDecision, decide
from support.boards.dashboards import Target, committed, filled, promql, span_of
from support.boards.seeded import Prometheus, seeded, serving
from support.gate_examples import argo_verdict, documents, flagger_ranges
from support.gate_examples import filled as variables_filled

pytestmark = pytest.mark.xdist_group("boards")

BOARDS = committed()
HOUR_S, STEP_S = 3600, 600


@pytest.fixture(scope="module")
def busy(
    prometheus: Path, promtool: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    with seeded(prometheus, promtool, tmp_path_factory.mktemp("busy")) as server:
        yield server


@pytest.fixture(scope="module")
def empty(prometheus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with serving(prometheus, tmp_path_factory.mktemp("empty")) as server:
        yield server


def found(server: Prometheus, board: Any, target: Target, chosen: str = ".+") -> list[Any]:
    """The series a target finds, asked as Grafana would."""
    expr = filled(target.expr, span_of(board), chosen)
    if target.query["instant"]:
        return server.instant(expr)
    return server.over(expr, 3 * HOUR_S, STEP_S)


def answered(server: Prometheus, board: Any) -> dict[str, int]:
    """Series found by each target of a board."""
    asked = list(promql(board))
    with ThreadPoolExecutor(2) as pool:
        counts = pool.map(lambda target: len(found(server, board, target)), asked)
        return {str(t): n for t, n in zip(asked, counts, strict=True)}


@pytest.mark.parametrize("uid", BOARDS)
def test_every_query_finds_data_where_agents_are_busy(busy: Prometheus, uid: str) -> None:
    silent = [name for name, n in answered(busy, BOARDS[uid]).items() if not n]
    assert silent == []


@pytest.mark.parametrize("uid", BOARDS)
def test_no_query_fails_where_nothing_was_ever_seen(empty: Prometheus, uid: str) -> None:
    assert answered(empty, BOARDS[uid])


@pytest.mark.parametrize("uid", BOARDS)
def test_every_variable_and_mark_finds_data(busy: Prometheus, uid: str) -> None:
    for variable in BOARDS[uid]["templating"]["list"]:
        if variable["type"] == "query":
            series, _, label = variable["query"]["query"][13:-1].rpartition(", ")
            assert {s["metric"][label] for s in busy.instant(filled(series))} - {""}
    marks = {m["name"]: m["expr"] for m in BOARDS[uid]["annotations"]["list"]}
    if "New release" in marks:
        assert busy.over(filled(marks["New release"]), 3 * HOUR_S, 300)
        # No objective changed and nobody was switched off: a mark would be an invention.
        for name in set(marks) - {"New release"}:
            assert busy.over(filled(marks[name]), 3 * HOUR_S, 300) == []


def test_a_query_of_a_misspelt_series_would_be_seen(busy: Prometheus) -> None:
    assert busy.instant("agent_slo_runs_totals") == []
    with pytest.raises(ValueError, match="parse error"):
        busy.instant("sum by (agent")


def test_the_stories_of_the_fleet_are_told(busy: Prometheus) -> None:
    board = BOARDS["agent-slo-fleet"]
    table = [t for t in promql(board) if t.panel["title"].startswith("Agents, the least")]
    safe_to_run = found(busy, board, table[0])
    assert {s["metric"]["agent"]: float(s["value"][1]) for s in safe_to_run} == {
        "order-desk": 1,
        "triage": 1,
        "refunds": 0,
        "account-changes": 0,
        "shop/research-helper": -1,
        "night-report": -1,
    }


# ---- what else reads the recorded series


@pytest.mark.parametrize(
    ("agent", "result", "code"),
    [
        pytest.param("refunds", "fail", "budget", id="its budget is spent"),
        pytest.param("account-changes", "fail", "safety", id="it did harm"),
        pytest.param("shop/research-helper", "inconclusive", "coverage", id="few are judged"),
        pytest.param("night-report", "inconclusive", "stale", id="it fell silent"),
        pytest.param("nobody", "inconclusive", "no_objective", id="it is unknown"),
    ],
)
def test_the_release_gate_tells_each_agent_s_story(
    busy: Prometheus, agent: str, result: str, code: str
) -> None:
    decision = gated(busy, agent)
    assert decision.result == result
    assert code in {finding.code for finding in decision.findings}


def test_the_release_gate_passes_a_healthy_agent_on_all_its_objectives(busy: Prometheus) -> None:
    decision = gated(busy, "order-desk")
    assert decision.result == "pass", decision.findings
    assert set(decision.standings) == {"resolved", "quick", "safety", "cheap"}


def gated(busy: Prometheus, agent: str) -> GateDecision:
    ask = Ask(
        agent=agent,
        environment="production",
        release="",
        change="feature",
        now_ns=busy.end_s * 1_000_000_000,
    )
    return decide(ask, from_prometheus(Source(busy.url), None, ask), ())


WORSE = "refunds"
"""The agent whose newer release was found worse."""
STORIES = {
    "order-desk": ("pass", "pass"),
    "refunds": ("fail", "pass"),
    "account-changes": (None, "fail"),
    "nobody": ("fail", "fail"),
}
"""What the examples say of an agent's budget and of harm; None: not its story."""


@pytest.mark.parametrize("agent", STORIES)
def test_the_analysis_of_argo_tells_each_agent_s_story(busy: Prometheus, agent: str) -> None:
    (template,) = documents("argo-rollouts.yaml")
    said = {}
    for metric in template["spec"]["metrics"]:
        query = variables_filled(metric["provider"]["prometheus"]["query"], agent)
        (series,) = busy.instant(query)
        said[metric["name"]] = argo_verdict(metric, float(series["value"][1]))
    budget, harm = STORIES[agent]
    assert said["harm"] == harm
    assert budget in (None, said["budget"])
    # Of the others no two releases serve side by side.
    assert said["release"] == ("fail" if agent == WORSE else "inconclusive")
    assert said["coverage"] == ("inconclusive" if agent == "nobody" else "pass")


@pytest.mark.parametrize("agent", STORIES)
def test_the_checks_of_flagger_tell_each_agent_s_story(busy: Prometheus, agent: str) -> None:
    said = {}
    for template in documents("flagger.yaml"):
        (series,) = busy.instant(variables_filled(template["spec"]["query"], agent))
        least, most = flagger_ranges()[template["metadata"]["name"]]
        inside = least <= float(series["value"][1]) <= most
        said[template["metadata"]["name"]] = "pass" if inside else "fail"
    budget, harm = STORIES[agent]
    # Not known halts nothing.
    assert said["agent-slo-release"] == ("fail" if agent == WORSE else "pass")
    assert said["agent-slo-harm"] == harm
    assert budget in (None, said["agent-slo-budget"])
