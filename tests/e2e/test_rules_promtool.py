"""promtool loads rules that keep more labels apart than the committed ones."""

import subprocess
from pathlib import Path

from agentslo.cli.main import main


def test_rules_with_more_labels_load(promtool: Path, tmp_path: Path) -> None:
    assert main(["bundle", "--out", str(tmp_path), "--extra-labels", "cluster,tenant"]) == 0
    rules = sorted((tmp_path / "alert-rules").glob("*.rules.yml"))
    done = subprocess.run(
        [promtool, "check", "rules", *rules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
