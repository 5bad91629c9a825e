"""`agentslo report privacy`: every file the service writes is on it, and what leaves."""

import json
from pathlib import Path

import pytest

from agentslo.cli.main import main

CONFIG = """
storage: {directory: data, retention_days: 30}
destinations:
  - name: back-end
    endpoint: h:4317
    primary: true
  - name: copy
    endpoint: h:4318
    forward: agent
    redact: [{detect: email}]
  - name: verdicts
    endpoint: h:4319
    forward: verdicts
"""


def rows(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    assert main(["report", "privacy", "--config", str(path), "--json"]) == 0
    return {row["where"]: row for row in json.loads(capsys.readouterr().out)["rows"]}


def test_it_says_where_text_stays_and_for_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agentslo.yaml"
    path.write_text(CONFIG)
    found = rows(path, capsys)
    assert found["data/ledger.sqlite"]["text"] == "no"
    assert found["data/ledger.sqlite"]["time"].startswith("30d")
    with_text = {where for where, row in found.items() if row["text"] != "no"}
    assert {"data/journal.sqlite", "data/spill", "leaves for back-end"} <= with_text
    assert found["leaves for copy"]["text"] == "less what 1 redact rules find"
    assert found["leaves for verdicts"]["text"] == "no"
    assert main(["report", "privacy", "--config", str(path)]) == 0
    assert "| data/spill | requests as they came | yes |" in capsys.readouterr().out


def test_without_storage_nothing_is_on_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agentslo.yaml"
    path.write_text("runs: {hold_roots: false}\n")
    found = rows(path, capsys)
    assert all(where.startswith(("memory", "metrics")) for where in found)
    assert found["memory: held run roots"]["time"] == "not held"
