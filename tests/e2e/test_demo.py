"""`agentslo demo`, in short: real parts, real alerts, and a summary whose commands work."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from service_parts import command

from agentslo.demo.fleet import FLEET

pytestmark = [pytest.mark.xdist_group("alerts"), pytest.mark.timeout(300)]

NONE = ("--without", "collector", "--without", "prometheus", "--without", "alertmanager")


@pytest.fixture(scope="module")
def played(
    otelcol: Path, prometheus: Path, alertmanager: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """What the demo printed, and its folder."""
    folder = tmp_path_factory.mktemp("demo")
    tools = {"AGENTSLO_TOOLS_DIR": str(otelcol.parents[1])}
    done = command("demo", "--for", "20", "--directory", folder, env=tools)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def spans_in(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_text().splitlines():
        for group in json.loads(line)["resourceSpans"]:
            for scope in group["scopeSpans"]:
                yield from scope["spans"]


def section(text: str, agent: str) -> str:
    """What the summary says of an agent."""
    return re.split(r"\n\n", text.partition("What happened")[2].partition(f"\n{agent}: ")[2])[0]


def test_every_agent_shows_the_outcome_of_its_story(played: tuple[str, Path]) -> None:
    text, _ = played
    assert "missing" not in text
    for actor in FLEET:
        assert " runs: " in section(text, actor.name)
    assert re.search(r"seen +\d+ runs: \d+ success$", section(text, "order-desk"), re.MULTILINE)
    shown = {"booking": "limit", "refunds": "tool_failure", "mail-assistant": "unsafe_action"}
    shown |= {"triage": "safe_escalation", "billing": "wrong_result"}
    for agent, outcome in shown.items():
        assert f" {outcome}" in section(text, agent)


def test_pages_reach_somebody_and_the_healthy_agent_has_none(played: tuple[str, Path]) -> None:
    text, folder = played
    alerts = [json.loads(line) for line in (folder / "alerts.jsonl").read_text().splitlines()]
    paged = {
        (alert["labels"]["alertname"], alert["labels"]["agent"])
        for alert in alerts
        if alert["receiver"] == "page"
    }

    assert {
        ("AgentUnsafeAction", "mail-assistant"),
        ("AgentSLOErrorBudgetBurn", "refunds"),
    } <= paged
    assert {agent for _, agent in paged} & {"order-desk", "night-report", "triage"} == set()
    assert re.search(r"page: .*AgentUnsafeAction", section(text, "mail-assistant"))


def test_the_back_end_has_every_span_and_a_verdict_for_every_run(
    played: tuple[str, Path],
) -> None:
    text, folder = played
    counted = sum(map(int, re.findall(r"seen +(\d+) runs: ", text)))
    found: Counter[str] = Counter()
    for span in spans_in(folder / "backend.jsonl"):
        found["verdicts" if span["name"] == "agent_slo.verdict" else "spans"] += 1
        found["roots"] += span["name"].startswith("invoke_agent ")

    assert found["verdicts"] == found["roots"] == counted
    assert found["spans"] > 3 * counted


def test_every_command_of_the_summary_works(played: tuple[str, Path]) -> None:
    text, _ = played
    lines = [line.split(maxsplit=1)[1] for line in text.splitlines() if " --config " in line]
    told = [command(*shlex.split(line)) for line in lines if not line.startswith("page again")]

    assert len(told) >= len([actor for actor in FLEET if actor.look])
    for line, done in zip(lines, told, strict=False):
        # What compare finds of so few runs is its own business: worse, or too few to say.
        assert done.returncode in ((2, 3) if line.startswith("compare") else (0,)), done.stderr
        assert done.stdout, line


def test_without_any_outside_tool_there_is_the_page_alone(tmp_path: Path) -> None:
    done = command("demo", "--for", "3", "--directory", tmp_path, *NONE)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("missing: not found: run `make tools`") == 3
    assert re.search(r"seen +\d+ runs: \d+ success", section(done.stdout, "order-desk"))
    assert not (tmp_path / "backend.jsonl").exists()
