"""Rules hold to the metric catalogue, to each other, and to what Alertmanager needs of them."""

from collections import defaultdict

import promql_parser
import pytest

from agentslo.bundle.catalogue import AWAITED, alerts, groups, records
from agentslo.bundle.rule import SEVERITY, filled, labels_of
from agentslo.bundle.rules import Options, rule_file
from agentslo.bundle.text import Words
from agentslo.bundle.windows import PAIRS, WINDOWS
from agentslo.measure.catalogue import CATALOGUE

RECORDED = {record.name for record in records()}
EXPRESSIONS = [
    *(pytest.param(r.expr, id=f"{r.name}-{n}") for n, r in enumerate(records())),
    *(pytest.param(a.expr, id=f"{a.name}-{n}") for n, a in enumerate(alerts())),
]


def selectors(node: object) -> list[promql_parser.VectorSelector]:
    """Every selector of an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    if isinstance(node, promql_parser.MatrixSelector):
        return [node.vector_selector]
    parts = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
    parts += list(getattr(node, "args", None) or [])
    return [found for part in parts if part is not None for found in selectors(part)]


PROMETHEUS_OWN = "ALERTS"


def metrics_of(expr: str) -> set[str]:
    """The metric names an expression reads."""
    return {s.name for s in selectors(promql_parser.parse(filled(expr, ()))) if s.name}


def families() -> set[str]:
    """Every series name the service exposes."""
    return set(CATALOGUE)


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_every_rule_reads_only_what_exists_or_is_awaited(expr: str) -> None:
    read = metrics_of(expr)
    assert read or "vector(1)" in expr
    assert read - families() - RECORDED - AWAITED - {PROMETHEUS_OWN} == set()


@pytest.mark.parametrize("expr", EXPRESSIONS)
@pytest.mark.parametrize("extra", [("cluster",), ("cluster", "tenant")])
def test_every_rule_parses_with_more_labels(expr: str, extra: tuple[str, ...]) -> None:
    promql_parser.parse(filled(expr, extra))
    assert "<" not in filled(expr, extra).replace("<=", "").replace("< ", "")


def test_matchers_name_labels_the_family_has() -> None:
    wrong = [
        (selector.name, matcher.name)
        for rule in (*records(), *alerts())
        for selector in selectors(promql_parser.parse(filled(rule.expr, ())))
        if selector.name in CATALOGUE
        for matcher in selector.matchers.matchers
        if matcher.name not in CATALOGUE[selector.name].label_names
    ]
    assert wrong == []


def test_a_family_stops_being_awaited_once_it_is_exposed() -> None:
    assert families() & AWAITED == set()


def test_alerts_name_the_families_they_wait_for() -> None:
    read = {alert.name: metrics_of(alert.expr) & AWAITED for alert in alerts()}
    assert read == {alert.name: set(alert.needs) for alert in alerts()}


def test_no_recorded_series_feeds_on_itself_or_on_what_comes_later() -> None:
    seen: set[str] = set()
    for record in records():
        late = metrics_of(record.expr) & RECORDED - seen - {record.name}
        assert record.name not in metrics_of(record.expr)
        assert not late, f"{record.name} is recorded before {late}"
        seen.add(record.name)


def test_one_alert_name_has_one_severity_and_one_action() -> None:
    actions = defaultdict(set)
    for alert in alerts():
        actions[alert.name].add((alert.action, SEVERITY[alert.action], alert.category, alert.scope))
    assert {name: found for name, found in actions.items() if len(found) > 1} == {}


def test_alerts_that_share_a_name_differ_in_a_label() -> None:
    told = [(alert.name, tuple(alert.labels.items())) for alert in alerts()]
    assert len(told) == len(set(told))


def test_only_declared_agents_or_proven_unsafe_actions_page() -> None:
    for alert in alerts():
        if alert.action == "page" and alert.scope != "process":
            assert '{source!="default"}' in alert.expr, alert.name
            undeclared = '{source="default"}' in alert.expr
            assert undeclared == (alert.name == "AgentUnsafeAction")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.window)
def test_the_windows_of_a_pair_are_recorded(pair) -> None:
    assert {pair.window, pair.short, pair.sparse_short} <= set(WINDOWS)


@pytest.mark.parametrize("objective", [0.5, 0.667, 0.8, 0.833, 0.9, 0.931, 0.99, 0.9999])
@pytest.mark.parametrize("days", [7, 28])
def test_every_threshold_can_be_reached_and_lies_above_the_budget(objective, days) -> None:
    budget = 1 - objective
    for pair in PAIRS:
        cap = budget + pair.cap * (1 - budget)
        factor = max(pair.factor_per_day * days, pair.least_factor)
        threshold = cap if pair.budget_share is None else min(factor * budget, cap)
        assert budget <= threshold < 1


def test_extra_labels_reach_rules_and_texts() -> None:
    content = rule_file(groups(), Options(extra_labels=("cluster",)))
    rules = [rule for group in content["groups"] for rule in group["rules"]]
    by_record = {rule["record"]: rule["expr"] for rule in rules if "record" in rule}
    assert "max by (agent, environment, slo, cluster)" in by_record["agent_slo:objective:ratio"]
    burn = next(rule for rule in rules if rule.get("alert") == "AgentSLOErrorBudgetBurn")
    assert "cluster=%q" in burn["annotations"]["description"]
    assert "var-cluster=" in burn["annotations"]["dashboard_url"]
    assert labels_of("agent", ("cluster",)) == ("agent", "environment", "cluster")


def test_texts_leave_no_placeholder() -> None:
    for alert in alerts():
        words = Words(scope=alert.scope)
        for text in (alert.summary, alert.description, alert.command):
            assert "[" not in words.fill(text).replace("{SEL}[1h]", "").replace("[1h]", "")


def test_an_alert_about_the_service_names_no_agent() -> None:
    for alert in alerts():
        if alert.scope == "process":
            assert "$labels.agent" not in alert.summary + alert.description + alert.command
