"""Who may decide what: people by their tokens, roles by what agent files say.

In: a token, people, the agent's file. Out: an `Actor`, the role a decision is taken in, or
`Refused`. Pure. On-call contains without anybody's approval; without people in the service file
what cannot wait is allowed unverified, and every approval is refused: nobody could be told apart.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentslo.config.agent_options import AgentFile
from agentslo.config.agent_options import Decision as Decided
from agentslo.config.people_options import Person, Role

Right = Literal[
    "incident", "contain", "rollout", "retraining", "prompts", "tools", "attest", "report"
]

DEFAULT_ROLES: Mapping[Right, tuple[Role, ...]] = {
    "incident": ("oncall", "operations", "machine"),
    "contain": ("oncall", "operations", "security", "machine"),
    "rollout": ("product", "engineering"),
    "retraining": ("engineering",),
    "prompts": ("engineering",),
    "tools": ("engineering", "operations", "security"),
    "attest": ("product", "engineering", "operations", "security"),
    "report": ("product", "engineering", "operations", "oncall", "security", "machine"),
}
"""Roles of each right, where the agent file's `decides` names no other. On-call keeps `incident`
and `contain` whatever it says: minutes are damage. `report` asks for retraining and hands in what
came of it; nothing follows from it that another right does not decide.
"""
CANNOT_WAIT: frozenset[Right] = frozenset({"incident", "contain", "report"})
ALWAYS: frozenset[Role] = frozenset({"oncall", "machine"})
UNVERIFIED = "unverified"


class Refused(Exception):
    """A decision that is not allowed, and why; the command line answers with exit code 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks. `verified`: a token proved the name; else the name is only what they said."""

    name: str
    roles: tuple[Role, ...] = ()
    agents: tuple[str, ...] = ()
    verified: bool = False


def identify(people: Sequence[Person], token: str, said: str = "") -> Actor:
    """Whose token it is; without people, whoever they say they are, unverified."""
    if not people:
        return Actor(name=said or "somebody")
    if not token:
        raise Refused("the service file names people: give a token in AGENTSLO_TOKEN")
    digest = hashlib.sha256(token.strip().encode()).hexdigest()
    # Every person is compared, so that the time tells nothing of who comes first.
    found = [p for p in people if hmac.compare_digest(p.token_sha256, digest)]
    if not found:
        raise Refused("the token is nobody's; check AGENTSLO_TOKEN and the section 'people'")
    person = found[0]
    return Actor(name=person.name, roles=person.roles, agents=person.agents, verified=True)


def role_for(actor: Actor, right: Right, agent: str, file: AgentFile | None) -> str:
    """The role in which the actor may decide; raises `Refused` with who could."""
    if not actor.verified:
        if right in CANNOT_WAIT:
            return UNVERIFIED
        raise Refused(f"{right} needs a person known by a token: add 'people:' to the service file")
    allowed = allowed_roles(right, file)
    if actor.agents and agent and agent not in actor.agents:
        raise Refused(f"{actor.name} decides for {', '.join(actor.agents)}, not for {agent}")
    for role in actor.roles:
        if role in allowed:
            return role
    raise Refused(
        f"{right} is for {' or '.join(allowed)} to decide; {actor.name} is {', '.join(actor.roles)}"
    )


def allowed_roles(right: Right, file: AgentFile | None) -> tuple[Role, ...]:
    """The roles that hold a right for an agent."""
    default = DEFAULT_ROLES[right]
    if file is None or right not in ("incident", "rollout", "retraining", "prompts", "tools"):
        return default
    decided: Decided = right
    named = file.decides.get(decided)
    if named is None:
        return default
    return (named, *(role for role in default if role in ALWAYS))
