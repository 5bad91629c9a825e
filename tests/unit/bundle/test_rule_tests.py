"""Every alert is tested both ways, every recorded series has a value in a test."""

import importlib.util
import re
from collections import defaultdict
from types import ModuleType

import yaml

from agentslo.bundle.catalogue import alerts, groups, records
from support.tools import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "tests" / "rules"
TESTS = {path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.test.yml"))}
COUNTED = re.compile(r'^count\(ALERTS\{[^}]*alertname="(\w+)"')


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expectations() -> dict[str, set[bool]]:
    """Alert to whether it is expected to fire and to be quiet, somewhere."""
    found: defaultdict[str, set[bool]] = defaultdict(set)
    for file in TESTS.values():
        for test in file["tests"]:
            for row in test.get("alert_rule_test", ()):
                found[row["alertname"]].add(bool(row["exp_alerts"]))
            for row in test.get("promql_expr_test", ()):
                if name := COUNTED.match(row["expr"]):
                    found[name[1]].add(row["exp_samples"][0]["value"] > 0)
    return found


def test_every_alert_is_tested_firing_and_quiet() -> None:
    found = expectations()
    always = {"AgentSLOWatchdog": {True}}
    wanted = {alert.name: always.get(alert.name, {True, False}) for alert in alerts()}
    assert {name: found[name] for name in wanted} == wanted


def test_every_burn_window_is_tested() -> None:
    told = (FOLDER / "outages.test.yml").read_text() + "".join(
        (FOLDER / name).read_text() for name in ("days.test.yml", "sparse.test.yml")
    )
    windows = {alert.labels["window"] for alert in alerts() if "window" in alert.labels}
    missing = {w for w in windows if f'window="{w}"' not in told}
    assert missing == set()


def test_every_recorded_series_has_a_value_in_a_test() -> None:
    asked = " ".join(
        row["expr"]
        for file in TESTS.values()
        for test in file["tests"]
        for row in test.get("promql_expr_test", ())
    )
    silent = {record.name for record in records() if not re.search(rf"{record.name}\b", asked)}
    assert silent == set()


def test_generated_tests_are_fresh() -> None:
    for name, text in generator().files().items():
        assert (FOLDER / name).read_text() == text, "run python tests/rules/generate.py"


def test_every_test_fixes_the_order_of_evaluation() -> None:
    order = [group.name for group in groups()]
    assert {name for name, file in TESTS.items() if file["group_eval_order"] != order} == set()
