"""Where decisions are taken: check the right, read what is so far, record what follows.

In: who asks for what, and a rule that reads the decisions so far and drafts what to add. Out: the
recorded decisions, or `Refused`; a refusal is recorded too. One transaction a decision: two people
at once, or a crash, never leave half of one. State: only the file of decisions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentslo.config.agent_options import AgentFile
from agentslo.respond.rights import Actor, Refused, Right, role_for
from agentslo.store.decisions import Book, Decision, Decisions, Entry

REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a rule wants recorded; the desk adds who and in which role."""

    kind: str
    subject: str
    agent: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who wants to decide what, for which agent; `subject` is what a refusal is recorded under."""

    actor: Actor
    right: Right
    agent: str
    subject: str
    wants: str
    """The command in words, such as `incident close`."""


Rule = Callable[[Book], Sequence[Draft]]


class Desk:
    """Takes decisions on one file of them. `revision` names the configuration rights come from."""

    def __init__(
        self, decisions: Decisions, agents: Mapping[str, AgentFile], revision: str
    ) -> None:
        self.decisions, self._agents, self._revision = decisions, agents, revision

    def take(self, ask: Ask, now_ns: int, rule: Rule) -> list[Decision]:
        """Record what the rule drafts, in the role the actor has; nothing, if it drafts nothing.

        Raises `Refused` where the actor has no right or the rule refuses; that is recorded.
        """
        try:
            role = role_for(ask.actor, ask.right, ask.agent, self._agents.get(ask.agent))
            with self.decisions.writing(now_ns) as book:
                return [book.add(self._entry(ask, role, draft)) for draft in rule(book)]
        except Refused as refusal:
            self.refuse(ask, refusal, now_ns)
            raise

    def refuse(self, ask: Ask, refusal: Refused, now_ns: int) -> None:
        """Record that somebody was turned away, and why."""
        said = {"wanted": ask.wants, "reason": str(refusal), "verified": ask.actor.verified}
        draft = Draft(kind=REFUSED, subject=ask.subject, agent=ask.agent, body=said)
        with self.decisions.writing(now_ns) as book:
            book.add(self._entry(ask, "none", draft))

    def file_of(self, agent: str) -> AgentFile | None:
        """The agent's file, where there is one."""
        return self._agents.get(agent)

    def _entry(self, ask: Ask, role: str, draft: Draft) -> Entry:
        return Entry(
            kind=draft.kind,
            subject=draft.subject,
            agent=draft.agent or ask.agent,
            actor=ask.actor.name,
            role=role,
            rights=self._revision,
            body=draft.body,
        )
