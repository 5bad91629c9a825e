"""Each piece of changing state as bytes, and back: what the journal keeps beside requests.

In: the pipeline and which piece (`Kind` and key). Out: its bytes, None where it is gone; and the
pipeline with that piece put back. No state. Described in docs/journal.md.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from agentslo.model import Evaluation, Outcome, Run, Scope
from agentslo.runs.changes import Key, Kind
from agentslo.runs.conversations import Conversation
from agentslo.runs.evidence import About, Judged, Waiting
from agentslo.runs.rows import pack_run, unpack_run
from agentslo.runs.steps import StepError
from agentslo.service.judged_bytes import as_json, pack_judged, parted, parts, unpack_judged
from agentslo.service.pipeline import Pipeline

Encode = Callable[[Pipeline, Any], bytes | None]
Decode = Callable[[Pipeline, Any, bytes], None]


def encode(pipeline: Pipeline, kind: Kind, key: Key) -> bytes | None:
    """The bytes of a piece of state; None where it is gone."""
    return _ENCODE[kind](pipeline, key)


def decode(pipeline: Pipeline, kind: Kind, key: bytes, body: bytes) -> None:
    """Put a piece of state back. Raises `StepError`, or what a bug raises."""
    try:
        told: Any = key if kind in _RAW_KEYS else json.loads(key)
        _DECODE[kind](pipeline, tuple(told) if isinstance(told, list) else told, body)
    except (KeyError, TypeError, ValueError) as error:
        raise StepError(f"no {kind}: {error}") from error


def key_bytes(key: Key) -> bytes:
    """A key as it is stored."""
    return key if isinstance(key, bytes) else json.dumps(key, separators=(",", ":")).encode()


def everything(pipeline: Pipeline) -> Iterator[tuple[Kind, Key]]:
    """Every piece there is, in the order in which they must be put back."""
    verdicts = pipeline.verdicts
    for what, scope in pipeline.senders.habits:
        yield Kind.HABIT, (what, scope.name, scope.version)
    for trace_id in pipeline.assembler.closed.trace_ids():
        yield Kind.CLOSED, trace_id
    runs, said = verdicts.evidence.kept()
    for run_id in dict.fromkeys((*runs, *verdicts.waiting.run_ids())):
        yield Kind.RUN, run_id
    for key in said:
        yield Kind.SAID, key
    for run_id in verdicts.left_as:
        yield Kind.LEFT, run_id
    for conversation in verdicts.conversations.names():
        yield Kind.TURNS, conversation


def _closed(pipeline: Pipeline, trace_id: bytes) -> bytes | None:
    return pipeline.assembler.closed.encoded(trace_id)


def _restore_closed(pipeline: Pipeline, trace_id: bytes, body: bytes) -> None:
    pipeline.assembler.closed.restore(trace_id, body)


def _run(pipeline: Pipeline, run_id: str) -> bytes | None:
    verdicts = pipeline.verdicts
    judged, paused = verdicts.evidence.of(run_id), verdicts.waiting.of(run_id)
    found = judged or paused
    if found is None:
        return None
    run, file = verdicts.identified(found.run)
    packed = pack_judged(
        judged or Judged(run=run, verdict=found.verdict, file=file, closed_ns=0),
        settles_ns=verdicts.settling.until_ns(run_id),
        deadline_ns=paused.deadline_ns if paused else 0,
        remembered=judged is not None,
    )
    for step in found.run.steps:
        # The run is kept by itself now: its steps' records are needed no longer.
        step.record = b""
    return packed


def _restore_run(pipeline: Pipeline, run_id: str, body: bytes) -> None:
    verdicts = pipeline.verdicts
    judged, about = unpack_judged(verdicts, body)
    if about["remembered"]:
        verdicts.evidence.remember(judged)
    if about["settles_ns"]:
        verdicts.settling.wait(run_id, about["settles_ns"])
    if about["deadline_ns"]:
        verdicts.waiting.pause(judged.run, judged.verdict, about["deadline_ns"])


def _said(pipeline: Pipeline, key: str) -> bytes | None:
    waiting = pipeline.verdicts.evidence.waiting(key)
    if waiting is None:
        return None
    said = [
        [asdict(about) | {"span_id": about.span_id.hex()}, asdict(evaluation)]
        for about, evaluation in waiting.said
    ]
    return as_json({"since_ns": waiting.since_ns, "said": said})


def _restore_said(pipeline: Pipeline, key: str, body: bytes) -> None:
    told = json.loads(body)
    waiting = Waiting(told["since_ns"])
    for about, row in told["said"]:
        about["span_id"] = bytes.fromhex(about["span_id"])
        waiting.said.append((About(**about), Evaluation(**row)))
    pipeline.verdicts.evidence.restore(key, waiting)


def _left(pipeline: Pipeline, run_id: str) -> bytes | None:
    outcome = pipeline.verdicts.left_as.get(run_id)
    return None if outcome is None else outcome.value.encode()


def _restore_left(pipeline: Pipeline, run_id: str, body: bytes) -> None:
    pipeline.verdicts.left_as[run_id] = Outcome(body.decode())


def _turns(pipeline: Pipeline, key: tuple[str, str, str]) -> bytes | None:
    found = pipeline.verdicts.conversations.of(key)
    if found is None:
        return None
    times = as_json([found.first_ns, found.last_ns])
    return parts([times, *(pack_run(turn) for turn in found.turns)])


def _restore_turns(pipeline: Pipeline, key: tuple[str, str, str], body: bytes) -> None:
    times, *turns = parted(body)
    first_ns, last_ns = json.loads(times)
    runs: list[Run] = [unpack_run(turn) for turn in turns]
    pipeline.verdicts.conversations.restore(key, Conversation(first_ns, last_ns, runs))


def _habit(_: Pipeline, __: Key) -> bytes | None:
    return b""


def _restore_habit(pipeline: Pipeline, key: tuple[str, str, str], _: bytes) -> None:
    what, name, version = key
    pipeline.senders.learn(what, Scope(name=name, version=version))


_ENCODE: Mapping[Kind, Encode] = {
    Kind.CLOSED: _closed,
    Kind.RUN: _run,
    Kind.SAID: _said,
    Kind.LEFT: _left,
    Kind.TURNS: _turns,
    Kind.HABIT: _habit,
}
_DECODE: Mapping[Kind, Decode] = {
    Kind.CLOSED: _restore_closed,
    Kind.RUN: _restore_run,
    Kind.SAID: _restore_said,
    Kind.LEFT: _restore_left,
    Kind.TURNS: _restore_turns,
    Kind.HABIT: _restore_habit,
}
_RAW_KEYS = (Kind.CLOSED,)
