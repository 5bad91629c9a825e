"""From a closed run to its verdict, and from later evidence to corrections.

In: closed runs, evaluations, the time. Out: `Happening`s. State: runs waiting for a person or for
evidence, open conversations, and closed runs that may still be corrected, each bounded. Owned by
one thread. What a run may wait for: a person (`waiting`), evidence its agent file expects
(`settling`), the next turn (`scope: conversation`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from agentslo.config.agent_options import AgentFile
from agentslo.config.directory import Directory
from agentslo.config.options import RunsOptions
from agentslo.model import Evaluation, Outcome, Run, Verdict
from agentslo.otlp.splice import Attribute, encode
from agentslo.outcomes.classify import classified, unsettled
from agentslo.outcomes.cost import Price, no_price
from agentslo.outcomes.view import Habits, RunView
from agentslo.runs.changes import Changes, Kind
from agentslo.runs.conversations import Conversations
from agentslo.runs.conversations import run_id as conversation_run_id
from agentslo.runs.evidence import About, EvidenceStore, Judged
from agentslo.runs.settling import Settling
from agentslo.runs.waiting import Paused, WaitingRuns
from agentslo.service.enrich import run_attributes
from agentslo.service.events import (
    Corrected,
    Counted,
    Happening,
    HeldSpan,
    Released,
    Said,
    Turn,
)
from agentslo.service.faults import Faults
from agentslo.watch.observe import Observed
from agentslo.watch.remote import Remote
from agentslo.watch.state import Drifted
from agentslo.watch.watch import Watch

_NEVER_WAIT = (Outcome.UNSAFE_ACTION, Outcome.DATA_CORRUPTION)
S = 1_000_000_000
MAX_LEFT = 50_000
"""Early roots remembered; one that heads no run of its own after all is never asked for."""


class Verdicts:
    """Judges runs. `directory` may be replaced on reload."""

    def __init__(
        self,
        runs: RunsOptions,
        directory: Directory,
        habits: Habits,
        faults: Faults,
        price: Price = no_price,
        changes: Changes | None = None,
        watch: Watch | Remote | None = None,
    ) -> None:
        self._options, self.directory, self._faults = runs, directory, faults
        self.habits, self.price, self.watch = habits, price, watch
        self._changes = changes or Changes()
        self.evidence = EvidenceStore(changes=self._changes)
        self.waiting = WaitingRuns(changes=self._changes)
        self.settling = Settling(changes=self._changes)
        self.conversations = Conversations(runs, self._changes)
        self.apart = False
        """Whether an evaluator elsewhere corrects runs, waits for people, joins conversations and
        counts what may be a piece of a run that another processor has."""
        self.left_as: dict[str, Outcome] = {}
        """With which outcome the root of a run left, until the run is counted."""

    # ---- runs

    def early(self, run: Run, held: HeldSpan, now_ns: int) -> Iterator[Released]:
        """A root leaves before its run is over, with the outcome known so far."""
        run, file = self.identified(run)
        verdict = self.judge(run, file, self.evidence.peek(run))
        self._leaves(run, verdict)
        if len(self.left_as) > MAX_LEFT:
            self._left_before(next(iter(self.left_as)))
        yield self._released(held, run, verdict, now_ns)

    def closed(self, run: Run, held: HeldSpan | None, now_ns: int) -> Iterator[Happening]:
        """A run of one trace is over: it is judged, or goes on as a conversation."""
        run, file = self.identified(run)
        scope = file.scope or self._options.scope
        if scope == "conversation" and run.conversation_id:
            yield from self._turn(run, file, held, now_ns)
        else:
            yield from self._over(run, file, held, now_ns)

    def due(self, now_ns: int) -> Iterator[Happening]:
        """What is over without anything coming: conversations, waits for evidence or people."""
        yield from self._joined(self.conversations.due(now_ns), now_ns)
        yield from self._let_go(self.settling.due(now_ns), now_ns)
        yield from self._given_up(self.waiting.overdue(now_ns))

    def finish(self, now_ns: int) -> Iterator[Happening]:
        """The input is over: open conversations close, nothing waits for evidence any more."""
        yield from self._joined(self.conversations.finish(), now_ns)
        yield from self._let_go(self.settling.finish(), now_ns)

    def _joined(self, runs: list[Run], now_ns: int) -> Iterator[Happening]:
        """Conversations are over."""

        def over(run: Run) -> Iterator[Happening]:
            return self._over(*self.identified(run), None, now_ns)

        return self._faults.each("close", runs, _name, over)

    def identified(self, run: Run) -> tuple[Run, AgentFile]:
        """The run under the name its agent file gives it, and the file."""
        workflow = run.root.workflow if run.root else ""
        file = self.directory.find(run.entry_agent, run.service, run.environment, workflow)
        if file.is_default:
            return run, file
        key = f"attribute:{file.task.type_attribute}" if file.task.type_attribute else ""
        told = (str(s.facts[key]) for s in run.steps if key in s.facts)
        return replace(run, agent=file.name, task_type=next(told, run.task_type)), file

    def judge(self, run: Run, file: AgentFile, said: list[Evaluation]) -> Verdict:
        """The verdict on a run, given what was said of it."""
        return classified(RunView(run, self.habits), file, said, self.price)

    def _turn(
        self, run: Run, file: AgentFile, held: HeldSpan | None, now_ns: int
    ) -> Iterator[Happening]:
        """A turn of a conversation: its root leaves with the outcome so far, the run goes on."""
        self._left_before(run.run_id)
        if held is not None:
            verdict = self.judge(run, file, self.evidence.peek(run))
            named = replace(run, run_id=conversation_run_id(run.agent, run.conversation_id))
            yield self._released(held, named, verdict, now_ns)
        if self.apart:
            yield Turn(run=run)
        else:
            yield from self._joined(self.conversations.add(run, now_ns), now_ns)

    def _over(
        self, run: Run, file: AgentFile, held: HeldSpan | None, now_ns: int
    ) -> Iterator[Happening]:
        """A run is over: judge it, let its root go, count it unless it waits."""
        said = self.evidence.take(run)
        view = RunView(run, self.habits)
        verdict = classified(view, file, said, self.price)
        judged = Judged(run=run, verdict=verdict, file=file, closed_ns=now_ns, evaluations=said)
        self.evidence.remember(judged)
        drift = self._drift(run, now_ns)
        if held is not None:
            yield Released(span=held, added=encode({**run_attributes(run, verdict), **drift}))
            self._leaves(run, verdict)
        wait_ns = self._wait_ns(judged)
        if wait_ns:
            over = self.settling.wait(run.run_id, now_ns + wait_ns)
            yield from self._let_go(over, now_ns)
        else:
            yield from self._count(judged, now_ns, drift=drift, view=view)

    def _leaves(self, run: Run, verdict: Verdict) -> None:
        self.left_as[run.run_id] = verdict.outcome
        self._changes.note(Kind.LEFT, run.run_id)

    def _left_before(self, run_id: str) -> Outcome | None:
        """With which outcome the run's root has left; it is not asked again."""
        self._changes.note(Kind.LEFT, run_id)
        return self.left_as.pop(run_id, None)

    def _released(self, held: HeldSpan, run: Run, verdict: Verdict, now_ns: int) -> Released:
        """A root leaves with what is known of its run, and how its agent stands."""
        found = {**run_attributes(run, verdict), **self._drift(run, now_ns)}
        return Released(span=held, added=encode(found))

    def _drift(self, run: Run, now_ns: int) -> Mapping[str, Attribute]:
        if self.watch is None:
            return {}
        try:
            return self.watch.attributes(run, now_ns)
        except Exception:  # noqa: BLE001 - a bug in statistics must not keep a span back
            self._faults.note("watch", _name(run))
            return {}

    def _watched(self, judged: Judged, view: RunView | None) -> list[Observed | Drifted]:
        if self.watch is None:
            return []
        try:
            heavy = judged.file.tier == "critical"
            return list(self.watch.counted(judged.run, judged.verdict, heavy=heavy, view=view))
        except Exception:  # noqa: BLE001 - a bug in statistics must not keep a run from counting
            self._faults.note("watch", _name(judged.run))
            return []

    def _wait_ns(self, judged: Judged) -> int:
        """How long counting waits for evidence; proven harm never waits."""
        if judged.verdict.outcome in _NEVER_WAIT:
            return 0
        missed = judged.verdict.totals.missed_evaluations
        if not missed:
            return int(judged.file.evidence_wait_s * S)
        waits = [r.wait_s for r in judged.file.evaluations if r.name in missed]
        return int(max([judged.file.evidence_wait_s, *waits]) * S)

    def _let_go(self, run_ids: list[str], now_ns: int) -> Iterator[Happening]:
        """Runs wait for evidence no longer."""
        known = (self.evidence.of(run_id) for run_id in run_ids)
        return self._faults.each(
            "close",
            (judged for judged in known if judged is not None),
            lambda judged: _name(judged.run),
            lambda judged: self._count(judged, now_ns),
        )

    def turn(self, run: Run, now_ns: int) -> Iterator[Happening]:
        """A turn that another processor closed goes on as a conversation."""
        yield from self._joined(self.conversations.add(run, now_ns), now_ns)

    def received(self, judged: Judged, now_ns: int, *, counted: bool) -> Iterator[Happening]:
        """A run that another processor closed, and has `counted` or not; it is remembered."""
        self.evidence.remember(judged)
        yield from self._count(judged, now_ns, told=True, counts=not counted)

    def _count(
        self,
        judged: Judged,
        now_ns: int,
        *,
        told: bool = False,
        counts: bool = True,
        drift: Mapping[str, Attribute] | None = None,
        view: RunView | None = None,
    ) -> Iterator[Happening]:
        """`drift`, `view`: where they are known already."""
        run, verdict = judged.run, judged.verdict
        left_as = self._left_before(run.run_id)
        yield from self._resumed(run, verdict, now_ns)
        waits = verdict.outcome is Outcome.WAITING or (self.apart and run.piece)
        yield Counted(
            run=run,
            verdict=verdict,
            file=judged.file,
            root_outcome=left_as,
            waits=waits,
            drift=self._drift(run, now_ns) if drift is None else drift,
            told=told,
            counts=counts,
            view=view,
        )
        if not waits:
            found = self._watched(judged, view)
            yield from (f for f in found if counts or not isinstance(f, Observed))
        elif self.apart:
            return
        elif (later := self.evidence.goes_on(run)) is not None:
            yield _resumed(run, verdict, later.verdict.outcome, now_ns)
        else:
            until_ns = now_ns + int(judged.file.human_deadline_s * S)
            yield from self._given_up(self.waiting.pause(run, verdict, until_ns))

    def _resumed(self, run: Run, verdict: Verdict, now_ns: int) -> Iterator[Corrected]:
        """The runs this one goes on with get its outcome, in no counter: it alone is counted."""
        if verdict.outcome is Outcome.WAITING:
            return
        for paused in self.waiting.resumed_by(run):
            yield _resumed(paused.run, paused.verdict, verdict.outcome, now_ns)

    def _given_up(self, paused: list[Paused]) -> Iterator[Happening]:
        """Nobody resumed these runs, or there is no room to wait for them."""
        return self._faults.each(
            "close", paused, lambda p: _name(p.run), lambda p: (self._overdue(p),)
        )

    def _overdue(self, paused: Paused) -> Counted:
        _, file = self.identified(paused.run)
        verdict = unsettled(paused.verdict, paused.run, file)
        return Counted(
            run=paused.run,
            verdict=verdict,
            file=file,
            root_outcome=Outcome.WAITING,
            overdue=True,
        )

    # ---- evidence

    def evaluated(self, about: About, evaluation: Evaluation, now_ns: int) -> Iterator[Happening]:
        """An evaluation has come: it waits for its run, settles it, or corrects it."""
        if self.apart:
            yield Said(about=about, evaluation=evaluation)
        judged = self.evidence.offer(about, evaluation, now_ns)
        if judged is None:
            return
        if judged.run.run_id in self.settling:
            judged.verdict = self.judge(judged.run, judged.file, judged.evaluations)
            self._changes.note(Kind.RUN, judged.run.run_id)
            if not self._wait_ns(judged):
                self.settling.settle(judged.run.run_id)
                yield from self._count(judged, now_ns)
            return
        if not self.apart:
            source = "human" if evaluation.human else "evaluator"
            yield from self.judge_again(judged, source, now_ns)

    def judge_again(self, judged: Judged, source: str, now_ns: int) -> Iterator[Happening]:
        """More is known of a closed run than when it was judged, by `source`."""
        before = judged.verdict
        after = self.judge(judged.run, judged.file, judged.evaluations)
        if after.outcome is before.outcome and after.slos == before.slos:
            return
        judged.verdict = after
        judged.revision += 1
        self._changes.note(Kind.RUN, judged.run.run_id)
        waited = before.outcome is Outcome.WAITING and judged.run.run_id in self.waiting
        yield Corrected(
            run=judged.run,
            before=before,
            after=after,
            source=source,
            revision=judged.revision,
            time_ns=now_ns,
            counts=not waited,
        )
        if waited:
            self.waiting.settle(judged.run.run_id)
            yield Counted(
                run=judged.run,
                verdict=after,
                file=judged.file,
                root_outcome=after.outcome,
                overdue=True,
            )


def _resumed(run: Run, before: Verdict, outcome: Outcome, now_ns: int) -> Corrected:
    """A run that waited gets the outcome of the run that went on with it."""
    return Corrected(
        run=run,
        before=before,
        after=replace(before, outcome=outcome, reason="resumed"),
        source="resume",
        revision=1,
        time_ns=now_ns,
        counts=False,
    )


def _name(run: Run) -> str:
    return f"run {run.run_id}"
