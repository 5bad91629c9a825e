"""Who an agent is, whose it is, and who decides: `match`, `owners`, `decides`.

In: nodes. Out: `Match`, `Owners`, decisions by name. No state. Source: requirements.md O1, G6.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agentslo.config.agent_options import Decision, Match, OwnerRole, Owners
from agentslo.config.agent_sections.words import SENTENCE, WORD
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Text, choice_of
from agentslo.config.schema import Group

ENVIRONMENT = Text(r"[^\s,]{1,100}", "a name without spaces and commas")

MATCH = Group(
    name="match",
    doc="Which runs are this agent's: every list given must hold the run's value. Without `agents` "
    "and `services`, runs whose spans name the agent as `agent` does here. Where several files "
    "match a run, the narrowest has it: one that names the agent before one that names its service "
    "alone, then one that also names the service, then one that names the environment, then the "
    "first by name.",
    make=Match,
    start=Match(),
    fields=(
        TextList(
            "agents",
            WORD,
            "Agent names as the spans carry them (`gen_ai.agent.name`), or that of the workflow "
            "above several agents.",
        ),
        TextList("services", WORD, "Values of `service.name`."),
        TextList("environments", ENVIRONMENT, "Values of `deployment.environment.name`."),
    ),
)

OWNERS = Group(
    name="owners",
    doc="Who answers for the agent: teams or people, in your own words; alerts name them.",
    make=Owners,
    start=Owners(),
    fields=(
        Key("product", SENTENCE, "Owns what the agent is for and its objectives."),
        Key("engineering", SENTENCE, "Owns prompts, models and code."),
        Key("operations", SENTENCE, "Is called in incidents; a critical agent needs it."),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Who takes each decision; None where nobody is named."""

    incident: OwnerRole | None = None
    rollout: OwnerRole | None = None
    retraining: OwnerRole | None = None
    prompts: OwnerRole | None = None
    tools: OwnerRole | None = None

    def as_mapping(self) -> Mapping[Decision, OwnerRole]:
        """Those that are named."""
        named: dict[Decision, OwnerRole | None] = {
            "incident": self.incident,
            "rollout": self.rollout,
            "retraining": self.retraining,
            "prompts": self.prompts,
            "tools": self.tools,
        }
        return {name: role for name, role in named.items() if role}


_ROLE = choice_of(OwnerRole)

DECIDES = Group(
    name="decides",
    doc="Which owner decides what.",
    make=Decisions,
    start=Decisions(),
    fields=(
        Key("incident", _ROLE, "Declares, contains and closes incidents."),
        Key("rollout", _ROLE, "Lets a release go out, or takes it back."),
        Key("retraining", _ROLE, "Starts and approves retraining."),
        Key("prompts", _ROLE, "Changes prompts and policies."),
        Key("tools", _ROLE, "Gives and takes away tools."),
    ),
)
