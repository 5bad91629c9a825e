"""Writes the promtool tests that are regular: one steady load, every recorded series' value.

`python tests/rules/generate.py` writes them beside this file; a test fails where they are stale.
promtool evaluates every group at the file's `evaluation_interval`, whatever the group's own is, so
counts over recorded 5 m increments are right at 5 m or where the increments are the input; those of
an hour are right at 5 m and at 1 h.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentslo.bundle.catalogue import RULE_FILES, groups
from agentslo.bundle.windows import DAY_WINDOWS, PERIOD_WINDOWS, RAW_WINDOWS, TILED_WINDOWS
from agentslo.bundle.yaml_text import dump

HERE = Path(__file__).parent
HEADER = "# Made by tests/rules/generate.py: do not edit.\n"
MINUTES = {"m": 1, "h": 60, "d": 1440}
AT = {"agent": "a", "environment": "prod", "slo": "s"}
PER_MINUTE = {"good": 8, "bad": 1, "unknown": 1}
OBJECTIVE = 0.9
# Objective to the minutes a total outage may take until the page, for a busy agent.
OUTAGES = (0.999, 0.99, 0.95, 0.9, 0.8)

# Recorded increment, its family, labels of one series beside the agent's, labels it keeps.
TILE_FAMILIES = (
    ("corrections", "agent_slo_corrections_total", {"slo": "s", "from": "good", "to": "bad"}),
    ("agent_runs", "agent_slo_runs_total", {"outcome": "success"}),
    ("escalations", "agent_slo_escalations_total", {"correct": "true"}),
    ("tool_calls", "agent_slo_tool_calls_total", {"result": "ok"}),
    ("cost_usd", "agent_slo_run_cost_usd_total", {}),
)

Test = dict[str, Any]
Row = tuple[str, float]


def series(name: str, **labels: str) -> str:
    """A series as promtool writes it."""
    pairs = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{pairs}}}"


def _file(interval: str, *tests: Test) -> dict[str, Any]:
    return {
        "rule_files": [f"../../alert-rules/{name}" for name in RULE_FILES],
        "evaluation_interval": interval,
        # Without it promtool's order is not fixed, and a series may be a step late.
        "group_eval_order": [group.name for group in groups()],
        "tests": list(tests),
    }


def _equals(name: str, value: float, at: str, **labels: str) -> Test:
    """The series has this value, to three places: promtool 2.42 compares floats exactly."""
    return {
        "expr": f"round({series(name, **labels)}, 0.001)",
        "eval_time": at,
        "exp_samples": [{"labels": series("", **labels), "value": round(value, 3)}],
    }


def _near(name: str, value: float, at: str, **labels: str) -> Test:
    """The count is within 5 %: a window on the grid holds one tile more before Prometheus 3."""
    return {
        "expr": f"abs({series(name, **labels)} / {value:g} - 1) < bool 0.05",
        "eval_time": at,
        "exp_samples": [{"labels": series("", **labels), "value": 1}],
    }


def _firing(alert: str, count: int, at: str, **labels: str) -> Test:
    found = series("ALERTS", alertname=alert, alertstate="firing", **labels)
    return {
        "expr": f"count({found}) or vector(0)",
        "eval_time": at,
        "exp_samples": [{"labels": "{}", "value": count}],
    }


def _ratios(window: str) -> Iterator[Row]:
    total, bad = sum(PER_MINUTE.values()), PER_MINUTE["bad"]
    judged = total - PER_MINUTE["unknown"]
    yield f"agent_slo:sli_error:ratio_rate{window}", bad / judged
    yield (
        f"agent_slo:sli_error_pessimistic:ratio_rate{window}",
        (total - PER_MINUTE["good"]) / total,
    )
    yield f"agent_slo:coverage:ratio_rate{window}", judged / total
    yield f"agent_slo:burn:ratio_rate{window}", bad / judged / (1 - OBJECTIVE)


def _windows(windows: tuple[str, ...], at: str) -> Iterator[Test]:
    for window in windows:
        minutes = int(window[:-1]) * MINUTES[window[-1]]
        for name, value in _ratios(window):
            yield _equals(name, value, at, **AT)
        if window in PERIOD_WINDOWS:
            bad, judged = PER_MINUTE["bad"], PER_MINUTE["bad"] + PER_MINUTE["good"]
            yield _near(f"agent_slo:bad_runs:increase{window}", minutes * bad, at, **AT)
            yield _near(f"agent_slo:judged_runs:increase{window}", minutes * judged, at, **AT)
        for result, rate in PER_MINUTE.items():
            name = f"agent_slo:runs:increase{window}"
            yield _near(name, minutes * rate, at, result=result, **AT)


def _gauges(values: str) -> list[Test]:
    owner = {"owner": "ops", "source": "file", "tier": "standard", "revision": "1"}
    rows = (
        (series("agent_slo_objective_ratio", **AT), f"{OBJECTIVE}{values}"),
        (series("agent_slo_window_seconds", **AT), f"2419200{values}"),
        (series("agent_slo_info", **AT, **owner), f"1{values}"),
    )
    return [{"series": name, "values": value} for name, value in rows]


def steady_hours() -> Test:
    """Raw counters of two replicas and two releases over 8 hours."""
    events = [
        {
            "series": series(
                "agent_slo_events_total",
                **AT,
                result=result,
                segment="unset",
                instance=instance,
                release=release,
            ),
            "values": f"0+{rate / 2:g}x480",
        }
        for result, rate in PER_MINUTE.items()
        for instance, release in (("r0", "old"), ("r1", "new"))
    ]
    at = "8h"
    thresholds = {"15m": 0.46, "1h": 0.55, "2h": 0.55, "6h": 0.55, "1d": 0.28, "3d": 0.1}
    return {
        "name": "a steady load over two replicas and two releases is summed",
        "interval": "1m",
        "input_series": [*_gauges("x480"), *events],
        "promql_expr_test": [
            *_windows((*RAW_WINDOWS, *TILED_WINDOWS), at),
            _equals("agent_slo:objective:ratio", OBJECTIVE, at, **AT),
            _equals("agent_slo:error_budget:ratio", 1 - OBJECTIVE, at, **AT),
            _equals("agent_slo:budget_period:days", 28, at, **AT),
            *(
                _equals("agent_slo:alert_threshold:ratio", value, at, **AT, window=window)
                for window, value in thresholds.items()
            ),
            *(
                _near("agent_slo:events:increase5m", 5 * r, at, **AT, result=k)
                for k, r in PER_MINUTE.items()
            ),
        ],
    }


def increments() -> Test:
    """Every family with recorded increments, 2 a minute on each of two replicas."""
    who = {"agent": "t", "environment": "prod"}
    rows = [(name, family, {**who, **labels}) for name, family, labels in TILE_FAMILIES]
    return {
        "name": "increments of 5 minutes are summed over replicas",
        "interval": "1m",
        "input_series": [
            {"series": series(family, **labels, instance=instance), "values": "0+2x125"}
            for _, family, labels in rows
            for instance in ("r0", "r1")
        ],
        "promql_expr_test": [
            _near(f"agent_slo:{name}:increase5m", 20, "50m", **labels) for name, _, labels in rows
        ]
        + [
            _near(f"agent_slo:{name}:increase1h", 240, "2h", **labels)
            for name, _, labels in rows
            if name != "cost_usd"
        ],
    }


def steady_days() -> Test:
    """Recorded increments over 30 days as the input."""
    tiles = [
        (series("agent_slo:events:increase5m", **AT, result=result), 5 * rate)
        for result, rate in PER_MINUTE.items()
    ]
    who = {"agent": "a", "environment": "prod"}
    tiles += [
        (series("agent_slo:agent_runs:increase5m", **who, outcome="success"), 4),
        (series("agent_slo:agent_runs:increase5m", **who, outcome="error"), 1),
        (series("agent_slo:escalations:increase5m", **who, correct="true"), 0.75),
        (series("agent_slo:escalations:increase5m", **who, correct="false"), 0.25),
        (series("agent_slo:tool_calls:increase5m", **who, result="ok"), 9),
        (series("agent_slo:tool_calls:increase5m", **who, result="error"), 1),
        (series("agent_slo:cost_usd:increase5m", **who), 2),
    ]
    at, day = "30d", 288
    budget = 1 - OBJECTIVE
    left = 1 - 1 / 9 / budget
    shares = {"failure": (1, 5), "escalation": (1, 5), "tool_error": (1, 10)}
    counts = [
        _near(f"agent_slo:{part}:sum{span}", n * days * day, at, **who, feature=feature)
        for feature, (hits, cases) in shares.items()
        for span, days in (("1d", 1), ("7d", 7))
        for part, n in (("share_hits", hits), ("share_cases", cases))
    ]
    return {
        "name": "a steady load over 30 days of recorded increments",
        "interval": "5m",
        "input_series": [
            *_gauges("x8640"),
            *({"series": name, "values": f"{value:g}x8640"} for name, value in tiles),
        ],
        "promql_expr_test": [
            *_windows((*DAY_WINDOWS, *PERIOD_WINDOWS), at),
            _equals("agent_slo:error_budget_remaining:ratio", left, at, **AT),
            _equals("agent_slo:error_budget_remaining:days", left * 28, at, **AT),
            _near("agent_slo:error_budget_remaining:runs", -0.1 * 28 * 1440, at, **AT),
            _equals("agent_slo:time_to_exhaustion:seconds", 0, at, **AT),
            _near("agent_slo:period_covered:seconds", 28 * 86_400, at, **AT),
            *(
                _near("agent_slo:events:increase1h", 60 * rate, at, **AT, result=result)
                for result, rate in PER_MINUTE.items()
            ),
            _equals("agent_slo:cost_per_success:usd1d", 0.5, at, **who),
            _equals("agent_slo:escalation_accuracy:ratio7d", 0.75, at, **who),
            _equals("agent_slo:share:ratio1d", 0.2, at, **who, feature="escalation"),
            _equals("agent_slo:share_shift:zscore", 0, at, **who, feature="escalation"),
            *counts,
        ],
    }


def outages() -> Test:
    """Busy agents fail every run from minute 120 to 180, one at each objective."""
    inputs: list[tuple[str, str]] = []
    expected: list[Test] = []
    for objective in OUTAGES:
        at = {**AT, "agent": f"o{objective:g}"}
        owner = {"owner": "ops", "source": "file", "tier": "", "revision": "1"}
        same = {"release": "r", "segment": "unset", "instance": "i"}
        good = series("agent_slo_events_total", **at, **same, result="good")
        bad = series("agent_slo_events_total", **at, **same, result="bad")
        inputs += [
            (series("agent_slo_objective_ratio", **at), f"{objective}x400"),
            (series("agent_slo_info", **at, **owner), "1x400"),
            (good, "0+10x120 1200x60 1200+10x220"),
            (bad, "0x120 0+10x60 600x220"),
        ]
        # The share of the 15 minutes that must have failed, then two minutes to be sure.
        due = int(120 + 15 * (0.4 + 0.6 * (1 - objective)) + 2)
        agent, hot = at["agent"], {**at, "window": "15m"}
        expected += [
            _equals("agent_slo:long_error:ratio", 1, "178m", **hot),
            _equals("agent_slo:short_error:ratio", 1, "178m", **hot),
            _near("agent_slo:long_bad:runs", 150, "178m", **hot),
        ]
        expected += [
            _firing("AgentSLOErrorBudgetBurn", count, minute, agent=agent, **window)
            for count, minute, window in (
                (0, "121m", {}),
                (0, f"{due - 2}m", {"window": "15m"}),
                (1, f"{due + 3}m", {"window": "15m"}),
                (1, "178m", {"window": "1h"}),
                (0, "210m", {"window": "15m"}),
                (0, "210m", {"window": "1h"}),
                (0, "300m", {"window": "15m"}),
            )
        ]
    return {
        "name": "a total outage pages in time at every objective, and resolves",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in inputs],
        "promql_expr_test": expected,
    }


def files() -> dict[str, str]:
    """Every generated file by name."""
    made = {
        "steady-hours.test.yml": _file("5m", steady_hours(), increments()),
        "steady-days.test.yml": _file("1h", steady_days()),
        "outages.test.yml": _file("1m", outages()),
    }
    return {name: dump(content, HEADER) for name, content in made.items()}


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
