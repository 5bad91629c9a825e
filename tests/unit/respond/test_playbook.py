"""The playbook of an agent: the shipped one, changed by its file, as pages and as routes."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from agentslo.config.agent_options import AgentFile, Owners
from agentslo.config.playbook_options import ACTIONS, CATEGORIES, PlayChange
from agentslo.respond.playbook import PLAYS, plays
from agentslo.respond.playbook_page import page, routes

MINE = AgentFile(
    name="shop",
    file="shop.yaml",
    owners=Owners(product="sales", operations="shop-oncall"),
    playbook=(
        PlayChange(name="tool_failure", severity="SEV2", contain=("to_humans",), pages="product"),
        PlayChange(name="unsafe_action", steps=("Still reachable? Off.",), pages="fraud-team"),
    ),
)


def test_what_a_file_does_not_say_stays_as_shipped() -> None:
    changed, shipped = plays(MINE)["tool_failure"], PLAYS["tool_failure"]
    assert (changed.severity, changed.first, changed.pages) == ("SEV2", ("to_humans",), "product")
    assert (changed.then, changed.means) == (shipped.then, shipped.means)
    assert plays(MINE)["data_corruption"] is PLAYS["data_corruption"]
    assert plays(None) is PLAYS


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("file", [None, MINE], ids=["shipped", "changed"])
def test_every_kind_has_a_page_with_all_that_on_call_needs(
    category: str, file: AgentFile | None
) -> None:
    text = page(category, file)  # type: ignore[arg-type]  # one of CATEGORIES
    for part in ("**Means**", "**For example**", "**Called**", "## Decide", "**Roll back**"):
        assert part in text
    assert len(text.splitlines()) <= 40
    offered = [action for action in ACTIONS if f"--action {action}" in text]
    assert sorted(offered) == sorted(plays(file)[category].first)  # type: ignore[index]


def test_pages_go_to_whom_the_playbook_names(amtool: Path, tmp_path: Path) -> None:
    made = routes(MINE)
    named = sorted({str(route["receiver"]) for route in made})
    config = {
        "route": {"receiver": "rest", "routes": made},
        "receivers": [{"name": name} for name in ("rest", *named)],
    }
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    expected = {
        "AgentUnsafeAction": "fraud-team",
        "AgentToolErrorsHigh": "sales",
        "AgentDataCorruption": "shop-oncall",
        "AgentSLOErrorBudgetBurn": "shop-oncall",
    }
    for alert, receiver in expected.items():
        labels = ["agent=shop", "slo_action=page", f"alertname={alert}"]
        told = subprocess.run(
            [amtool, "config", "routes", "test", f"--config.file={path}", *labels],
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == receiver
    assert json.dumps(made)
