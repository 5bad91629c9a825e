"""Runs that span several traces: the turns of one conversation as one run (`scope: conversation`).

In: the runs of single traces as they close. Out: joined runs, `idle_s` after the last turn or at
`max_age_s`. State: open conversations by (agent, environment, conversation id), bounded by number
and time. Time is an argument.
"""

import hashlib
from bisect import insort
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace

from agentslo.config.options import RunsOptions
from agentslo.model import Run
from agentslo.runs.changes import Changes, Kind
from agentslo.runs.marks import marked

Key = tuple[str, str, str]


@dataclass(slots=True)
class Conversation:
    """The turns so far, by arrival."""

    first_ns: int
    last_ns: int
    turns: list[Run] = field(default_factory=list)


def run_id(agent: str, conversation_id: str) -> str:
    """`conversation:` and a hash of agent and conversation: ids of users never leave."""
    digest = hashlib.sha256(f"{agent}\0{conversation_id}".encode()).hexdigest()
    return f"conversation:{digest[:24]}"


def join(turns: list[Run], finalized_by: str) -> Run:
    """The turns of a conversation as one run, named by the last. The time between turns is the
    person's.
    """
    ordered = sorted(turns, key=lambda r: (r.start_ns, r.run_id))
    last = max(ordered, key=lambda r: (r.end_ns, r.run_id))
    parents = {child: parent for run in ordered for child, parent in run.parents.items()}
    waited_ns, end_ns = 0, ordered[0].end_ns
    for run in ordered[1:]:
        waited_ns += max(0, run.start_ns - end_ns)
        end_ns = max(end_ns, run.end_ns)
    found = sorted(
        (s for r in ordered for s in r.steps), key=lambda s: (s.start_ns, s.end_ns, s.span_id)
    )
    steps = tuple(found)
    return replace(
        last,
        run_id=run_id(last.agent, last.conversation_id),
        trace_ids=tuple(dict.fromkeys(r.trace_id for r in ordered)),
        steps=steps,
        parents=parents,
        finalized_by=finalized_by,
        start_ns=ordered[0].start_ns,
        end_ns=end_ns,
        between_turns_s=waited_ns / 1e9,
        marks=marked(steps, parents, last.root),
    )


class Conversations:
    """Open conversations. Owned by one thread."""

    def __init__(self, options: RunsOptions, changes: Changes | None = None) -> None:
        self._options, self._changes = options, changes or Changes()
        self._open: OrderedDict[Key, Conversation] = OrderedDict()
        self._oldest: deque[tuple[int, Key]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, run: Run, now_ns: int) -> list[Run]:
        """Take a turn in; gives conversations that must close because the bound is met."""
        key = run.agent, run.environment, run.conversation_id
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = Conversation(now_ns, now_ns)
            self._oldest.append((now_ns, key))
        found.last_ns = now_ns
        found.turns.append(run)
        self._changes.note(Kind.TURNS, key)
        self._open.move_to_end(key)
        over = len(self._open) - self._options.max_open_runs
        return [self._close(next(iter(self._open)), "state_bound") for _ in range(max(0, over))]

    def due(self, now_ns: int) -> list[Run]:
        """The conversations that have been idle, or open, for too long."""
        idle_ns, age_ns = (int(s * 1e9) for s in (self._options.idle_s, self._options.max_age_s))
        ended: list[tuple[Key, str]] = []
        for key, found in self._open.items():
            if found.last_ns + idle_ns > now_ns:
                break
            ended.append((key, "idle_timeout"))
        while self._oldest and self._oldest[0][0] + age_ns <= now_ns:
            first_ns, key = self._oldest.popleft()
            kept = self._open.get(key)
            if (
                kept is not None
                and kept.first_ns == first_ns
                and (key, "idle_timeout") not in ended
            ):
                ended.append((key, "max_age"))
        return [self._close(key, how) for key, how in ended]

    def finish(self) -> list[Run]:
        """Close every conversation: the input is over."""
        return [self._close(key, "end_of_input") for key in list(self._open)]

    def _close(self, key: Key, how: str) -> Run:
        self._changes.note(Kind.TURNS, key)
        return join(self._open.pop(key).turns, how)

    def of(self, key: Key) -> Conversation | None:
        """The open conversation of a key."""
        return self._open.get(key)

    def names(self) -> list[Key]:
        """Every open conversation, the one with the newest turn last."""
        return list(self._open)

    def restore(self, key: Key, found: Conversation) -> None:
        """Go on with a conversation."""
        self._open[key] = found
        insort(self._oldest, (found.first_ns, key))
