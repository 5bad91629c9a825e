"""The files of `grafana/`: dashboards, data sources, and how Grafana finds them.

In: options. Out: path to text. No state. Addresses are those of docker-compose.yml. Source:
Grafana's provisioning of dashboards and data sources; the dashboard sidecar of its Helm chart.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from agentslo.bundle.boards.catalogue import BOARDS
from agentslo.bundle.boards.dashboard import dashboard
from agentslo.bundle.boards.model import Board
from agentslo.bundle.rules import Options
from agentslo.bundle.yaml_text import dump

FOLDER: Final = "grafana"
GRAFANA_FOLDER: Final = "Agents"
DASHBOARDS_PATH: Final = "/var/lib/grafana/dashboards"
PROMETHEUS_UID: Final = "prometheus"
TEMPO_UID: Final = "tempo"
SCRAPE_INTERVAL: Final = "15s"


def grafana_files(options: Options) -> Mapping[str, str]:
    """Dashboards and provisioning, by path below the project."""
    boards = {f"{FOLDER}/dashboards/{board.uid}.json": _json(board, options) for board in BOARDS}
    provisioning = {
        "datasources/agentslo.yml": _data_sources(),
        "dashboards/agentslo.yml": _providers(),
    }
    return boards | {f"{FOLDER}/provisioning/{k}": dump(v) for k, v in provisioning.items()}


def sidecar_files(options: Options) -> Mapping[str, str]:
    """A ConfigMap a board, as the sidecar of Grafana's Helm chart picks them up."""
    return {
        f"{FOLDER}/configmap-{board.uid}.yaml": dump(_config_map(board, options))
        for board in BOARDS
    }


def _json(board: Board, options: Options) -> str:
    return json.dumps(dashboard(board, options), indent=1, ensure_ascii=False) + "\n"


def _config_map(board: Board, options: Options) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": board.uid,
            "labels": {"grafana_dashboard": "1"},
            "annotations": {"grafana_folder": GRAFANA_FOLDER},
        },
        "data": {f"{board.uid}.json": _json(board, options)},
    }


def _data_sources() -> dict[str, Any]:
    exemplars = [{"name": "trace_id", "datasourceUid": TEMPO_UID}]
    prometheus = {
        "name": "Prometheus",
        "uid": PROMETHEUS_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": "http://prometheus:9090",
        "isDefault": True,
        "editable": False,
        "jsonData": {
            "timeInterval": SCRAPE_INTERVAL,
            "httpMethod": "POST",
            "exemplarTraceIdDestinations": exemplars,
        },
    }
    tempo = {
        "name": "Tempo",
        "uid": TEMPO_UID,
        "type": "tempo",
        "access": "proxy",
        "url": "http://tempo:3200",
        "editable": False,
        "jsonData": {"nodeGraph": {"enabled": True}},
    }
    return {"apiVersion": 1, "datasources": [prometheus, tempo]}


def _providers() -> dict[str, Any]:
    provider = {
        "name": "agentslo",
        "orgId": 1,
        "type": "file",
        "folder": GRAFANA_FOLDER,
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 60,
        "options": {"path": DASHBOARDS_PATH, "foldersFromFilesStructure": False},
    }
    return {"apiVersion": 1, "providers": [provider]}
