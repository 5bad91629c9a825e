"""Rule groups as Prometheus reads them.

In: groups and `Options`. Out: plain values for YAML. No state. Loads in Prometheus 2.42 and later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agentslo.bundle.rule import PRODUCT, SEVERITY, Alert, Record, RuleGroup, filled
from agentslo.bundle.text import Links, Words

_CONTAIN = (
    "agentslo contain do --agent '{{{{ $labels.agent }}}}'"
    " --environment '{{{{ $labels.environment }}}}' --action {0.contain} --reason {0.name}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a bundle may differ in: more labels to aggregate by, and where its links go."""

    extra_labels: tuple[str, ...] = ()
    links: Links = field(default_factory=Links)


def rule_file(groups: Iterable[RuleGroup], options: Options) -> dict[str, Any]:
    """A rule file with these groups."""
    return {"groups": [_group(group, options) for group in groups]}


def _group(group: RuleGroup, options: Options) -> dict[str, Any]:
    rules = [_record(record, options) for record in group.records]
    rules += [_alert(alert, options) for alert in group.alerts]
    return {"name": group.name, "interval": group.interval, "rules": rules}


def _record(record: Record, options: Options) -> dict[str, Any]:
    out: dict[str, Any] = {"record": record.name, "expr": filled(record.expr, options.extra_labels)}
    return {**out, "labels": dict(record.labels)} if record.labels else out


def _alert(alert: Alert, options: Options) -> dict[str, Any]:
    out: dict[str, Any] = {"alert": alert.name, "expr": filled(alert.expr, options.extra_labels)}
    if alert.wait:
        out["for"] = alert.wait
    if alert.keep:
        out["keep_firing_for"] = alert.keep
    labels = {
        "severity": SEVERITY[alert.action],
        "slo_action": alert.action,
        "product": PRODUCT,
        "category": alert.category,
        **alert.labels,
    }
    return {**out, "labels": labels, "annotations": _annotations(alert, options)}


def _annotations(alert: Alert, options: Options) -> dict[str, str]:
    words = Words(scope=alert.scope, extra=options.extra_labels)
    return {
        "summary": words.fill(alert.summary),
        "description": words.fill(alert.description),
        "command": words.fill(alert.command),
        **({"contain": words.fill(_CONTAIN.format(alert))} if alert.contain else {}),
        "runbook_url": options.links.runbook(alert.name),
        "dashboard_url": options.links.dashboard(alert.board, alert.scope, options.extra_labels),
    }
