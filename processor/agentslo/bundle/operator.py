"""Rules and route as the Prometheus Operator's resources, dashboards as ConfigMaps.

In: options. Out: path to text. No state. The operator picks up what its selectors match: the label
`product` is ours, kube-prometheus-stack also wants `release: NAME`. An `AlertmanagerConfig` holds
no inhibition across namespaces and no files of secrets: its token is a `Secret`'s key.
Source: monitoring.coreos.com/v1 and v1alpha1.
"""

from collections.abc import Mapping
from typing import Any, Final

from agentslo.bundle.alertmanager import INHIBITIONS, Inhibition, Receiver, routing
from agentslo.bundle.boards.files import sidecar_files
from agentslo.bundle.catalogue import RULE_FILES
from agentslo.bundle.rule import PRODUCT
from agentslo.bundle.rules import Options, rule_file
from agentslo.bundle.yaml_text import dump

_SECRET: Final = "agent-slo-webhook"  # noqa: S105  # the name of a Secret, not one


def operator_files(options: Options) -> Mapping[str, str]:
    """A `PrometheusRule` a rule file, one `AlertmanagerConfig`, a `ConfigMap` a board."""
    files = {}
    for name, groups in RULE_FILES.items():
        stem = name.removesuffix(".rules.yml")
        rule = _resource("monitoring.coreos.com/v1", "PrometheusRule", f"agent-slo-{stem}")
        files[f"alert-rules/prometheusrule-{stem}.yaml"] = dump(
            {**rule, "spec": rule_file(groups, options)}
        )
    files["alert-rules/alertmanagerconfig.yaml"] = dump(_alertmanager_config(options))
    return {**files, **sidecar_files(options)}


def _resource(version: str, kind: str, name: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"product": PRODUCT}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _alertmanager_config(options: Options) -> dict[str, Any]:
    route, receivers = routing(options.extra_labels)
    spec = {
        "route": _route(route),
        "inhibitRules": [_inhibition(rule, options.extra_labels) for rule in INHIBITIONS],
        "receivers": [_receiver(receiver) for receiver in receivers],
    }
    kind = _resource("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", PRODUCT)
    return {**kind, "spec": spec}


_CAMEL: Final = {
    "group_by": "groupBy",
    "group_wait": "groupWait",
    "group_interval": "groupInterval",
    "repeat_interval": "repeatInterval",
}


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    out = {_CAMEL.get(key, key): value for key, value in route.items()}
    if "matchers" in out:
        out["matchers"] = [_matcher(text) for text in out["matchers"]]
    if "routes" in out:
        out["routes"] = [_route(child) for child in out["routes"]]
    return out


def _matcher(text: str) -> dict[str, str]:
    name, operator, value = text.partition("=~") if "=~" in text else text.partition("=")
    return {"name": name, "matchType": operator, "value": value.strip('"')}


def _inhibition(rule: Inhibition, extra: tuple[str, ...]) -> dict[str, Any]:
    return {
        "sourceMatch": [_matcher(text) for text in rule.source],
        "targetMatch": [_matcher(text) for text in rule.target],
        "equal": [*rule.equal, *extra],
    }


def _receiver(receiver: Receiver) -> dict[str, Any]:
    if not receiver.url:
        return {"name": receiver.name}
    token = {"name": _SECRET, "key": "token"}
    hook = {
        "url": receiver.url,
        "sendResolved": receiver.send_resolved,
        "httpConfig": {"authorization": {"type": "Bearer", "credentials": token}},
    }
    return {"name": receiver.name, "webhookConfigs": [hook]}
