"""promtool checks the committed rules and plays every rule test against them."""

import subprocess
from pathlib import Path

import pytest

from agentslo.cli.main import main
from support.tools import PROJECT_ROOT

RULES = sorted((PROJECT_ROOT / "alert-rules").glob("*.rules.yml"))
TESTS = sorted((PROJECT_ROOT / "tests" / "rules").glob("*.test.yml"))


def promtool_says(promtool: Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [promtool, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_rules_load(promtool: Path) -> None:
    promtool_says(promtool, "check", "rules", *RULES)


def test_rules_with_more_labels_load(promtool: Path, tmp_path: Path) -> None:
    assert main(["bundle", "--out", str(tmp_path), "--extra-labels", "cluster,tenant"]) == 0
    promtool_says(promtool, "check", "rules", *(tmp_path / "alert-rules").glob("*.rules.yml"))


@pytest.mark.parametrize("file", [pytest.param(path, id=path.stem) for path in TESTS])
def test_rules_fire_in_time_and_stay_quiet(promtool: Path, file: Path) -> None:
    promtool_says(promtool, "test", "rules", file)
