"""The rule files are what the bundle writes; Prometheus accepts them; they mean what they say."""

import subprocess
from pathlib import Path

import pytest

from agentslo.bundle.artefacts import prometheus_files, stale
from agentslo.bundle.rules import Options
from support.tools import PROJECT_ROOT

RULES = sorted((PROJECT_ROOT / "alert-rules").glob("*.rules.yml"))
TESTS = sorted((PROJECT_ROOT / "tests" / "rules").glob("*.test.yml"))


def promtool_says(promtool: Path, *args: object) -> str:
    done = subprocess.run(
        [promtool, *map(str, args)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rule_files_are_fresh() -> None:
    files = prometheus_files(Options())
    assert len(files) >= 2
    assert stale(files, PROJECT_ROOT) == []


def test_promtool_finds_nothing_wrong(promtool: Path) -> None:
    assert "SUCCESS" in promtool_says(promtool, "check", "rules", *RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_series_and_alerts_come_out_as_the_load_says(promtool: Path, path: Path) -> None:
    assert "SUCCESS" in promtool_says(promtool, "test", "rules", path)
