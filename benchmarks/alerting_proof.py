"""Proof that `alerting_model.py` says what the rule files do, minute by minute, by promtool.

    .venv/bin/python benchmarks/alerting_proof.py --days 4 --agents 12 --promtool PATH

In: a promtool. Out: a verdict, exit code 0 or 2. Random agents that begin to fail at some time are
given to promtool as counters. Its expectations are the model's: every minute an alert begins or
ends to fire, and how many minutes it fires in all. promtool evaluates every group at one interval,
so the group of 5 m increments is held to its own by an `and` that is true every 5 minutes; nothing
else of the rule files changes.
"""

import argparse
import copy
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from alerting_model import MINUTES, TILE, Flags, Traffic, alerts, minutes

from agentslo.bundle.windows import PAIRS

ROOT = Path(__file__).resolve().parent.parent
INCREMENTS = "agent-slo-increments"
GROUPS = (
    *(INCREMENTS, "agent-slo-objective", "agent-slo-owners"),
    *(
        "agent-slo-sli",
        "agent-slo-sli-hours",
        "agent-slo-sli-days",
        "agent-slo-guard",
        "agent-slo-alerts",
    ),
)
OBJECTIVES = (0.8, 0.9, 0.95, 0.99, 0.999)
PER_HOUR = (1, 3, 10, 60, 500)
ALERTS = {"page": "AgentSLOErrorBudgetBurn", "ticket": "AgentSLOErrorBudgetBurnTicket"}


def rules() -> dict[str, Any]:
    """The committed groups that burn alerts need, increments every 5 minutes of promtool's time."""
    groups: dict[str, dict[str, Any]] = {}
    for path in sorted((ROOT / "alert-rules").glob("*.rules.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            groups[group["name"]] = copy.deepcopy(group)
    for rule in groups[INCREMENTS]["rules"]:
        rule["expr"] = f"({rule['expr']}) and on () (vector(time()) % {TILE * 60} == 0)"
    return {"groups": [groups[name] for name in GROUPS]}


def traffic(agents: int, length: int, seed: int) -> list[tuple[float, Traffic]]:
    """Agents of every objective and pace; each begins to fail at some time, and stops again."""
    rng, found = np.random.default_rng(seed), []
    for number in range(agents):
        budget = 1 - OBJECTIVES[number % len(OBJECTIVES)]
        pace = PER_HOUR[(number // len(OBJECTIVES) + number) % len(PER_HOUR)]
        share = np.full(length, budget / 2)
        start, end = sorted(rng.integers(length // 8, length, 2))
        share[start:end] = rng.choice((1.0, 0.5, 0.3))
        runs = rng.poisson(pace / 60, (1, length))
        found.append((budget, Traffic.of(runs, rng.binomial(runs, share))))
    return found


def _values(counter: np.ndarray) -> str:
    """promtool's series: a value, and how many times it is repeated."""
    return " ".join(f"{value}x{len(list(same)) - 1}" for value, same in groupby(counter.tolist()))


def _series(agent: str, budget: float, found: Traffic, length: int) -> Iterator[dict[str, str]]:
    who = f'agent="{agent}",environment="prod",slo="s"'
    yield {
        "series": f"agent_slo_objective_ratio{{{who}}}",
        "values": f"{1 - budget:.3f}x{length}",
    }
    for result, counter in (("good", found.good[0]), ("bad", found.bad[0])):
        yield {
            "series": f'agent_slo_events_total{{{who},result="{result}"}}',
            "values": _values(counter),
        }


def _asks(agent: str, action: str, window: str, fires: Flags) -> Iterator[dict[str, Any]]:
    """What the model expects of one alert: each change, the minute before it, and the total."""
    labels = f'agent="{agent}",alertname="{ALERTS[action]}",alertstate="firing",window="{window}"'
    length = len(fires) - 1
    changes = np.flatnonzero(np.diff(fires)) + 1
    for minute in sorted({*changes.tolist(), *(changes - 1).tolist(), length}):
        yield _ask(f"count(ALERTS{{{labels}}}) or vector(0)", minute, float(fires[minute]))
    total = f"sum(count_over_time(ALERTS{{{labels}}}[{length + 60}m])) or vector(0)"
    yield _ask(total, length, float(fires.sum()))


def _ask(expr: str, minute: int, value: float) -> dict[str, Any]:
    samples = [{"labels": "{}", "value": value}]
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": samples}


def prove(promtool: Path, agents: int, days: float, seed: int, *, closed: bool) -> tuple[int, str]:
    """How many questions were asked, and what promtool objects: nothing, if all is well.

    `closed`: promtool is older than Prometheus 3.
    """
    length = round(days * MINUTES["d"])
    series: list[dict[str, str]] = []
    asked: list[dict[str, Any]] = []
    for number, (budget, found) in enumerate(traffic(agents, length, seed)):
        agent = f"a{number}"
        series += _series(agent, budget, found, length)
        for action, window, fires in alerts(PAIRS, found, budget, closed=closed):
            if minutes(window) <= length:
                asked += _asks(agent, action, window, fires[0])
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "all.rules.yml").write_text(yaml.safe_dump(rules()))
        path = Path(folder) / "model.test.yml"
        file = {
            "rule_files": ["all.rules.yml"],
            "evaluation_interval": "1m",
            "group_eval_order": list(GROUPS),
            "tests": [test],
        }
        path.write_text(yaml.safe_dump(file, width=10**9))
        done = subprocess.run(
            [promtool, "test", "rules", path], capture_output=True, text=True, check=False
        )
    return len(asked), "" if done.returncode == 0 else done.stdout + done.stderr


def is_closed(promtool: Path) -> bool:
    """Whether a range of this Prometheus holds its left end."""
    said = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)", said.stdout + said.stderr)
    return found is None or int(found[1]) < 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--promtool", type=Path, default=ROOT / ".tools" / "bin" / "promtool")
    parser.add_argument("--agents", type=int, default=25)
    parser.add_argument("--days", type=float, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    closed = is_closed(options.promtool)
    asked, objections = prove(
        options.promtool, options.agents, options.days, options.seed, closed=closed
    )
    print(objections or f"the model and promtool agree on {asked} questions", end="\n")
    return 2 if objections else 0


if __name__ == "__main__":
    sys.exit(main())
