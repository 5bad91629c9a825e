"""docs/writing-an-agent-file.md: what it tells to type and write, and what it says comes of it."""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from service_parts import COMMAND, SHIPPED

from support.pages import blocks, merge_block
from support.tools import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "writing-an-agent-file.md").read_text()
SEEN, GOOD, MAY = "1. What has been seen", "3. What a good run leaves behind", "4. What it may do"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recordings").symlink_to(SHIPPED / "data")
    (tmp_path / "agents").mkdir()
    (tmp_path / "agentslo.yaml").write_text("agents: {directory: agents}\n")
    return tmp_path


def does(folder: Path, title: str) -> str:
    """What the last command under a heading prints, once all before it are done."""
    printed = ""
    for kind, text in blocks(PAGE, title):
        if kind == "yaml":
            merge_block(folder, text)
            continue
        path = f"{COMMAND.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        printed = done.stdout
    return printed


def outcomes(printed: str) -> Counter[tuple[str, str, str]]:
    """(outcome, reason, evidence) of the runs of a replay."""
    rows = re.findall(r"^20\S+  \S+  (\w+)  (\w+)  (\w+)", printed, re.MULTILINE)
    return Counter(rows)


def test_the_page_says_what_comes_of_what_it_tells(folder: Path) -> None:
    before = outcomes(does(folder, SEEN))
    assert sum(before.values()) == 13
    assert before["completed", "ended_normally", "heuristic"] == 5
    assert before["safe_escalation", "handed_to_person", "heuristic"] == 1

    proven = outcomes(does(folder, GOOD))
    assert proven["success", "expectations_hold", "tool_result"] == 3
    assert proven["completed", "ended_normally", "heuristic"] == 2
    assert sum(n for (outcome, _, _), n in proven.items() if outcome == "limit") == 1

    allowed = outcomes(does(folder, MAY))
    assert allowed["safe_escalation", "declared_conditions_hold", "tool_result"] == 1
