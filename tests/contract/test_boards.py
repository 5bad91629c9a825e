"""The committed dashboards: fresh, clean, complete. Grafana would load exactly these files."""

import pytest
import yaml

from agentslo.bundle.artefacts import stale
from agentslo.bundle.boards.catalogue import AWAITED, BOARDS, NOT_SHOWN
from agentslo.bundle.boards.files import PROMETHEUS_UID, TEMPO_UID, grafana_files
from agentslo.bundle.catalogue import records
from agentslo.bundle.rule import Board
from agentslo.bundle.rules import Options
from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.family import Kind
from support.boards.dashboards import committed, filled, promql, selectors
from support.boards.lint import complaints
from support.tools import PROJECT_ROOT

DASHBOARDS = committed()


def test_the_files_are_what_the_bundle_writes() -> None:
    files = grafana_files(Options())
    assert stale(files, PROJECT_ROOT) == []
    there = {str(p.relative_to(PROJECT_ROOT)) for p in (PROJECT_ROOT / "grafana").rglob("*.*")}
    assert there == set(files)


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_no_rule_complains(uid: str) -> None:
    assert complaints(DASHBOARDS[uid]) == []


def test_every_metric_is_on_a_board_or_left_out_for_a_reason() -> None:
    asked = {
        str(selector.name)
        for board in DASHBOARDS.values()
        for target in promql(board)
        for selector in selectors(target.expr)
    }
    behind = " ".join(r.expr for r in records() if r.name in asked)
    # A recorded series may be made of other recorded series.
    for _ in range(4):
        behind = " ".join(r.expr for r in records() if r.name in asked or r.name in behind)
    shown = {
        name
        for name, family in CATALOGUE.items()
        if name in behind
        or any(n == name or (family.kind is Kind.HISTOGRAM and n.startswith(name)) for n in asked)
    }
    assert set(CATALOGUE) - shown == set(NOT_SHOWN), "show it on a board, or say why not there"
    assert shown & set(NOT_SHOWN) == set()


def test_what_boards_await_is_taken_off_the_list_once_it_exists() -> None:
    assert AWAITED & set(CATALOGUE) == set()


def test_alerts_link_to_boards_that_exist() -> None:
    wanted = set(Board.__args__)
    assert wanted <= {board.uid for board in BOARDS}


def test_an_agent_is_asked_the_three_questions() -> None:
    rows = [p["title"] for p in DASHBOARDS["agent-slo-detail"]["panels"] if p["type"] == "row"]
    assert rows == ["Within SLO?", "What changed?", "What next?", "Cost and latency"]


def test_data_sources_have_the_uids_that_exemplars_lead_to() -> None:
    path = PROJECT_ROOT / "grafana" / "provisioning" / "datasources" / "agentslo.yml"
    found = {s["uid"]: s for s in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]}
    assert set(found) == {PROMETHEUS_UID, TEMPO_UID}
    (exemplars,) = found[PROMETHEUS_UID]["jsonData"]["exemplarTraceIdDestinations"]
    assert exemplars == {"name": "trace_id", "datasourceUid": TEMPO_UID}


def test_no_placeholder_is_left_in_a_query() -> None:
    for board in DASHBOARDS.values():
        for target in promql(board):
            assert not any(mark in filled(target.expr) for mark in ("@", "<agent>", "<slo>", "$"))
