"""At start: the journal's entries put back into the pipeline and the metrics.

In: what the journal holds, read one entry at a time. Out: what must still be sent, and how many
entries were of no use. No state. One bad entry costs itself and no other.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agentslo.measure import keeping
from agentslo.measure.series import Metrics
from agentslo.otlp.cut import CutError, Request, origin
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
from agentslo.store.store import Found

logger = logging.getLogger(__name__)

BACKLOG_BYTES = 16 * 1024 * 1024
"""Of what must still be sent, as much is read into memory."""
# What a run is judged by comes before runs, closed runs before the rows that hold their spans.
_STATE = (Kind.HABIT, Kind.CLOSED, Kind.RUN, Kind.SAID, Kind.LEFT, Kind.TURNS)


@dataclass(slots=True, kw_only=True)
class Restored:
    """What came back. `agents`: (agent, environment) of every agent that had been counted;
    `undelivered`: the oldest of what must be sent, from so many entries (`undelivered_read`);
    there may be more.
    """

    undelivered: list[Outgoing] = field(default_factory=list)
    undelivered_bytes: int = 0
    undelivered_read: int = 0
    agents: dict[tuple[str, str], None] = field(default_factory=dict)
    useless: int = 0


def restore(found: Found, pipeline: Pipeline, metrics: Metrics, now_ns: int) -> Restored:
    """Put everything back."""
    restored = Restored()
    put: dict[str, Callable[[Entry], None]] = {
        **{kind.value: _state(pipeline, kind) for kind in _STATE},
        ROW: lambda entry: _row(pipeline, entry, now_ns),
        SERIES: lambda entry: _series(metrics, entry, now_ns, restored),
        outbox.OUTBOX: lambda entry: _outgoing(entry, restored),
    }
    restored.useless = sum(found.kinds[kind] for kind in found.kinds.keys() - put.keys())
    for kind, put_back in put.items():
        for entry in found.entries(kind) if found.kinds[kind] else ():
            restored.useless += not _done(put_back, entry)
    pipeline.assembler.resume(now_ns)
    return restored


def _outgoing(entry: Entry, restored: Restored) -> None:
    if restored.undelivered_bytes >= BACKLOG_BYTES:
        return
    restored.undelivered_read += 1
    one = outbox.unpack(entry.body or b"")
    restored.undelivered.append(one)
    restored.undelivered_bytes += len(one.payload)


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
    return HeldSpan(origin=origin(batch), encoded=encoded)
