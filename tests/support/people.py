"""A service file that names people, and their tokens."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

TOKEN = "token of {}, long enough to be one"


def token_of(name: str) -> str:
    """What the person gives in AGENTSLO_TOKEN."""
    return TOKEN.format(name)


def service_file(folder: Path, people: Mapping[str, Sequence[str]], *lines: str) -> Path:
    """Writes `agentslo.yaml` with storage beside it, people by name and roles, and more lines."""
    told = yaml.safe_dump({"people": people_of(people)})
    text = [f"storage: {{directory: {folder / 'storage'}}}", told, *lines]
    path = folder / "agentslo.yaml"
    path.write_text("\n".join(text) + "\n")
    (folder / "storage").mkdir(mode=0o700, exist_ok=True)
    return path


def people_of(people: Mapping[str, Sequence[str]]) -> list[dict[str, object]]:
    """The section `people` of a service file, by name and roles."""
    return [
        {
            "name": name,
            "roles": list(roles),
            "token_sha256": hashlib.sha256(token_of(name).encode()).hexdigest(),
        }
        for name, roles in people.items()
    ]
