"""Feature flags in flagd's format: what agents read to know what they may do just now.

In: agents with their tools, containments in force. Out: the flag definitions, and their file,
written in one step. State: the file alone, which can always be made again from the decisions.
Source: OpenFeature and the flagd schema (flagd.dev/schema/v0/flags.json).

A containment is a variant, never `DISABLED`: a disabled flag gives the caller's own default. One
that expires does so in the flag itself, by `$flagd.timestamp`, with nobody there to write. Agents
should pass the contained value as their default, so that a missing file contains.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentslo.config.playbook_options import Action

SCHEMA = "https://flagd.dev/schema/v0/flags.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A containment as flags need it. `expires_s`: unix seconds, 0 for never; `versions`: agent
    versions it holds for, all where empty.
    """

    id: str
    agent: str
    action: Action
    tool: str = ""
    value: str = ""
    """The contained value, where the action has more than one: a prompt, an autonomy."""
    versions: tuple[str, ...] = ()
    expires_s: int = 0
    actor: str = ""
    reason: str = ""
    incident: str = ""


AUTONOMY = ("full", "approve_each", "suggest_only")
_PLAIN: Mapping[Action, tuple[str, object, object]] = {
    "fallback": ("mode", "normal", "fallback"),
    "to_humans": ("route", "agent", "human"),
    "kill_switch": ("enabled", True, False),
}
"""Action to flag, normal and contained value."""


def definitions(agents: Mapping[str, Sequence[str]], in_force: Iterable[InForce]) -> dict[str, Any]:
    """All flags: `agents` are names with their tools, every agent contained ever among them."""
    held = list(in_force)
    flags: dict[str, Any] = {}
    names = {name: set(tools) for name, tools in agents.items()}
    for name in sorted(names):
        mine = [one for one in held if one.agent == name]
        flags |= _of_agent(name, sorted(names[name]), mine)
    return {"$schema": SCHEMA, "flags": flags, "metadata": {"flagSetId": "agentslo"}}


def _of_agent(name: str, tools: Sequence[str], held: Sequence[InForce]) -> dict[str, Any]:
    at = f"agent.{name}"
    found: dict[str, Any] = {}
    for action, (flag, normal, contained) in _PLAIN.items():
        mine = [(one, "contained") for one in held if one.action == action]
        found[f"{at}.{flag}"] = _flag({"normal": normal, "contained": contained}, mine)
    levels = {level: level for level in AUTONOMY}
    reduced = [
        (one, one.value or "approve_each") for one in held if one.action == "reduce_autonomy"
    ]
    # The least autonomy first: where two hold, the stricter one is met first.
    reduced.sort(key=lambda pair: -AUTONOMY.index(pair[1]))
    found[f"{at}.autonomy"] = _flag(levels, reduced, normal="full")
    prompts = [(one, one.value or "safe") for one in held if one.action == "safer_prompt"]
    variants = {"current": "current", "safe": "safe"} | {value: value for _, value in prompts}
    found[f"{at}.prompt"] = _flag(variants, prompts, normal="current")
    for tool in tools:
        mine = [(one, "contained") for one in held if (one.action, one.tool) == _off(tool)]
        found[f"{at}.tool.{tool}.enabled"] = _flag({"normal": True, "contained": False}, mine)
    return found


def _off(tool: str) -> tuple[Action, str]:
    return "disable_tool", tool


def _flag(
    variants: Mapping[str, object],
    held: Sequence[tuple[InForce, str]],
    normal: str = "normal",
) -> dict[str, Any]:
    flag: dict[str, Any] = {"state": "ENABLED", "variants": dict(variants)}
    flag["defaultVariant"] = normal
    branches: list[Any] = []
    for one, variant in held:
        if not (condition := _condition(one)):
            # What holds always is met before anything less strict.
            flag["defaultVariant"] = variant
            break
        branches += [condition, variant]
    if branches:
        flag["targeting"] = {"if": [*branches, None]}
    if held:
        one = held[0][0]
        said = {
            "containment": one.id,
            "actor": one.actor,
            "reason": one.reason,
            "incident": one.incident,
            "expires": one.expires_s,
        }
        flag["metadata"] = {key: value for key, value in said.items() if value}
    return flag


def _condition(one: InForce) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if one.expires_s:
        parts.append({"<": [{"var": "$flagd.timestamp"}, one.expires_s]})
    if one.versions:
        parts.append({"in": [{"var": "agent_version"}, list(one.versions)]})
    if not parts:
        return {}
    return parts[0] if len(parts) == 1 else {"and": parts}


def write(path: Path, content: Mapping[str, Any]) -> str:
    """Put the flags in place in one step, on disk before it shows; gives the file's SHA-256."""
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Agents run as other users and must be able to read it; it holds no secret.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return hashlib.sha256(text.encode()).hexdigest()
