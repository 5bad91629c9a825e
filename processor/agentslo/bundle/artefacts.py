"""Every file of a bundle, and which of those on disk are stale.

In: options, a format. Out: path to text. No state; writing is the caller's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agentslo.bundle.alertmanager import alertmanager_files
from agentslo.bundle.boards.files import grafana_files
from agentslo.bundle.catalogue import RULE_FILES
from agentslo.bundle.document import DOCUMENT, document
from agentslo.bundle.rules import Options, rule_file
from agentslo.bundle.yaml_text import dump

FOLDER: Final = "alert-rules"


def prometheus_files(options: Options) -> Mapping[str, str]:
    """Rules, routes, dashboards and the reference, by path below the project."""
    rules = {
        f"{FOLDER}/{name}": dump(rule_file(groups, options)) for name, groups in RULE_FILES.items()
    }
    return {
        **rules,
        **alertmanager_files(options.extra_labels),
        **grafana_files(options),
        DOCUMENT: document(),
    }


def stale(files: Mapping[str, str], folder: Path) -> list[str]:
    """The files that are missing or differ from what would be written."""
    return [name for name, text in files.items() if _read(folder / name) != text]


def write(files: Mapping[str, str], folder: Path) -> list[str]:
    """Write what differs; gives the names written."""
    changed = stale(files, folder)
    for name in changed:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name], encoding="utf-8")
    return changed


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
