"""A service file that names people, and their tokens."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

TOKEN = "token of {}, long enough to be one"


def token_of(name: str) -> str:
    """What the person gives in AGENTSLO_TOKEN."""
    return TOKEN.format(name)


def service_file(folder: Path, people: Mapping[str, Sequence[str]], *lines: str) -> Path:
    """Writes `agentslo.yaml` with storage beside it, people by name and roles, and more lines."""
    text = [f"storage: {{directory: {folder / 'storage'}}}", "people:", *_people(people), *lines]
    path = folder / "agentslo.yaml"
    path.write_text("\n".join(text) + "\n")
    (folder / "storage").mkdir(mode=0o700, exist_ok=True)
    return path


def _people(people: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        f"  - {{name: {name}, roles: [{', '.join(roles)}], "
        f"token_sha256: {hashlib.sha256(token_of(name).encode()).hexdigest()}}}"
        for name, roles in people.items()
    ]
