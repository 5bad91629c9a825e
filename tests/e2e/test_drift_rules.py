"""The deviate of drift in PromQL is the one the evaluator works out from the same counts."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from agentslo.watch.counts import shift_z
from support.tools import PROJECT_ROOT

RULES = PROJECT_ROOT / "examples" / "rules" / "drift-z.rules.yml"
MINUTES = 1_440
AT = 'agent="shop",environment="production",feature="task_type"'
KNOWN = {"refund": 800.0, "status": 600.0, "invoice": 300.0, "_other": 0.0}


def _story(seen: dict[str, float], replicas: int, check: str) -> dict[str, Any]:
    """A day of counts, spread evenly over minutes and replicas, and what must hold after it."""
    steps = {name: runs / MINUTES / replicas for name, runs in seen.items()}
    series = [
        {
            "series": f'agent_slo_drift_bin_total{{{AT},bin="{name}",instance="{replica}"}}',
            "values": f"0+{step!r}x{MINUTES + 10}",
        }
        for name, step in steps.items()
        for replica in range(replicas)
    ]
    series += [
        {
            "series": f'agent_slo_drift_baseline_runs{{{AT},bin="{name}",instance="0"}}',
            "values": f"{runs:g}x{MINUTES + 10}",
        }
        for name, runs in KNOWN.items()
    ]
    asked = {
        "expr": check,
        "eval_time": f"{MINUTES}m",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    return {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}


def _run(promtool: Path, folder: Path, story: dict[str, Any]) -> None:
    file = folder / "story.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [story]}))
    done = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("seen", "replicas"),
    [
        ({"refund": 95.0, "status": 70.0, "invoice": 35.0}, 1),
        ({"refund": 60.0, "status": 70.0, "invoice": 70.0}, 3),
        ({"refund": 90.0, "status": 60.0, "loans": 30.0, "pets": 20.0}, 2),
    ],
    ids=("quiet", "moved", "unseen"),
)
def test_z_is_the_evaluator_s(
    promtool: Path, tmp_path: Path, seen: dict[str, float], replicas: int
) -> None:
    known = [name for name in KNOWN if name != "_other"]
    window = np.array([*(seen.get(n, 0.0) for n in known), 0.0])
    window[-1] = sum(seen.values()) - window.sum()
    z = shift_z(window, np.array(list(KNOWN.values())))

    check = f"abs(sum(agent_slo:drift_z:deviate1d{{{AT}}}) - ({z!r})) < bool 0.02"
    _run(promtool, tmp_path, _story(seen, replicas, check))


def test_a_day_of_few_runs_has_none(promtool: Path, tmp_path: Path) -> None:
    check = "absent(agent_slo:drift_z:deviate1d)"
    _run(promtool, tmp_path, _story({"refund": 5.0, "loans": 90.0}, 1, check))
