"""What is said of runs from outside their spans: evaluations waiting for their run, and runs
waiting for evaluations.

In: evaluations with the run they are about, closed runs. Out: the evaluations of a run at close;
for a later one the run it corrects. State: both maps, bounded by number and age; the oldest goes
first, counted by `ignored`. Idempotent on (run, evaluation id).
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from agentslo.config.agent_options import AgentFile
from agentslo.model import Evaluation, Outcome, Run, Verdict
from agentslo.runs.changes import Changes, Kind

KEEP_NS = 7 * 86_400 * 1_000_000_000
MAX_RUNS = 20_000
MAX_WAITING = 20_000
MAX_SAID = 1_000
"""Evaluations that wait under one key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an evaluation is about: any of these, the most exact first. Ids in hex."""

    run_id: str = ""
    trace_id: str = ""
    span_id: bytes = b""
    response_id: str = ""
    conversation_id: str = ""

    def names(self) -> Iterator[str]:
        """The keys a run may be found under, the most exact first."""
        found = (
            ("run", self.run_id),
            ("response", self.response_id),
            ("trace", self.trace_id),
            ("conversation", self.conversation_id),
        )
        return (f"{kind}:{name}" for kind, name in found if name)


@dataclass(slots=True)
class Judged:
    """A closed run, its verdict so far, and what was said of it."""

    run: Run
    verdict: Verdict
    file: AgentFile
    closed_ns: int
    revision: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    replica: str = ""
    """The processor that closed it, where that is another process."""
    parts: list[str] = field(default_factory=list)
    """What other processors closed of the same run: replica and run id."""
    keys: tuple[str, ...] = ()
    """What it is found under while it is remembered."""


@dataclass(slots=True)
class Waiting:
    """Evaluations whose run is not closed yet."""

    since_ns: int
    said: list[tuple[About, Evaluation]] = field(default_factory=list)


def keys(run: Run) -> list[str]:
    """Everything a run may be found under."""
    found = {f"run:{run.run_id}": None}
    found.update((f"trace:{trace_id}", None) for trace_id in run.trace_ids)
    found.update((f"response:{s.response_id}", None) for s in run.steps if s.response_id)
    if run.conversation_id:
        found[f"conversation:{run.conversation_id}"] = None
    return list(found)


class EvidenceStore:
    """Evaluations and the runs they belong to. Owned by one thread."""

    def __init__(
        self,
        max_runs: int = MAX_RUNS,
        max_waiting: int = MAX_WAITING,
        changes: Changes | None = None,
    ) -> None:
        self._changes = changes or Changes()
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._judged: OrderedDict[str, Judged] = OrderedDict()
        self._by_key: dict[str, tuple[str, ...]] = {}
        self._max_runs, self._max_waiting = max_runs, max_waiting
        self.ignored: Counter[str] = Counter()

    def of(self, run_id: str) -> Judged | None:
        """The closed run of that id, while it is remembered."""
        return self._judged.get(run_id)

    def of_trace(self, trace_id: str) -> list[Judged]:
        """The closed runs of a trace that are remembered, the oldest first."""
        return [self._judged[run_id] for run_id in self._by_key.get(f"trace:{trace_id}", ())]

    def peek(self, run: Run) -> list[Evaluation]:
        """The evaluations that wait for the run, left where they are."""
        if not self._waiting:
            return []
        members = {s.span_id for s in run.steps} | {b""}
        found: dict[str, Evaluation] = {}
        for key in keys(run):
            waiting = self._waiting.get(key)
            for about, evaluation in waiting.said if waiting else ():
                if about.span_id in members:
                    found[evaluation.id] = evaluation
        return list(found.values())

    def take(self, run: Run) -> list[Evaluation]:
        """The evaluations that waited for the run to close; those on its spans, or on no span."""
        if not self._waiting:
            return []
        mine = self.peek(run)
        taken = {e.id for e in mine}
        for key in keys(run):
            waiting = self._waiting.get(key)
            if waiting is not None:
                waiting.said = [(a, e) for a, e in waiting.said if e.id not in taken]
                self._changes.note(Kind.SAID, key)
                if not waiting.said:
                    del self._waiting[key]
        return mine

    def remember(self, judged: Judged) -> None:
        """Keep a closed run for later evaluations, in place of what was kept of it before."""
        run_id = judged.run.run_id
        self.forget(run_id)
        self._judged[run_id] = judged
        self._changes.note(Kind.RUN, run_id)
        judged.keys = tuple(keys(judged.run))
        if self._by_key.keys().isdisjoint(judged.keys):
            self._by_key.update(dict.fromkeys(judged.keys, (run_id,)))
        else:
            for key in judged.keys:
                self._by_key[key] = (*self._by_key.get(key, ()), run_id)
        while self._judged:
            oldest = next(iter(self._judged.values()))
            fresh = judged.closed_ns - oldest.closed_ns <= KEEP_NS
            if len(self._judged) <= self._max_runs and fresh:
                break
            self.forget(oldest.run.run_id)

    def goes_on(self, run: Run) -> Judged | None:
        """The newest closed run of the same agent and conversation that began after this one and
        does not wait itself.
        """
        if not run.conversation_id:
            return None
        for run_id in reversed(self._by_key.get(f"conversation:{run.conversation_id}", ())):
            found = self._judged[run_id]
            same = (found.run.agent, found.run.environment) == (run.agent, run.environment)
            later = run_id != run.run_id and found.run.start_ns >= run.start_ns
            if same and later and found.verdict.outcome is not Outcome.WAITING:
                return found
        return None

    def forget(self, run_id: str) -> None:
        """Keep a run no longer, where it is kept."""
        judged = self._judged.pop(run_id, None)
        if judged is None:
            return
        self._changes.note(Kind.RUN, run_id)
        for key in judged.keys:
            ids = self._by_key.pop(key, ())
            if len(ids) > 1:
                self._by_key[key] = tuple(i for i in ids if i != run_id)

    def offer(self, about: About, evaluation: Evaluation, now_ns: int) -> Judged | None:
        """The closed run an evaluation is about, with it added; None where it waits or repeats."""
        judged = next(self._found(about), None)
        if judged is not None and now_ns - judged.closed_ns > KEEP_NS:
            self.ignored["too_late"] += 1
            return None
        if judged is not None:
            if any(e.id == evaluation.id for e in judged.evaluations):
                self.ignored["repeated"] += 1
                return None
            judged.evaluations.append(evaluation)
            self._changes.note(Kind.RUN, judged.run.run_id)
            return judged
        for key in islice(about.names(), 1):
            waiting = self._waiting.setdefault(key, Waiting(now_ns))
            if any(e.id == evaluation.id for _, e in waiting.said):
                self.ignored["repeated"] += 1
            elif len(waiting.said) < MAX_SAID:
                waiting.said.append((about, evaluation))
                self._changes.note(Kind.SAID, key)
            else:
                self.ignored["too_many"] += 1
        self._bound(now_ns)
        return None

    def _found(self, about: About) -> Iterator[Judged]:
        """Closed runs the evaluation may be about, the newest first."""
        for key in about.names():
            for run_id in reversed(self._by_key.get(key, ())):
                judged = self._judged[run_id]
                named = about.span_id
                if not named or any(s.span_id == named for s in judged.run.steps):
                    yield judged

    def _bound(self, now_ns: int) -> None:
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if len(self._waiting) <= self._max_waiting and now_ns - oldest.since_ns <= KEEP_NS:
                break
            key, forgotten = self._waiting.popitem(last=False)
            self.ignored["forgotten"] += len(forgotten.said)
            self._changes.note(Kind.SAID, key)

    def waiting(self, key: str) -> Waiting | None:
        """The evaluations that wait under a key."""
        return self._waiting.get(key)

    def restore(self, key: str, waiting: Waiting) -> None:
        """Let evaluations wait again."""
        self._waiting[key] = waiting

    def kept(self) -> tuple[list[str], list[str]]:
        """The ids of all closed runs, and all keys under which evaluations wait."""
        return list(self._judged), list(self._waiting)
