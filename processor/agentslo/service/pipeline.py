"""The way of a span, without any I/O: cut, read, assemble, classify, enrich.

In: export requests and the time they came. Out: what leaves at once, and `Happening`s as runs
close. State: open runs (assembler) and evidence, both bounded. Time is an argument. Replay and the
service run this same code. A span that cannot be read passes untouched and is counted in `tally`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from google.protobuf.message import DecodeError

from agentslo.config.options import RunsOptions, Slo
from agentslo.dialects import logs as log_records
from agentslo.dialects import values
from agentslo.dialects.read import Reader
from agentslo.model import AGENT_LIKE, Outcome, Resource, Role, Run, Scope, Step, Verdict
from agentslo.otlp.cut import Batch, Request
from agentslo.otlp.ids import Ids, read_ids
from agentslo.otlp.splice import encode, step_attributes
from agentslo.outcomes.classify import classify, unsettled
from agentslo.outcomes.view import Habits
from agentslo.runs.assemble import Arrival, Assembler, Closed, Held
from agentslo.runs.build import build
from agentslo.runs.conversations import Conversations
from agentslo.runs.conversations import run_id as conversation_run_id
from agentslo.runs.evidence import EvidenceStore, Judged
from agentslo.runs.forest import Edge
from agentslo.runs.waiting import Paused, WaitingRuns
from agentslo.service.enrich import SCOPE, run_attributes, step_result
from agentslo.service.events import Corrected, Counted, Happening, HeldSpan, Released

MAX_INTERNED = 10_000


@dataclass(slots=True)
class Fed:
    """What became of a request: what leaves at once (`request`), which of its spans are agent
    spans (`agent`, per batch), how many spans came and stay behind, and what happened."""

    request: Request
    spans: int = 0
    kept: int = 0
    agent: list[list[bytes]] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)
    newest_ns: int = 0
    happenings: list[Happening] = field(default_factory=list)


class Pipeline:
    """Reads spans into runs and runs into verdicts. Owned by one thread."""

    def __init__(
        self, runs: RunsOptions, slos: Sequence[Slo], reader: Reader | None = None
    ) -> None:
        self._options = runs
        self.slos = tuple(slos)
        self._reader = reader or Reader()
        self.assembler = Assembler(runs)
        self.evidence = EvidenceStore()
        self.waiting = WaitingRuns()
        self.conversations = Conversations(runs)
        self.tally: Counter[str] = Counter()
        self._resources: dict[bytes, Resource] = {}
        self._scopes: dict[bytes, Scope] = {}
        self._tool_scopes: set[Scope] = set()
        self._answer_scopes: set[Scope] = set()
        self._habits = Habits(tools=self._shows_tools, answers=self._shows_answers)
        self._left_as: dict[str, Outcome] = {}

    # ---- spans in

    def traces(self, body: bytes, now_ns: int, source: str = "") -> Fed:
        """Take one trace export request. Raises `CutError` where it is none."""
        fed = Fed(Request(body))
        for batch in fed.request.batches:
            self._batch(batch, fed, now_ns, source)
        for encoded in fed.plain:
            self._edge(encoded, now_ns)
        return fed

    def _batch(self, batch: Batch, fed: Fed, now_ns: int, source: str) -> None:
        fed.spans += len(batch.items)
        agent: list[bytes] = []
        fed.agent.append(agent)
        try:
            resource, scope = self._resource(batch.resource), self._scope(batch.scope)
        except DecodeError:
            self.tally["unreadable_scope"] += len(batch.items)
            return
        if scope.name == SCOPE:
            return
        wide, markers = self._reader.reads_scope(scope.name), self._reader.markers
        leaving: list[bytes] = []
        for encoded in batch.items:
            if not wide and not any(m in encoded for m in markers):
                leaving.append(encoded)
                fed.plain.append(encoded)
                continue
            step = self._step(encoded, resource, scope, now_ns, source)
            if step is None:
                leaving.append(encoded)
                fed.plain.append(encoded)
                continue
            fed.newest_ns = max(fed.newest_ns, step.end_ns)
            out = self._take(step, HeldSpan(batch=batch, encoded=encoded), fed, now_ns)
            if out is None:
                fed.kept += 1
            else:
                leaving.append(out)
                agent.append(out)
        batch.items = leaving

    def _step(
        self, encoded: bytes, resource: Resource, scope: Scope, now_ns: int, source: str
    ) -> Step | None:
        """The agent step in a span; None where there is none, or it cannot be read (counted)."""
        try:
            view = values.span(encoded, resource, scope)
            if not _valid(view.trace_id, 16) or not _valid(view.span_id, 8):
                self.tally["invalid_ids"] += 1
                return None
            step = self._reader.step(view, now_ns)
        except DecodeError:
            self.tally["unreadable_span"] += 1
            return None
        except Exception:  # noqa: BLE001 - a bug in a dialect must not stop forwarding
            self.tally["read_error"] += 1
            return None
        if step is not None:
            step.source = source
        return step

    def _take(self, step: Step, span: HeldSpan, fed: Fed, now_ns: int) -> bytes | None:
        """Assemble one step; gives the bytes that leave now, None where the span is held."""
        arrival = self.assembler.add(step, now_ns)
        self.tally[f"step_{arrival.value}"] += 1
        if step.role is Role.TOOL and len(self._tool_scopes) < MAX_INTERNED:
            self._tool_scopes.add(step.scope)
        elif step.answered and step.role is Role.LLM and len(self._answer_scopes) < MAX_INTERNED:
            self._answer_scopes.add(step.scope)
        if step.enriched:
            self.tally["already_enriched"] += 1
            return span.encoded
        if arrival is Arrival.LATE:
            return self._late(step, span.encoded)
        if arrival is Arrival.OVER_BOUND:
            return span.encoded
        if self._options.hold_roots and self.assembler.wants_held(step):
            if self.assembler.hold(step, span, now_ns) is not None:
                self.tally["held_duplicate"] += 1
            self._release_nested(step.trace_id, fed)
            return None
        if step.role in AGENT_LIKE:
            self._release_nested(step.trace_id, fed)
        return span.encoded + step_attributes(step.role.value, step_result(step))

    def _late(self, step: Step, encoded: bytes) -> bytes:
        """A span of a run that is closed: a copy of its root gets the verdict, others their mark."""
        judged = self.evidence.of(f"{step.trace_id.hex()}:{step.span_id.hex()}")
        if judged is not None:
            return encoded + encode(run_attributes(judged.run, judged.verdict))
        return encoded + step_attributes(step.role.value, step_result(step))

    def _release_nested(self, trace_id: bytes, fed: Fed) -> None:
        fed.happenings.extend(self._as_step(h) for h in self.assembler.nested_holds(trace_id))

    def _edge(self, encoded: bytes, now_ns: int) -> None:
        ids: Ids | None = read_ids(encoded)
        if ids is not None and self.assembler.is_open(ids.trace_id):
            edge = Edge(ids.parent_id, ids.parent_remote)
            self.assembler.edge(ids.trace_id, ids.span_id, edge, now_ns)

    # ---- runs out

    def due(self, now_ns: int) -> list[Happening]:
        """Everything that is over, or held too long, at `now_ns`."""
        out: list[Happening] = []
        for held, closed in self.assembler.expired_holds(now_ns):
            out.append(self._early(held, closed) if closed else self._as_step(held))
        for closed in self.assembler.due(now_ns):
            out.extend(self._closed(closed, now_ns))
        for run in self.conversations.due(now_ns):
            out.extend(self._over(run, None, now_ns))
        out.extend(self._overdue(p) for p in self.waiting.overdue(now_ns))
        return out

    def finish(self, now_ns: int) -> list[Happening]:
        """Close all runs: the input is over."""
        out = [h for c in self.assembler.finish(now_ns) for h in self._closed(c, now_ns)]
        for run in self.conversations.finish():
            out.extend(self._over(run, None, now_ns))
        return out

    def stop(self, now_ns: int) -> list[Happening]:
        """A stop signal: runs whose root has ended are over, all other held spans leave."""
        out = [h for c in self.assembler.stop(now_ns) for h in self._closed(c, now_ns)]
        for held, _ in self.assembler.expired_holds(now_ns, everything=True):
            out.append(self._as_step(held))
        return out

    def _early(self, held: Held, closed: Closed) -> Released:
        """A root leaves before its run is over, with the outcome known so far."""
        run = build(closed.tree, closed.forest.parents, closed.finalized_by)
        verdict = classify(run, self.slos, self.evidence.peek(run), self._habits)
        self._left_as[run.run_id] = verdict.outcome
        return Released(span=_span(held), added=encode(run_attributes(run, verdict)))

    def _as_step(self, held: Held) -> Released:
        step = held.step
        return Released(span=_span(held), added=step_attributes(step.role.value, step_result(step)))

    def _closed(self, closed: Closed, now_ns: int) -> Iterator[Happening]:
        run = build(closed.tree, closed.forest.parents, closed.finalized_by)
        yield from (self._as_step(h) for h in closed.nested)
        if self._options.scope == "conversation" and run.conversation_id:
            yield from self._turn(run, closed.held, now_ns)
        else:
            yield from self._over(run, closed.held, now_ns)

    def _turn(self, run: Run, held: Held | None, now_ns: int) -> Iterator[Happening]:
        """A turn of a conversation: its root leaves with the outcome so far, the run goes on."""
        if held is not None:
            verdict = classify(run, self.slos, self.evidence.peek(run), self._habits)
            named = replace(run, run_id=conversation_run_id(run.agent, run.conversation_id))
            yield Released(span=_span(held), added=encode(run_attributes(named, verdict)))
        for joined in self.conversations.add(run, now_ns):
            yield from self._over(joined, None, now_ns)

    def _over(self, run: Run, held: Held | None, now_ns: int) -> Iterator[Happening]:
        """A run is over: judge it, let its root go, count it."""
        said = self.evidence.take(run)
        verdict = classify(run, self.slos, said, self._habits)
        self.evidence.remember(Judged(run=run, verdict=verdict, closed_ns=now_ns, evaluations=said))
        left_as = self._left_as.pop(run.run_id, None)
        if held is not None:
            yield Released(span=_span(held), added=encode(run_attributes(run, verdict)))
            left_as = verdict.outcome
        yield from self._resumed(run, verdict, now_ns)
        waits = verdict.outcome is Outcome.WAITING
        yield Counted(run=run, verdict=verdict, root_outcome=left_as, waits=waits)
        if waits:
            yield from map(self._overdue, self.waiting.pause(run, verdict, now_ns))

    def _resumed(self, run: Run, verdict: Verdict, now_ns: int) -> Iterator[Corrected]:
        """The runs this one goes on with get its outcome, in no counter: it alone is counted."""
        if verdict.outcome is Outcome.WAITING:
            return
        for paused in self.waiting.resumed_by(run):
            yield Corrected(
                run=paused.run,
                before=paused.verdict,
                after=replace(paused.verdict, outcome=verdict.outcome, reason="resumed"),
                source="resume",
                revision=1,
                time_ns=now_ns,
                counts=False,
            )

    def _overdue(self, paused: Paused) -> Counted:
        verdict = unsettled(paused.verdict, paused.run, self.slos)
        return Counted(run=paused.run, verdict=verdict, root_outcome=Outcome.WAITING, overdue=True)

    # ---- evidence in

    def logs(self, body: bytes, now_ns: int) -> list[Happening]:
        """Take one logs export request: evaluations are used, all else is left alone."""
        out: list[Happening] = []
        for batch in Request(body).batches:
            for encoded in batch.items:
                try:
                    found = log_records.read(encoded)
                except DecodeError:
                    self.tally["unreadable_log"] += 1
                    continue
                if found is not None:
                    out.extend(self._evaluated(found, now_ns))
        return out

    def _evaluated(self, found: log_records.LoggedEvaluation, now_ns: int) -> Iterator[Happening]:
        self.tally["evaluations"] += 1
        judged = self.evidence.offer(found.trace_id.hex(), found.span_id, found.evaluation, now_ns)
        if judged is None:
            return
        before = judged.verdict
        after = classify(judged.run, self.slos, judged.evaluations, self._habits)
        if after.outcome is before.outcome and after.slos == before.slos:
            return
        judged.verdict = after
        judged.revision += 1
        waited = before.outcome is Outcome.WAITING
        yield Corrected(
            run=judged.run,
            before=before,
            after=after,
            source="evaluator",
            revision=judged.revision,
            time_ns=now_ns,
            counts=not waited,
        )
        if waited:
            self.waiting.settle(judged.run.run_id)
            yield Counted(run=judged.run, verdict=after, root_outcome=after.outcome, overdue=True)

    # ---- interned senders

    def _shows_tools(self, scope: Scope) -> bool:
        return scope in self._tool_scopes or self._reader.shows_tools(scope)

    def _shows_answers(self, scope: Scope) -> bool:
        return scope in self._answer_scopes or self._reader.shows_answers(scope)

    def _resource(self, encoded: bytes) -> Resource:
        found = self._resources.get(encoded)
        if found is None:
            if len(self._resources) >= MAX_INTERNED:
                self._resources.clear()
            found = self._resources[encoded] = values.resource(encoded)
        return found

    def _scope(self, encoded: bytes) -> Scope:
        found = self._scopes.get(encoded)
        if found is None:
            if len(self._scopes) >= MAX_INTERNED:
                self._scopes.clear()
            found = self._scopes[encoded] = values.scope(encoded)
        return found


def _valid(ident: bytes, length: int) -> bool:
    return len(ident) == length and any(ident)


def _span(held: Held) -> HeldSpan:
    if not isinstance(held.payload, HeldSpan):
        raise TypeError(held.payload)
    return held.payload
