"""Baselines on disk, one JSON file an agent and environment.

In: frozen baselines. Out: the same, whole or not at all. State: the folder. A file is written
beside and renamed; its digest is checked when it is read. Nothing in it is content.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from agentslo.watch.baseline import Baseline, BaselineError, from_json

logger = logging.getLogger(__name__)

FOLDER = "baselines"


class Shelf:
    """The baselines in one folder."""

    def __init__(self, storage: Path) -> None:
        self.folder = storage / FOLDER

    def put(self, baseline: Baseline) -> Path:
        """Write a baseline over the one of the same agent. Raises `OSError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(baseline.agent, baseline.environment)
        beside = path.with_suffix(".new")
        content = {"digest": baseline.digest, "baseline": json.loads(baseline.to_json())}
        with beside.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        return path

    def get(self, agent: str, environment: str) -> Baseline | None:
        """The baseline of an agent; None where there is none. Raises `BaselineError`."""
        path = self._path(agent, environment)
        return read(path) if path.is_file() else None

    def retire(self, agent: str, environment: str) -> None:
        """Put the baseline of an agent aside, as `.before`; nothing where there is none."""
        path = self._path(agent, environment)
        if path.is_file():
            path.replace(path.with_suffix(".before"))

    def all(self) -> Iterator[Baseline]:
        """Every baseline that can be read; the others are logged."""
        for path in sorted(self.folder.glob("*.json")):
            try:
                yield read(path)
            except BaselineError as error:
                logger.warning("%s: %s", path, error)

    def _path(self, agent: str, environment: str) -> Path:
        name = hashlib.sha256(f"{agent}\0{environment}".encode()).hexdigest()[:16]
        return self.folder / f"{name}.json"


def read(path: Path) -> Baseline:
    """The baseline in a file. Raises `BaselineError`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        baseline = from_json(json.dumps(content["baseline"]))
        digest = content["digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaselineError(f"not a baseline: {error!r}") from None
    if digest != baseline.digest:
        raise BaselineError(f"digest {digest} does not fit its counts ({baseline.digest})")
    return baseline
