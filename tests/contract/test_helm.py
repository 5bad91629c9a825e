"""The Helm chart: rendered, and held to the schemas of Kubernetes and the Prometheus Operator."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from agentslo.config.service_file import load
from agentslo.service.roles import Role, refusal
from support.tools import PROJECT_ROOT

CHART = PROJECT_ROOT / "deploy" / "helm" / "agentslo"
OLDEST, NEWEST = "1.27", "1.37"
OPERATOR = {"PrometheusRule": "prometheusrules", "ServiceMonitor": "servicemonitors"}
CONFIG_MAP_BYTES_MAX = 1024 * 1024
Resource = dict[str, Any]

VARIANTS: Mapping[str, Mapping[str, object]] = {
    "as it comes": {},
    "all of it": {
        "destinations": [{"name": "tempo", "endpoint": "tempo:4317"}],
        "config": {"environments": ["production", "staging"]},
        "agents": {"desk.yaml": "agent: desk\nmatch: {agents: [desk]}\n"},
        "imagePullSecrets": [{"name": "registry"}],
        "networkPolicy": {"destinationsTo": [{"namespaceSelector": {}}]},
        "processor": {
            "replicas": 5,
            "storage": {"className": "fast"},
            "nodeSelector": {"pool": "telemetry"},
            "tolerations": [{"key": "telemetry", "operator": "Exists"}],
            "config": {"runs": {"quiet_s": "5s"}},
        },
    },
    "bare": {
        "gateway": {"enabled": False},
        "processor": {"replicas": 1},
        **{
            part: {"enabled": False}
            for part in (
                *("serviceMonitor", "prometheusRule", "dashboards"),
                *("podDisruptionBudget", "networkPolicy"),
            )
        },
    },
}


def render(helm: Path, folder: Path, values: Mapping[str, object], version: str) -> list[Resource]:
    """The resources of the chart with some values."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    done = subprocess.run(
        [
            *(helm, "template", "slo", CHART, "--namespace", "monitoring"),
            *("--kube-version", f"{version}.0", "--values", file),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def by_kind(resources: list[Resource], kind: str) -> dict[str, Resource]:
    return {r["metadata"]["name"]: r for r in resources if r["kind"] == kind}


def without_patterns(schema: object) -> object:
    """A schema without regular expressions: some are of Go, which Python does not read."""
    if isinstance(schema, dict):
        return {k: without_patterns(v) for k, v in schema.items() if k != "pattern"}
    return [without_patterns(v) for v in schema] if isinstance(schema, list) else schema


def definition(crds: Path, kind: str) -> dict[str, Any]:
    """The schema of one of the Prometheus Operator's kinds."""
    (version,) = yaml.safe_load((crds / f"{OPERATOR[kind]}.yaml").read_text())["spec"]["versions"]
    found = without_patterns(version["schema"]["openAPIV3Schema"])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_resource_is_one_that_kubernetes_takes(
    helm: Path, tmp_path: Path, variant: str, version: str
) -> None:
    crds = helm.parents[1] / "crds"
    resources = render(helm, tmp_path, VARIANTS[variant], version)
    for resource in resources:
        if resource["kind"] in OPERATOR:
            jsonschema.validate(resource, definition(crds, resource["kind"]))
        else:
            kubernetes_validate.validate(resource, version, strict=True)
    names = [(r["kind"], r["metadata"]["name"]) for r in resources]
    assert len(names) == len(set(names))


def test_a_misspelt_value_is_found_by_the_schemas(helm: Path, tmp_path: Path) -> None:
    (_, stateful), *_ = by_kind(render(helm, tmp_path, {}, NEWEST), "StatefulSet").items()
    stateful["spec"]["replicaz"] = 2

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(stateful, NEWEST, strict=True)


def test_processors_have_a_volume_each_and_there_is_one_evaluator(
    helm: Path, tmp_path: Path
) -> None:
    found = by_kind(render(helm, tmp_path, VARIANTS["all of it"], NEWEST), "StatefulSet")

    assert found["slo-processor"]["spec"]["replicas"] == 5
    assert found["slo-evaluator"]["spec"]["replicas"] == 1
    assert set(found) == {"slo-processor", "slo-evaluator", "slo-gateway"}
    for resource in found.values():
        (claim,) = resource["spec"]["volumeClaimTemplates"]
        (container,) = resource["spec"]["template"]["spec"]["containers"]
        mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
        assert mounts[claim["metadata"]["name"]].startswith("/var/lib/")
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_rules_and_boards_are_those_of_the_project(helm: Path, tmp_path: Path) -> None:
    resources = render(helm, tmp_path, {}, NEWEST)
    rules = by_kind(resources, "PrometheusRule")
    for name in ("recording", "alerts"):
        ours = yaml.safe_load((PROJECT_ROOT / "alert-rules" / f"{name}.rules.yml").read_text())
        assert rules[f"slo-{name}"]["spec"] == ours
    boards = {
        file: text
        for resource in by_kind(resources, "ConfigMap").values()
        for file, text in (resource["data"] or {}).items()
        if file.endswith(".json")
    }
    assert set(boards) == {p.name for p in (PROJECT_ROOT / "grafana/dashboards").glob("*.json")}
    for file, text in boards.items():
        committed = (PROJECT_ROOT / "grafana" / "dashboards" / file).read_text()
        assert json.loads(text) == json.loads(committed)
        assert len(text) < CONFIG_MAP_BYTES_MAX


def test_no_secret_is_in_the_chart(helm: Path, tmp_path: Path) -> None:
    resources = render(helm, tmp_path, {}, NEWEST)

    assert by_kind(resources, "Secret") == {}
    text = yaml.safe_dump_all(resources)
    assert "secretKeyRef" in text
    assert "secretName: agentslo-tokens" in text


@pytest.mark.parametrize("variant", VARIANTS)
def test_policies_choose_pods_that_there_are(helm: Path, tmp_path: Path, variant: str) -> None:
    resources = render(helm, tmp_path, VARIANTS[variant], NEWEST)
    pods = [
        r["spec"]["template"]["metadata"]["labels"]
        for kind in ("StatefulSet", "Deployment")
        for r in by_kind(resources, kind).values()
    ]
    chosen = [r["spec"]["podSelector"] for r in by_kind(resources, "NetworkPolicy").values()]
    chosen += [r["spec"]["selector"] for r in by_kind(resources, "PodDisruptionBudget").values()]
    chosen += [
        {"matchLabels": r["spec"]["selector"]} for r in by_kind(resources, "Service").values()
    ]
    assert chosen
    for selector in chosen:
        wanted = selector["matchLabels"].items()
        assert any(wanted <= labels.items() for labels in pods), selector


def test_the_gateway_s_file_is_one_the_collector_takes(
    helm: Path, otelcol: Path, tmp_path: Path
) -> None:
    maps = by_kind(render(helm, tmp_path, {}, NEWEST), "ConfigMap")
    file = tmp_path / "collector.yaml"
    text = maps["slo-gateway"]["data"]["collector.yaml"]
    file.write_text(text.replace("/var/lib/otelcol", str(tmp_path)))
    done = subprocess.run(
        [otelcol, "validate", "--config", file], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("role", ["processor", "evaluator"])
@pytest.mark.parametrize("variant", ["as it comes", "all of it"])
def test_each_role_s_file_is_one_agentslo_takes(
    helm: Path, tmp_path: Path, variant: str, role: str
) -> None:
    maps = by_kind(render(helm, tmp_path, VARIANTS[variant], NEWEST), "ConfigMap")
    mounted = tmp_path / "etc"
    for name, files in (("config", maps[f"slo-{role}"]), ("agents", maps["slo-agents"])):
        (mounted / name).mkdir(parents=True)
        for file, text in (files["data"] or {}).items():
            here = text.replace("/etc/agentslo", str(mounted))
            (mounted / name / file).write_text(here.replace("/var/lib/agentslo", str(tmp_path)))
    (mounted / "tokens").mkdir()
    for use in ("page", "api", "feedback", "webhooks", "reload", "records"):
        (mounted / "tokens" / use).write_text("0123456789abcdef0123456789abcdef\n")

    config = load(mounted / "config" / "agentslo.yaml", {"RECORDS_TOKEN": "a" * 32})

    assert refusal(Role(role), config) == ""
    assert config.storage.directory
    assert ("staging" in config.environments) is (variant == "all of it")
    assert bool(config.evaluator.endpoint) is (role == "processor")


def test_a_processor_finds_the_evaluator_by_the_name_of_its_service(
    helm: Path, tmp_path: Path
) -> None:
    resources = render(helm, tmp_path, {}, NEWEST)
    file = yaml.safe_load(by_kind(resources, "ConfigMap")["slo-processor"]["data"]["agentslo.yaml"])
    host, _, port = file["evaluator"]["endpoint"].removeprefix("http://").partition(":")

    service = by_kind(resources, "Service")[host]
    assert int(port) in {found["port"] for found in service["spec"]["ports"]}
