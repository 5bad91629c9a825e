"""On-call duty: incidents and containment on one storage directory, by people and by alerts.

In: who asks for what. Out: incidents and containments as they are then, or `Refused`. State: the
decisions, the ledger (read only) and the flag file, which is made from the decisions: the row is
written first, and whoever comes next writes a flag file that a crash left behind.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentslo.respond import containment, flags, incidents, post_mortem
from agentslo.respond.containment import Containment, Effect, Wish
from agentslo.respond.desk import Ask, Desk, Draft
from agentslo.respond.facts import Facts, facts, runs_seen
from agentslo.respond.incidents import Incident, Plays
from agentslo.respond.playbook import Advice, advise, plays
from agentslo.respond.rights import Actor, Refused, Right
from agentslo.store.decisions import Book, Decision, Decisions
from agentslo.store.ledger import Ledger

DAY_NS = 86_400 * 1_000_000_000
FLAGS_FILE = "flags.json"


class Duty:
    """What on-call does. `tools`: the tools of every declared agent, for their flags."""

    def __init__(
        self,
        desk: Desk,
        ledger: Ledger | None,
        flags_file: Path,
        tools: Mapping[str, Sequence[str]],
    ) -> None:
        self._desk, self._ledger = desk, ledger
        self._flags_file, self._tools = flags_file, tools

    # ---- looking

    def incidents(self) -> list[Incident]:
        """All of them, oldest first."""
        return incidents.fold_all(self._decisions.rows(kind="incident."))

    def incident(self, ident: str) -> Incident:
        """One; raises `Refused` where there is none."""
        return _incident(self._decisions.rows(subject=f"{incidents.PREFIX}{ident}"), ident)

    def plays(self, agent: str) -> Plays:
        """The playbook in force for an agent."""
        return plays(self._desk.file_of(agent))

    def containments(self, agent: str = "") -> list[Containment]:
        """All of them, or an agent's, oldest first."""
        return containment.fold_all(self._decisions.rows(kind="containment.", agent=agent))

    def facts(self, incident: Incident) -> Facts:
        """The agent's runs since the incident began."""
        since_ns = incident.began_ns - 3_600 * 1_000_000_000
        return facts(self._ledger, incident.agent, incident.environment, since_ns)

    def effect(self, one: Containment, now_ns: int) -> Effect:
        """Whether a containment took effect."""
        found = facts(self._ledger, one.agent, one.environment, one.done_ns - DAY_NS)
        return containment.effect(one, runs_seen(found), now_ns)

    def advise(self, ident: str, now_ns: int) -> list[Advice]:
        """What to do next about an incident, and why."""
        incident = self.incident(ident)
        held = [c for c in self.containments(incident.agent) if c.holds(now_ns)]
        effects = [self.effect(one, now_ns).effective for one in held]
        effective = False if False in effects else True if effects and all(effects) else None
        file = self._desk.file_of(incident.agent)
        seen = self.facts(incident).seen([c.action for c in held], effective=effective, file=file)
        play = self.plays(incident.agent)[incident.category]
        return advise(incident.id, incident.agent, play, seen)

    # ---- incidents

    def open(
        self,
        actor: Actor,
        *,
        agent: str,
        environment: str,
        category: str,
        severity: str,
        title: str,
        now_ns: int,
    ) -> Incident:
        """A new incident, by hand."""
        found = facts(self._ledger, agent, environment, now_ns - DAY_NS)
        more = found.about(self._desk.file_of(agent))

        def rule(book: Book) -> Sequence[Draft]:
            return incidents.opened(
                next_number(book, incidents.PREFIX),
                agent=agent,
                environment=environment,
                category=category,
                severity=severity,
                title=title,
                began_ns=now_ns,
                plays=self.plays(agent),
                more=more,
            )

        ask = Ask(
            actor=actor,
            right="incident",
            agent=agent,
            subject=f"{incidents.PREFIX}new",
            wants="incident open",
        )
        (row,) = self._desk.take(ask, now_ns, rule)
        return incidents.fold([row])

    def change(
        self,
        actor: Actor,
        ident: str,
        wants: str,
        now_ns: int,
        rule: Callable[[Incident], Sequence[Draft]],
    ) -> Incident:
        """Take the next step of an incident: `rule` is one of `agentslo.respond.incidents`."""
        subject = f"{incidents.PREFIX}{ident}"
        agent = self.incident(ident).agent
        ask = Ask(
            actor=actor, right="incident", agent=agent, subject=subject, wants=f"incident {wants}"
        )

        def on(book: Book) -> Sequence[Draft]:
            incident = _incident(book.rows(subject=subject), ident)
            held = containment.fold_all(book.rows(kind="containment.", agent=agent))
            incident.muted = any(c.action == "kill_switch" and c.holds(now_ns) for c in held)
            return rule(incident)

        self._desk.take(ask, now_ns, on)
        return self.incident(ident)

    def close(self, actor: Actor, ident: str, text: str | None, now_ns: int) -> Incident:
        """Close an incident, with its post-mortem where that is not recorded yet."""
        if text is not None:
            self.change(
                *(actor, ident, "post-mortem", now_ns),
                lambda one: incidents.post_mortem(one, post_mortem.read(text, one)),
            )
        return self.change(actor, ident, "close", now_ns, incidents.closed)

    # ---- containment

    def contain(self, actor: Actor, wish: Wish, now_ns: int) -> Containment:
        """Put a containment in force; the one that is, where the same is already."""

        def rule(book: Book) -> Sequence[Draft]:
            held = containment.fold_all(book.rows(kind="containment."))
            number = next_number(book, containment.PREFIX)
            drafts = containment.done(number, wish, held, now_ns)
            if not drafts or not wish.incident:
                return drafts
            subject = f"{incidents.PREFIX}{wish.incident}"
            incident = _incident(book.rows(subject=subject), wish.incident)
            return [*drafts, *incidents.contained(incident, str(number))]

        self._desk.take(self._asks(actor, wish.agent, "new", "do"), now_ns, rule)
        self.write_flags(now_ns)
        mine = [c for c in self.containments(wish.agent) if c.holds(now_ns)]
        return next(c for c in reversed(mine) if (c.action, c.tool) == (wish.action, wish.tool))

    def extend(self, actor: Actor, ident: str, for_s: float, now_ns: int) -> Containment:
        """Give a containment more time."""
        return self._alter(
            *(actor, ident, "extend", now_ns),
            lambda one: containment.extended(one, for_s, now_ns),
        )

    def undo(self, actor: Actor, ident: str, reason: str, now_ns: int) -> Containment:
        """Lift a containment."""
        return self._alter(
            actor, ident, "undo", now_ns, lambda one: containment.undone(one, reason, now_ns)
        )

    def _alter(
        self,
        actor: Actor,
        ident: str,
        wants: str,
        now_ns: int,
        rule: Callable[[Containment], Sequence[Draft]],
    ) -> Containment:
        subject = f"{containment.PREFIX}{ident}"
        agent = _containment(self._decisions.rows(subject=subject), ident).agent
        self._desk.take(
            self._asks(actor, agent, ident, wants),
            now_ns,
            lambda book: rule(_containment(book.rows(subject=subject), ident)),
        )
        self.write_flags(now_ns)
        return _containment(self._decisions.rows(subject=subject), ident)

    def write_flags(self, now_ns: int) -> str:
        """Make the flag file say what the decisions say; gives its SHA-256."""
        return flags.write(self._flags_file, self.flags(now_ns))

    def flags(self, now_ns: int) -> dict[str, Any]:
        """What the decisions say, as flag definitions."""
        every = self.containments()
        # What was ever contained keeps its flag: an agent's default for a missing one is contained.
        tools = {name: list(known) for name, known in self._tools.items()}
        for one in every:
            tools.setdefault(one.agent, []).extend(filter(None, [one.tool]))
        held = [c.in_force() for c in every if c.holds(now_ns)]
        return flags.definitions(tools, held)

    def _asks(self, actor: Actor, agent: str, ident: str, wants: str) -> Ask:
        right: Right = "contain"
        return Ask(
            actor=actor,
            right=right,
            agent=agent,
            subject=f"{containment.PREFIX}{ident}",
            wants=f"contain {wants}",
        )

    @property
    def _decisions(self) -> Decisions:
        return self._desk.decisions


def next_number(book: Book, prefix: str) -> int:
    """The next free number of a kind of subject."""
    numbers = {
        int(row.subject.removeprefix(prefix))
        for row in book.rows()
        if row.subject.startswith(prefix) and row.subject.removeprefix(prefix).isdigit()
    }
    return max(numbers, default=0) + 1


def _incident(rows: Sequence[Decision], ident: str) -> Incident:
    made = [row for row in rows if row.kind.startswith("incident.")]
    if not made:
        raise Refused(f"incident {ident}: there is none; see `agentslo incident list`")
    return incidents.fold(made)


def _containment(rows: Sequence[Decision], ident: str) -> Containment:
    found = containment.fold_all(rows)
    if not found:
        raise Refused(f"containment {ident}: there is none; see `agentslo contain status`")
    return found[0]
