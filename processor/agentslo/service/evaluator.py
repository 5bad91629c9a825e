"""What an evaluator does with what processors tell it.

In: records (`records_out`). Out: `Happening`s. State: none of its own; runs are remembered by
`Verdicts`, as bounded and as long as in one process. Idempotent: a record that comes again changes
nothing.

A run may reach several processors in pieces, when their number changes. Pieces are put together by
their trace: one of them is counted, the others' counts are taken back by a correction to
`excluded`, and the run is judged again by all its spans.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from agentslo.model import Evaluation, Run, Scope
from agentslo.runs.evidence import About, Judged
from agentslo.runs.marks import marked
from agentslo.runs.rows import unpack_run
from agentslo.runs.steps import StepError
from agentslo.service.events import Happening, Uncounted, uncounting
from agentslo.service.faults import Faults
from agentslo.service.judged_bytes import parted, unpack_judged
from agentslo.service.pipeline import Pipeline
from agentslo.service.records_out import Kind

SPLIT = "split"


class Evaluator:
    """Takes records. `tally` counts them by what became of them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._verdicts = pipeline, pipeline.verdicts
        self._faults = Faults(pipeline.tally)
        self.tally: Counter[str] = Counter()

    def take(self, kind: int, body: bytes, now_ns: int) -> list[Happening]:
        """Take one record. One that cannot be read is counted, and lost alone."""
        try:
            return list(self._take(kind, body, now_ns))
        except (StepError, KeyError, TypeError, ValueError):
            self.tally["unreadable"] += 1
        except Exception:  # noqa: BLE001 - a bug in a rule must not keep other records out
            self._faults.note("close", "a record")
            self.tally["unreadable"] += 1
        return []

    def _take(self, kind: int, body: bytes, now_ns: int) -> Iterator[Happening]:
        if kind == Kind.RUN:
            yield from self._run(body, now_ns)
        elif kind == Kind.TURN:
            yield from self._turn(body, now_ns)
        elif kind == Kind.SAID:
            about, row = json.loads(body)
            about["span_id"] = bytes.fromhex(about["span_id"])
            self.tally["taken"] += 1
            yield from self._pipeline.heard.judgement(About(**about), Evaluation(**row), now_ns)
        else:
            self.tally["unreadable"] += 1

    def _turn(self, body: bytes, now_ns: int) -> Iterator[Happening]:
        head, packed = parted(body)
        self._learn(json.loads(head)["habits"])
        turn, _ = self._verdicts.identified(unpack_run(packed))
        key = turn.agent, turn.environment, turn.conversation_id
        found = self._verdicts.conversations.of(key)
        known = list(found.turns) if found else []
        known += [one.run for one in self._verdicts.evidence.of_trace(turn.trace_id)]
        ids = {step.span_id for run in known for step in run.steps}
        if any(step.span_id in ids for step in turn.steps):
            self.tally["repeated"] += 1
            return
        self.tally["taken"] += 1
        yield from self._verdicts.turn(turn, now_ns)

    def _learn(self, habits: list[Any]) -> None:
        for what, name, version in habits:
            self._pipeline.senders.learn(what, Scope(name=name, version=version))

    def _run(self, body: bytes, now_ns: int) -> Iterator[Happening]:
        judged, told = unpack_judged(self._verdicts, body)
        self._learn(told["habits"])
        known = self._verdicts.evidence.of(judged.run.run_id)
        others = self._verdicts.evidence.of_trace(judged.run.trace_id)
        mark = _mark(judged)
        if any(mark in (_mark(one), *one.parts) for one in others):
            self.tally["repeated"] += 1
            return
        judged.closed_ns = now_ns
        whole = known or _whole_of(judged, others)
        if whole is not None:
            self.tally["split"] += 1
            yield from self._join(whole, judged, now_ns, counted=told["counted"])
            return
        self.tally["taken"] += 1
        yield from self._accept(judged, now_ns, counted=told["counted"])
        for piece in _pieces_of(judged, others):
            self.tally["split"] += 1
            yield from self._take_back(piece, now_ns)
            yield from self._join(judged, piece, now_ns, counted=False)

    def _accept(self, judged: Judged, now_ns: int, *, counted: bool) -> Iterator[Happening]:
        """A run that is new here, and what was said of it before it came."""
        evidence = self._verdicts.evidence
        said = evidence.take(judged.run)
        yield from self._verdicts.received(judged, now_ns, counted=counted)
        for evaluation in said:
            about = About(run_id=judged.run.run_id)
            yield from self._verdicts.evaluated(about, evaluation, now_ns)

    def _join(
        self, whole: Judged, piece: Judged, now_ns: int, *, counted: bool
    ) -> Iterator[Happening]:
        """A piece of a run that is known: not counted twice; it is judged with all its spans."""
        if counted and piece.run.run_id == whole.run.run_id:
            yield Uncounted(run=piece.run, verdict=piece.verdict)
        elif counted:
            yield uncounting(piece.run, piece.verdict, now_ns)
        whole.parts = [*whole.parts, _mark(piece), *piece.parts]
        whole.run = joined(whole.run, piece.run)
        known = {e.id for e in whole.evaluations}
        whole.evaluations += [e for e in piece.evaluations if e.id not in known]
        # Remembered anew: it is found under the ids of the piece, too.
        self._verdicts.evidence.remember(whole)
        yield from self._verdicts.judge_again(whole, SPLIT, now_ns)

    def _take_back(self, piece: Judged, now_ns: int) -> Iterator[Happening]:
        """A piece that was counted as a run of its own."""
        waited = piece.run.run_id in self._verdicts.waiting
        taken = uncounting(piece.run, piece.verdict, now_ns, piece.revision + 1)
        yield replace(taken, counts=not waited)
        self._verdicts.waiting.settle(piece.run.run_id)
        self._verdicts.evidence.forget(piece.run.run_id)


def _mark(judged: Judged) -> str:
    return f"{judged.replica}/{judged.run.run_id}"


def _whole_of(judged: Judged, others: list[Judged]) -> Judged | None:
    """The run that a piece belongs to: another processor's of the same trace, rather one whose
    root came.
    """
    if not judged.run.piece and not _hangs_in(judged.run, others):
        return None
    found = [one for one in others if one.replica != judged.replica]
    return min(found, key=lambda one: one.run.piece, default=None)


def _pieces_of(judged: Judged, others: list[Judged]) -> list[Judged]:
    """The runs that turn out to be pieces of this one."""
    return [
        one
        for one in others
        if one.replica != judged.replica
        and not judged.run.piece
        and (one.run.piece or _hangs_in(one.run, [judged]))
    ]


def _hangs_in(run: Run, others: list[Judged]) -> bool:
    """Whether the root's parent is a span of another of these runs."""
    above = run.root.parent_id if run.root else b""
    return bool(above) and any(step.span_id == above for one in others for step in one.run.steps)


def joined(run: Run, piece: Run) -> Run:
    """The run with the steps of a piece of it; the piece's topmost hang below the run's root."""
    known = {step.span_id for step in run.steps}
    new = [step for step in piece.steps if step.span_id not in known]
    steps = sorted((*run.steps, *new), key=lambda s: (s.start_ns, s.end_ns, s.span_id))
    ids = {step.span_id for step in steps}
    top = run.root.span_id if run.root else b""
    above = {
        step.span_id: piece.parents.get(step.span_id, b"")
        or (step.parent_id if step.parent_id in ids else top)
        for step in new
    }
    parents = {**run.parents, **above}
    marks = marked(steps, parents, run.root)
    return replace(run, steps=tuple(steps), parents=parents, marks=marks)
