"""What `agentslo retrain` is given: files, variables and words, as values.

In: parsed arguments, the environment. Out: triggers, golden sets, credentials. No state.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from os import environ
from pathlib import Path
from typing import Any

from agentslo.cli.storage import Storage
from agentslo.config.kinds import Duration
from agentslo.respond.bundle_files import Detector, Golden, versions_of
from agentslo.respond.delivery import GITHUB_API, Keys
from agentslo.respond.retraining import Trigger
from agentslo.store.decisions import DecisionsError
from agentslo.store.ledger import Ledger


def window_ns(text: str) -> int:
    """How far back runs are taken; raises `Fault`."""
    return int(Duration(60, 90 * 86_400).parse(text) * 1e9)


def trigger(arguments: argparse.Namespace, ledger: Ledger, since_ns: int) -> Trigger:
    """The trigger as given, with the releases that ran."""
    return Trigger(
        agent=arguments.agent,
        environment=arguments.environment,
        kind=arguments.trigger,
        source=arguments.source,
        about=tuple(arguments.about),
        versions=versions_of(ledger, arguments.agent, arguments.environment, since_ns),
    )


def detector(arguments: argparse.Namespace, found: Storage) -> Detector:
    """What the detector said, and the revisions in force."""
    said: dict[str, Any] = {}
    if arguments.detector:
        try:
            said = json.loads(arguments.detector.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DecisionsError(f"{arguments.detector}: no JSON: {error}") from error
    file = next((a for a in found.config.agents if a.name == arguments.agent), None)
    return Detector(
        state=said.get("state", {}),
        thresholds=said.get("thresholds", {}),
        config_revision=found.config.revision,
        file_revision=file.revision if file else "",
    )


def golden_sets(paths: Sequence[Path]) -> list[Golden]:
    """Golden sets with the digests of their files."""
    try:
        return [
            Golden(
                name=path.name,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                cases=rows_of(path),
            )
            for path in paths
        ]
    except ValueError as error:
        raise DecisionsError(str(error)) from error


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; raises `ValueError` with the line that is none."""
    found: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"{path}:{number}: is no JSON object")  # noqa: TRY004 - of the file
        found.append(row)
    return found


def keys() -> Keys:
    """Credentials of targets, from the environment alone."""
    return Keys(
        webhook_secret=environ.get("AGENTSLO_WEBHOOK_SECRET", ""),
        github_token=environ.get("AGENTSLO_GITHUB_TOKEN", ""),
        github_api=environ.get("AGENTSLO_GITHUB_API", GITHUB_API).rstrip("/"),
    )
