"""What the bundle writes for others is what they take: the operator's resources, OpenSLO.

The schemas are ours, written from the reference of monitoring.coreos.com (v1, v1alpha1) and the
specification of OpenSLO v1, for the parts the bundle writes. A property they do not name is
refused, as an API server with strict decoding does. OpenSLO publishes a JSON schema as well, which
no document can pass: it requires an SLO to have a property without a name.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from agentslo.cli.main import main
from support.tools import PROJECT_ROOT

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
MAPPING: Json = {"type": "object", "additionalProperties": TEXT}
DURATION: Json = {
    "type": "string",
    "pattern": r"^(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$",
    "minLength": 1,
}
# What Kubernetes takes as a name of these resources (RFC 1123), and OpenSLO as any name.
NAME: Json = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}


def closed(required: str, /, **properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def listed(of: Json) -> Json:
    return {"type": "array", "items": of, "minItems": 1}


# ---- monitoring.coreos.com

LABEL_NAMES: Json = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-zA-Z_][a-zA-Z0-9_]*$"},
    "additionalProperties": TEXT,
}
RULE: Json = {
    **closed(
        "expr",
        record={"type": "string", "pattern": r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"},
        alert=TEXT,
        expr=TEXT,
        labels=LABEL_NAMES,
        annotations=LABEL_NAMES,
        keep_firing_for=DURATION,
        **{"for": DURATION},
    ),
    "oneOf": [{"required": ["record"]}, {"required": ["alert"]}],
}
GROUP = closed("name rules", name=TEXT | {"minLength": 1}, interval=DURATION, rules=listed(RULE))
METADATA = closed("name", name=NAME, labels=MAPPING)
PROMETHEUS_RULE = closed(
    "apiVersion kind metadata spec",
    apiVersion={"const": "monitoring.coreos.com/v1"},
    kind={"const": "PrometheusRule"},
    metadata=METADATA,
    spec=closed("groups", groups=listed(GROUP)),
)
MATCHER = closed(
    "name", name=TEXT | {"minLength": 1}, value=TEXT, matchType={"enum": ["=", "!=", "=~", "!~"]}
)
SENT: Json = {"type": "string", "pattern": r"^((\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$", "minLength": 2}
ROUTE: Json = closed(
    "receiver",
    receiver=TEXT,
    matchers=listed(MATCHER),
    groupBy=TEXTS | {"uniqueItems": True},
    groupWait=SENT,
    groupInterval=SENT,
    repeatInterval=SENT,
    routes=listed({"$ref": "#/$defs/route"}),
    **{"continue": {"type": "boolean"}},
)
SECRET = closed("key", name=TEXT, key=TEXT)
HOOK = closed(
    "",
    url={"type": "string", "pattern": "^https?://.+$"},
    sendResolved={"type": "boolean"},
    httpConfig=closed(
        "", authorization=closed("credentials", type={"const": "Bearer"}, credentials=SECRET)
    ),
)
ALERTMANAGER_CONFIG: Json = {
    **closed(
        "apiVersion kind metadata spec",
        apiVersion={"const": "monitoring.coreos.com/v1alpha1"},
        kind={"const": "AlertmanagerConfig"},
        metadata=METADATA,
        spec=closed(
            "route receivers",
            route={"$ref": "#/$defs/route"},
            receivers=listed(closed("name", name=TEXT, webhookConfigs=listed(HOOK))),
            inhibitRules=listed(
                closed("", sourceMatch=listed(MATCHER), targetMatch=listed(MATCHER), equal=TEXTS)
            ),
        ),
    ),
    "$defs": {"route": ROUTE},
}

# ---- OpenSLO

SOURCE = closed(
    "metricSource",
    metricSource=closed("spec", metricSourceRef=NAME, type=TEXT, spec={"type": "object"}),
)
RATIO: Json = {
    **closed("counter total", counter={"type": "boolean"}, good=SOURCE, bad=SOURCE, total=SOURCE),
    "oneOf": [{"required": ["good"]}, {"required": ["bad"]}],
}
INDICATOR = closed(
    "metadata spec",
    metadata=closed("name", name=NAME, displayName=TEXT),
    spec=closed("ratioMetric", ratioMetric=RATIO),
)
OBJECTIVE = closed(
    "target",
    displayName=TEXT,
    target={"type": "number", "minimum": 0, "exclusiveMaximum": 1},
)
WINDOW = closed(
    "duration isRolling",
    duration={"type": "string", "pattern": r"^[1-9]\d*[mhdwMQY]$"},
    isRolling={"type": "boolean"},
)
SPECS = {
    "DataSource": closed("type connectionDetails", type=TEXT, connectionDetails=MAPPING),
    "Service": closed("", description=TEXT | {"maxLength": 1050}),
    "SLO": closed(
        "service indicator timeWindow budgetingMethod objectives",
        description=TEXT | {"maxLength": 1050},
        service=NAME,
        indicator=INDICATOR,
        timeWindow=listed(WINDOW) | {"maxItems": 1},
        budgetingMethod={"enum": ["Occurrences", "Timeslices", "RatioTimeslices"]},
        objectives=listed(OBJECTIVE),
    ),
}
OPENSLO: Json = {
    "oneOf": [
        closed(
            "apiVersion kind metadata spec",
            apiVersion={"const": "openslo/v1"},
            kind={"const": kind},
            metadata=closed("name", name=NAME, displayName=TEXT),
            spec=spec,
        )
        for kind, spec in SPECS.items()
    ]
}


def wrong(schema: Json, document: object) -> list[str]:
    """What a schema objects to."""
    found = jsonschema.Draft202012Validator(schema).iter_errors(document)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operator")
    assert main(["bundle", "--out", str(folder), "--format", "prometheusrule"]) == 0
    return folder / "alert-rules"


def one(folder: Path, name: str) -> Json:
    found: Json = yaml.safe_load((folder / name).read_text())
    return found


@pytest.mark.parametrize("stem", ["recording", "alerts"])
def test_rules_are_what_the_operator_takes(operators: Path, stem: str) -> None:
    assert wrong(PROMETHEUS_RULE, one(operators, f"prometheusrule-{stem}.yaml")) == []


def test_the_route_is_what_the_operator_takes(operators: Path) -> None:
    assert wrong(ALERTMANAGER_CONFIG, one(operators, "alertmanagerconfig.yaml")) == []


def openslo(folder: Path, *more: str) -> list[Json]:
    assert main(["bundle", "--out", str(folder), "--format", "openslo", *more]) == 0
    return list(yaml.safe_load_all((folder / "alert-rules" / "openslo.yaml").read_text()))


def test_objectives_are_what_openslo_takes(tmp_path: Path) -> None:
    config = str(PROJECT_ROOT / "examples" / "agentslo.yaml")
    for documents in (openslo(tmp_path), openslo(tmp_path, "--config", config)):
        assert [problem for document in documents for problem in wrong(OPENSLO, document)] == []
        names = {(d["kind"], d["metadata"]["name"]) for d in documents}
        assert len(names) == len(documents)
        slos = [d["spec"] for d in documents if d["kind"] == "SLO"]
        assert slos
        assert {("Service", spec["service"]) for spec in slos} <= names


def _group(document: Json) -> Json:
    group: Json = document["spec"]["groups"][0]
    return group


SPOILED: list[Callable[[Json], object]] = [
    lambda rule: _group(rule).update(interval="5 minutes"),
    lambda rule: _group(rule).update(rules=[]),
    lambda rule: _group(rule)["rules"][0].update(alert="Two"),
    lambda rule: _group(rule)["rules"][0].pop("expr"),
    lambda rule: _group(rule)["rules"][0].update(labels={"window": 5}),
    lambda rule: _group(rule)["rules"][0].update(keepFiringFor="5m"),
    lambda rule: rule["metadata"].update(name="Agent_SLO"),
    lambda rule: rule.update(kind="PrometheusRules"),
]


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_spoiled_rule_is_found(operators: Path, spoil: Callable[[Json], object]) -> None:
    rule = copy.deepcopy(one(operators, "prometheusrule-recording.yaml"))
    spoil(rule)
    assert wrong(PROMETHEUS_RULE, rule) != []
