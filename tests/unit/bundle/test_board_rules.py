"""Every rule of the dashboard linter finds what it is there to find."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from support.boards.dashboards import committed, panels
from support.boards.lint import RULES, complaints

Json = Any


def _panel(board: Json, kind: str = "timeseries") -> Json:
    return next(panel for panel in panels(board) if panel["type"] == kind)


def _expr(text: str) -> Callable[[Json], None]:
    def change(board: Json) -> None:
        _panel(board)["targets"][0]["expr"] = text

    return change


def _of_panel(**values: object) -> Callable[[Json], None]:
    return lambda board: _panel(board).update(values)


def _of_board(**values: object) -> Callable[[Json], None]:
    return lambda board: board.update(values)


def _config(**values: object) -> Callable[[Json], None]:
    return lambda board: _panel(board)["fieldConfig"]["defaults"].update(values)


def _variable(name: str, **values: object) -> Callable[[Json], None]:
    def change(board: Json) -> None:
        next(v for v in board["templating"]["list"] if v["name"] == name).update(values)

    return change


def _overlap(board: Json) -> None:
    first, second = list(panels(board))[:2]
    second["gridPos"] = first["gridPos"]


def _same_id(board: Json) -> None:
    first, second = list(panels(board))[:2]
    second["id"] = first["id"]


def _dead_link(board: Json) -> None:
    links = [
        prop["value"]
        for panel in panels(board)
        for override in panel["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "links"
    ]
    links[0][0]["url"] = "/d/agent-slo-nowhere?"


def _other_colour(board: Json) -> None:
    _panel(board)["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byName", "options": "success"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}],
        }
    ]


def _trace(query: str) -> Callable[[Json], None]:
    def change(board: Json) -> None:
        for panel in panels(board):
            if panel["datasource"]["type"] == "tempo":
                panel["targets"][0]["query"] = query

    return change


def _bound(board: Json) -> None:
    _panel(board)["targets"][0]["datasource"] = {"type": "prometheus", "uid": "abc"}


FAULTS: list[tuple[str, Callable[[Json], None]]] = [
    ("names", _expr("agent_slo_runs{}")),
    ("names", _expr("rate(agent_slo_runs_totals[$__rate_interval])")),
    ("names", _expr('rate(agent_slo_runs_total{tool="x"}[$__rate_interval])')),
    ("parses", _expr("sum by (agent")),
    ("rates", _expr("sum(agent_slo_runs_total)")),
    ("rates", _expr("sum(rate(agent_slo_runs_total[5m]))")),
    ("described", _of_panel(description="Runs.")),
    ("described", _config(noValue="")),
    ("variables", _variable("environment", allValue=None)),
    ("variables", _variable("agent", refresh=1)),
    ("variables", _variable("datasource", label="Prometheus")),
    ("sources", _bound),
    ("identity", _of_board(uid="x9f2")),
    ("identity", _of_board(editable=True)),
    ("identity", _of_board(id=7)),
    ("layout", _overlap),
    ("layout", _same_id),
    ("layout", _of_panel(gridPos={"x": 20, "y": 900, "w": 12, "h": 2})),
    ("links", _dead_link),
    ("links", _of_board(links=[])),
    ("colours", _other_colour),
    ("traceql", _trace('{ span.agent_slo.outcome = "error" }')),
    ("traceql", _trace('{ span.agent_slo.run.outcome = "bad" }')),
]


@pytest.fixture(scope="module")
def sound() -> Json:
    board = committed()["agent-slo-runs"]
    assert complaints(board) == []
    return board


@pytest.mark.parametrize(("rule", "spoil"), FAULTS)
def test_a_rule_finds_its_fault(sound: Json, rule: str, spoil: Callable[[Json], None]) -> None:
    board = copy.deepcopy(sound)
    spoil(board)
    assert list(RULES[rule](board))


def test_every_rule_has_a_fault_it_finds() -> None:
    assert {rule for rule, _ in FAULTS} == set(RULES)
