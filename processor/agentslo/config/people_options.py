"""Who may decide, as plain values. No state."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["product", "engineering", "operations", "oncall", "security", "machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person or system; no `agents` means all of them."""

    name: str
    roles: tuple[Role, ...]
    agents: tuple[str, ...] = ()
    token_sha256: str
