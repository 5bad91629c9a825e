"""docker-compose.yml without an engine: every file, port, service and tag it names is there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentslo.bundle.boards.files import DASHBOARDS_PATH, SCRAPE_INTERVAL, grafana_files
from agentslo.bundle.rules import Options
from support.tools import PROJECT_ROOT

Json = Any
COMPOSE: Json = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Json] = COMPOSE["services"]
CONFIG = PROJECT_ROOT / "deploy" / "compose"
# Where each service listens inside the network; the images' defaults, or what our files set.
LISTENS = {
    "agentslo": {4317, 4318, 9464, 9465},
    "collector": {4317, 4318},
    "tempo": {3200, 4317},
    "prometheus": {9090},
    "alertmanager": {9093},
    "grafana": {3000},
    "demo": set(),
}
_ADDRESS = re.compile(r"(?<![\w.-])([a-z][a-z-]+):(\d{4,5})\b")


def text(name: str) -> str:
    return (CONFIG / name).read_text(encoding="utf-8")


def mounts(service: Json) -> list[list[str]]:
    return [entry.split(":") for entry in service.get("volumes", ())]


def test_the_file_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    path = PROJECT_ROOT / "docker-compose.yml"
    done = subprocess.run([*command, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_mount_exists_and_cannot_be_written(name: str) -> None:
    for source, _, *mode in mounts(SERVICES[name]):
        if source.startswith("./"):
            assert (PROJECT_ROOT / source).exists(), source
            assert mode == ["ro"], source
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_and_listened_on(name: str) -> None:
    for published in SERVICES[name].get("ports", ()):
        host, outside, inside = published.split(":")
        assert host == "127.0.0.1"
        assert outside == inside
        assert int(inside) in LISTENS[name]


def test_no_two_services_publish_one_port() -> None:
    ports = [p for s in SERVICES.values() for p in s.get("ports", ())]
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_a_version(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_containers_have_no_more_rights_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only") is True or name == "grafana"


def test_services_wait_only_for_checks_that_exist() -> None:
    for service in SERVICES.values():
        after = service.get("depends_on", ())
        assert set(after) <= set(SERVICES)
        for other, how in after.items() if isinstance(after, dict) else ():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]


def test_addresses_between_services_are_listened_on() -> None:
    files = {p.name: p.read_text(encoding="utf-8") for p in CONFIG.glob("*.y*ml")}
    files |= grafana_files(Options())
    files["demo"] = " ".join(SERVICES["demo"]["command"])
    asked = {
        (where, host, int(port))
        for where, content in files.items()
        if not where.endswith(".json")
        for host, port in _ADDRESS.findall(content)
    }
    assert {host for _, host, _ in asked} == set(SERVICES) - {"demo", "grafana"}
    assert [a for a in asked if a[2] not in LISTENS[a[1]]] == []


def test_nothing_secret_stands_in_a_file() -> None:
    everything = json.dumps(COMPOSE) + "".join(text(p.name) for p in CONFIG.glob("*.y*ml"))
    found = re.findall(
        r"(?i)(?:password|token|secret)\w*['\"]?\s*[:=]\s*['\"]?([^'\"\s,}]+)", everything
    )
    shown = [value for value in found if not value.startswith("${GRAFANA_ADMIN_PASSWORD:?")]
    named = {"page-token", "/etc/agentslo/page-token"}
    assert [value for value in shown if value.strip("#[{") and value not in named] == []
    assert ".secrets/" in (PROJECT_ROOT / ".gitignore").read_text().splitlines()


def test_prometheus_keeps_the_period_and_exemplars() -> None:
    command = SERVICES["prometheus"]["command"]
    assert "--storage.tsdb.retention.time=45d" in command
    assert "--enable-feature=exemplar-storage" in command
    scrape = yaml.safe_load(text("prometheus.yml"))["global"]["scrape_interval"]
    assert scrape == SCRAPE_INTERVAL


def test_grafana_finds_the_boards_where_they_are_mounted() -> None:
    at = {target: source for source, target, *_ in mounts(SERVICES["grafana"])}
    assert at[DASHBOARDS_PATH] == "./grafana/dashboards"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(DASHBOARDS_PATH)
    assert (PROJECT_ROOT / "grafana" / "dashboards" / Path(home).name).is_file()


def laid_out(name: str, below: str, folder: Path) -> Path:
    """The files a service mounts below a path, as it would see them."""
    for source, target, *_ in mounts(SERVICES[name]):
        if target.startswith(below) and source.startswith("./"):
            at = folder / Path(target).relative_to(below)
            at.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (PROJECT_ROOT / source).is_dir() else shutil.copy
            copy(PROJECT_ROOT / source, at)
    return folder


def accepted(*command: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_its_configuration_and_rules(promtool: Path, tmp_path: Path) -> None:
    folder = laid_out("prometheus", "/etc/prometheus", tmp_path)
    said = accepted(promtool, "check", "config", folder / "prometheus.yml")
    assert said.count("SUCCESS") == 4


def test_alertmanager_takes_its_configuration(amtool: Path, tmp_path: Path) -> None:
    folder = laid_out("alertmanager", "/etc/alertmanager", tmp_path)
    accepted(amtool, "check-config", folder / "alertmanager.yml")


def test_the_collector_takes_its_configuration(otelcol: Path, tmp_path: Path) -> None:
    folder = laid_out("collector", "/etc/otelcol", tmp_path)
    accepted(otelcol, "validate", "--config", folder / "collector.yaml")


def test_agentslo_takes_its_configuration_and_agents(tmp_path: Path) -> None:
    folder = laid_out("agentslo", "/etc/agentslo", tmp_path)
    for secret in SERVICES["agentslo"]["secrets"]:
        at = folder / Path(secret["target"]).relative_to("/etc/agentslo")
        at.write_text("a-token-for-this-test-alone")
    said = accepted(Path(sys.executable).with_name("agentslo"), "check", folder / "agentslo.yaml")
    assert "no problem" in said
