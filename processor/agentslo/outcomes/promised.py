"""What an agent file promises, looked up by name and told by bits, worked out once a file.

In: an agent file. Out: `Promised`. State: a memo of the files in force, bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agentslo.config.agent_options import AgentFile, Limits, Tool

LIMITS: Final = 1
EXPECTS: Final = 1 << 1
WRITES: Final = 1 << 2
"""A tool changes something, or undoes what another did."""
GUARDS: Final = 1 << 3
"""Not every tool may be called freely."""
POLICIES: Final = 1 << 4
HANDS_OVER: Final = 1 << 5
POLLS: Final = 1 << 6
PRICED: Final = 1 << 7
"""Calls, or people's time in them, have a price."""
WAITS: Final = 1 << 8
ALL: Final = (1 << 9) - 1

MAX_FILES = 1_000


@dataclass(frozen=True, slots=True)
class Promised:
    """A file's tools by name, and which kinds of promise it makes."""

    tools: Mapping[str, Tool]
    kinds: int


def promised(file: AgentFile) -> Promised:
    """What a file promises."""
    known = _KNOWN.get(id(file))
    if known is None or known[0] is not file:
        if len(_KNOWN) >= MAX_FILES:
            _KNOWN.clear()
        known = _KNOWN[id(file)] = file, Promised({t.name: t for t in file.tools}, _kinds(file))
    return known[1]


# By identity: files are frozen, and their equality costs more than what is remembered of them.
_KNOWN: dict[int, tuple[AgentFile, Promised]] = {}


def _kinds(file: AgentFile) -> int:
    tools = file.tools
    told = {
        LIMITS: file.task.limits != Limits(),
        EXPECTS: bool(file.expect),
        WRITES: any(t.effect == "write" or t.compensates for t in tools),
        GUARDS: file.unlisted_tools == "never" or any(t.permission != "autonomous" for t in tools),
        POLICIES: bool(file.policies),
        HANDS_OVER: any(t.escalation is not None for t in tools),
        POLLS: any(t.poll_field for t in tools),
        PRICED: any(t.price_usd or t.human_minutes for t in tools),
        WAITS: any(rule.wait_s > 0 for rule in file.evaluations),
    }
    return sum(kind for kind, so in told.items() if so)
