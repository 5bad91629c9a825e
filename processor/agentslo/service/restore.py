"""At start: the journal's entries put back into the pipeline and the metrics.

In: entries in any order. Out: what must still be sent, and how many entries were of no use. No
state. One bad entry costs itself and no other.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from agentslo.measure import keeping
from agentslo.measure.series import Metrics
from agentslo.otlp.cut import CutError, Request
from agentslo.runs.changes import Kind
from agentslo.runs.holds import Held
from agentslo.runs.open_trace import Arrival
from agentslo.runs.rows import Kept, edges, unpack_row
from agentslo.runs.steps import StepError
from agentslo.service import kept_state, outbox
from agentslo.service.dispatch import Outgoing
from agentslo.service.events import HeldSpan
from agentslo.service.faults import place
from agentslo.service.keeper import SERIES
from agentslo.service.open_rows import ROW
from agentslo.service.pipeline import Pipeline
from agentslo.store.journal import Entry

logger = logging.getLogger(__name__)

# What a run is judged by comes before runs, closed runs before the rows that hold their spans.
_STATE = (Kind.HABIT, Kind.CLOSED, Kind.RUN, Kind.SAID, Kind.LEFT, Kind.TURNS)


@dataclass(slots=True, kw_only=True)
class Restored:
    """What came back. `agents`: (agent, environment) of every agent that had been counted."""

    undelivered: list[Outgoing] = field(default_factory=list)
    agents: dict[tuple[str, str], None] = field(default_factory=dict)
    useless: int = 0


def restore(
    entries: Iterable[Entry], pipeline: Pipeline, metrics: Metrics, now_ns: int
) -> Restored:
    """Put everything back."""
    restored = Restored()
    by_kind: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_kind[entry.kind].append(entry)
    put: dict[str, Callable[[Entry], None]] = {
        **{kind.value: _state(pipeline, kind) for kind in _STATE},
        ROW: lambda entry: _row(pipeline, entry, now_ns),
        SERIES: lambda entry: _series(metrics, entry, now_ns, restored),
        outbox.OUTBOX: lambda entry: restored.undelivered.append(outbox.unpack(entry.body or b"")),
    }
    restored.useless = sum(len(by_kind[kind]) for kind in by_kind.keys() - put.keys())
    by_kind[ROW].sort(key=lambda entry: entry.key)
    for kind, put_back in put.items():
        for entry in by_kind[kind]:
            restored.useless += not _done(put_back, entry)
    pipeline.assembler.resume(now_ns)
    return restored


def _done(put_back: Callable[[Entry], None], entry: Entry) -> bool:
    try:
        put_back(entry)
    except Exception:  # noqa: BLE001 - whatever is wrong with one entry, the others are of use
        logger.warning("a journal entry of kind %r cannot be used: %s", entry.kind, place())
        return False
    return True


def _state(pipeline: Pipeline, kind: Kind) -> Callable[[Entry], None]:
    return lambda entry: kept_state.decode(pipeline, kind, entry.key, entry.body or b"")


def _series(metrics: Metrics, entry: Entry, now_ns: int, restored: Restored) -> None:
    name, labels = keeping.restore(metrics, entry.key, entry.body or b"", now_ns)
    if name == keeping.AGENTS:
        restored.agents[labels[0], labels[1]] = None


def _row(pipeline: Pipeline, entry: Entry, now_ns: int) -> None:
    row, assembler = unpack_row(entry.body or b""), pipeline.assembler
    holds: Mapping[tuple[bytes, bytes], Kept] = {(k.trace_id, k.span_id): k for k in row.holds}
    for step in row.steps:
        # A clock that was set back must not keep a run open for as long.
        step.arrival_ns = min(step.arrival_ns, now_ns)
        arrival = assembler.restore(step)
        kept = holds.get((step.trace_id, step.span_id))
        if kept is not None and arrival is not Arrival.LATE and arrival is not Arrival.OVER_BOUND:
            # Held from now on: let go at once, it would not carry what its run came to.
            assembler.hold(Held(step, _held_span(kept), now_ns, len(kept.span)))
    for trace_id, span_id, parent in edges(b"".join(row.edges)):
        assembler.edge(trace_id, span_id, parent, min(row.arrived_ns, now_ns))
    for trace_id, span_id in row.left:
        assembler.left(trace_id, span_id)
    assembler.freed()


def _held_span(kept: Kept) -> HeldSpan:
    try:
        (batch,) = Request(kept.span).batches
        (encoded,) = batch.items
    except (CutError, ValueError) as error:
        raise StepError("no held span") from error
    return HeldSpan(batch=batch, encoded=encoded)
