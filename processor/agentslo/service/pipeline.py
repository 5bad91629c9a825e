"""The way of a span, without any I/O: cut, read, assemble, classify, enrich.

In: export requests and the time they came. Out: what leaves at once, and `Happening`s as runs
close. State: open runs (assembler) and evidence, both bounded. Time is an argument. Replay and the
service run this same code. A span that cannot be read passes untouched and is counted in `tally`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from agentslo.config.directory import Directory
from agentslo.config.options import RunsOptions
from agentslo.dialects import values
from agentslo.dialects.base import Attributes
from agentslo.dialects.ids import read_ids
from agentslo.dialects.read import Reader, without_declared
from agentslo.dialects.shapes import Known, ScopeShapes, Shapes
from agentslo.measure.labels import clean
from agentslo.model import AGENT_LIKE, Resource, Role, Run, Scope, Step
from agentslo.otlp.cut import Batch, Request
from agentslo.otlp.splice import encode, step_attributes
from agentslo.outcomes.cost import Price, no_price
from agentslo.outcomes.view import Habits
from agentslo.runs.assemble import Assembler
from agentslo.runs.build import UNSET, build
from agentslo.runs.changes import Changes
from agentslo.runs.evidence import About
from agentslo.runs.forest import Edge
from agentslo.runs.holds import Held
from agentslo.runs.open_trace import Arrival, Closed
from agentslo.runs.prompts import Prompts
from agentslo.runs.rows import Place, Row, edge
from agentslo.service.enrich import SCOPE, run_attributes, step_result
from agentslo.service.events import Happening, HeldSpan, Released
from agentslo.service.faults import Faults
from agentslo.service.heard import Heard
from agentslo.service.held import kept_span, span_of
from agentslo.service.senders import Senders
from agentslo.service.verdicts import Verdicts
from agentslo.watch.remote import Remote
from agentslo.watch.watch import Watch

GENERIC = "generic"
"""Counted as the dialect of steps that no dialect gave a role."""
_ASKED = AGENT_LIKE | {Role.LLM}
_TAKEN = (Arrival.NEW, Arrival.DUPLICATE)


@dataclass(slots=True)
class Fed:
    """What became of a request: what leaves at once (`request`), which of its spans are agent
    spans (`agent`, per batch), how many spans came and stay behind, what a journal keeps of it
    (`row`, where one does), and what happened.
    """

    request: Request
    spans: int = 0
    kept: int = 0
    agent: list[list[bytes]] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    newest_ns: int = 0
    row: Row | None = None
    happenings: list[Happening] = field(default_factory=list)


class Pipeline:
    """Reads spans into runs and runs into verdicts. Owned by one thread."""

    def __init__(
        self,
        runs: RunsOptions,
        directory: Directory,
        reader: Reader,
        price: Price = no_price,
        untrusted: frozenset[str] = frozenset(),
        watch: Watch | Remote | None = None,
    ) -> None:
        """`untrusted`: listeners whose spans' `agent_slo.declared.*` attributes are not read."""
        self._options, self._reader, self._untrusted = runs, reader, untrusted
        self._shapes = Shapes(reader)
        self.tally: Counter[str] = Counter()
        self._faults = Faults(self.tally)
        self.changes = Changes()
        self.left: list[Place] = []
        """Spans that were held and left without a request, while somebody watches `changes`."""
        self.assembler = Assembler(runs, self._splits, self._trace_fault, self.changes)
        self.senders = Senders(self.changes)
        habits = Habits(
            tools=lambda scope: (
                self.senders.shows("tools", scope) or self._reader.shows_tools(scope)
            ),
            answers=lambda scope: (
                self.senders.shows("answers", scope) or self._reader.shows_answers(scope)
            ),
        )
        self.verdicts = Verdicts(runs, directory, habits, self._faults, price, self.changes, watch)
        self.heard = Heard(self.verdicts, self.tally)
        self.agent_spans: Counter[str] = Counter()
        self._prompts = Prompts()

    def replace(self, directory: Directory, reader: Reader, price: Price) -> None:
        """Put other agent files in force; open runs are judged by them when they close."""
        self.verdicts.directory, self._reader = directory, reader
        self.verdicts.price, self._shapes = price, Shapes(reader)

    @property
    def plugin_failures(self) -> Mapping[str, int]:
        """Per dialect plug-in, the spans on which it raised."""
        return self._reader.plugin_failures

    def _splits(self, steps: Sequence[Step]) -> bool:
        """True where the agents below a workflow are runs of their own (`scope: agent`)."""
        if self._options.scope == "agent":
            return True
        find = self.verdicts.directory.find
        agents = (s for s in steps if s.role is Role.AGENT and s.agent)
        return any(
            find(s.agent, s.resource.service, s.resource.environment or UNSET).scope == "agent"
            for s in agents
        )

    # ---- spans in

    def traces(self, body: bytes, now_ns: int, source: str = "") -> Fed:
        """Take one trace export request. Raises `CutError` where it is none."""
        fed = Fed(Request(body))
        if self.changes.watched:
            fed.row = Row(arrived_ns=now_ns)
        for batch in fed.request.batches:
            self._batch(batch, fed, now_ns, source)
        self.assembler.plain(fed.plain, now_ns)
        fed.happenings.extend(self._freed())
        if fed.row is not None:
            self._complete(fed.row, fed)
        self.assembler.adopted.clear()
        return fed

    def _complete(self, row: Row, fed: Fed) -> None:
        """Add to a request's row the spans of it that are still held, and what its traces knew."""
        for encoded in fed.plain:
            ids = read_ids(encoded)
            if ids is not None:
                parent = Edge(ids.parent_id, ids.parent_remote)
                row.edges.append(edge(ids.trace_id, ids.span_id, parent))
        for trace in self.assembler.adopted:
            row.edges += (edge(trace.trace_id, i, parent) for i, parent in trace.edges.items())
        for one in fed.held:
            found = self.assembler.trace(one.step.trace_id)
            kept = found.holds.spans.get(one.step.span_id) if found else None
            if kept is not None and kept.step is one.step:
                row.holds.append(kept_span(kept))

    def _batch(self, batch: Batch, fed: Fed, now_ns: int, source: str) -> None:
        fed.spans += len(batch.items)
        agent: list[bytes] = []
        fed.agent.append(agent)
        try:
            resource, scope = self.senders.resource(batch.resource), self.senders.scope(batch.scope)
        except DecodeError:
            self.tally["unreadable_scope"] += len(batch.items)
            return
        if scope.name == SCOPE:
            return
        marker_in, wide = self._reader.marker_in, self._reader.reads_scope(scope.name)
        marker = b"" if wide else marker_in(b"".join(batch.items))
        if marker is None:
            fed.plain += batch.items
            return
        shapes = self._shapes.of(resource, scope)
        leaving: list[bytes] = []
        for encoded in batch.items:
            # Spans of one scope hold the same marker, mostly.
            if marker not in encoded and marker_in(encoded) is None:
                leaving.append(encoded)
                fed.plain.append(encoded)
                continue
            known = shapes.known(encoded, now_ns) or self._known(
                encoded, resource, scope, shapes, now_ns, source, fed
            )
            step = known.step if known else None
            if known is None or step is None:
                leaving.append(encoded)
                fed.plain.append(encoded)
                continue
            step.source = source
            fed.newest_ns = max(fed.newest_ns, step.end_ns)
            out = self._take(step, known.sent, HeldSpan(batch=batch, encoded=encoded), now_ns, fed)
            if out is None:
                fed.kept += 1
            else:
                leaving.append(out)
                agent.append(out)
        batch.items = leaving

    def _known(
        self,
        encoded: bytes,
        resource: Resource,
        scope: Scope,
        shapes: ScopeShapes,
        now_ns: int,
        source: str,
        fed: Fed,
    ) -> Known | None:
        """A span read in full; None where it cannot be read (counted)."""
        try:
            view = values.span(encoded, resource, scope)
            if not _valid(view.trace_id, 16) or not _valid(view.span_id, 8):
                self.tally["invalid_ids"] += 1
                return None
            if source in self._untrusted:
                view = without_declared(view)
            step = self._shapes.read(view, encoded, shapes, now_ns)
            fed.happenings.extend(self.heard.linked(view, step, now_ns))
        except DecodeError:
            self.tally["unreadable_span"] += 1
            return None
        except Exception:  # noqa: BLE001 - a bug in a dialect must not stop forwarding
            self._faults.note("read", f"a span of scope {clean(scope.name)}")
            return None
        return Known(step, view.attributes)

    def _take(
        self, step: Step, sent: Attributes, span: HeldSpan, now_ns: int, fed: Fed
    ) -> bytes | None:
        """Assemble one step; gives the bytes that leave now, None where the span is held."""
        arrival = self.assembler.add(step, now_ns)
        self.tally[f"step_{arrival.value}"] += 1
        self.agent_spans[step.dialect or GENERIC] += 1
        if step.role is Role.TOOL:
            self.senders.learn("tools", step.scope)
        elif step.answered and step.role is Role.LLM:
            self.senders.learn("answers", step.scope)
        if arrival in _TAKEN:
            if self._reader.hashes_requests and step.role in _ASKED:
                self.assembler.open[step.trace_id].hash_request(step, sent)
            if fed.row is not None:
                fed.row.steps.append(step)
        if step.enriched:
            self.tally["already_enriched"] += 1
            return span.encoded
        if arrival is Arrival.LATE:
            return self._late(step, span.encoded, now_ns, fed)
        if arrival is Arrival.OVER_BOUND:
            return span.encoded
        if self._options.hold_roots and self.assembler.wants_held(step):
            held = Held(step, span, now_ns, len(span.encoded))
            if self.assembler.hold(held) is not None:
                self.tally["held_duplicate"] += 1
            fed.held.append(held)
            return None
        return span.encoded + step_attributes(step.role.value, step_result(step))

    def _late(self, step: Step, encoded: bytes, now_ns: int, fed: Fed) -> bytes:
        """A span of a closed run: a copy of its root gets the verdict, others their mark. What it
        says of the run above it is late evidence.
        """
        judged = self.verdicts.evidence.of(f"{step.trace_id.hex()}:{step.span_id.hex()}")
        if judged is not None:
            return encoded + encode(run_attributes(judged.run, judged.verdict))
        about = About(trace_id=step.trace_id.hex(), span_id=step.parent_id)
        for said in step.evaluations:
            fed.happenings.extend(self.heard.judgement(about, said, now_ns))
        return encoded + step_attributes(step.role.value, step_result(step))

    def _freed(self) -> list[Happening]:
        return [self._as_step(held) for held in self.assembler.freed()]

    # ---- runs out

    def due(self, now_ns: int) -> list[Happening]:
        """Everything that is over, or held too long, at `now_ns`."""
        out: list[Happening] = []
        for held, closed in self.assembler.expired_holds(now_ns):
            self._note_left(held)
            early = self._early(held, closed, now_ns) if closed else iter((self._as_step(held),))
            out.extend(self._safely(early, held.step.trace_id, held))
        for closed in self.assembler.due(now_ns):
            out.extend(self._settled(closed, now_ns))
        out.extend(self.verdicts.due(now_ns))
        freed = self.assembler.freed()
        for held in freed:
            self._note_left(held)
        out.extend(self._as_step(held) for held in freed)
        return out

    def _note_left(self, held: Held) -> None:
        if self.changes.watched:
            self.left.append((held.step.trace_id, held.step.span_id))

    def finish(self, now_ns: int) -> list[Happening]:
        """Close all runs: the input is over."""
        out = [h for c in self.assembler.finish(now_ns) for h in self._settled(c, now_ns)]
        out.extend(self.verdicts.finish(now_ns))
        out.extend(self._freed())
        return out

    def stop(self, now_ns: int) -> list[Happening]:
        """A stop signal: runs whose root has ended are over, all other held spans leave."""
        out = [h for c in self.assembler.stop(now_ns) for h in self._settled(c, now_ns)]
        for held, _ in self.assembler.expired_holds(now_ns, everything=True):
            out.append(self._as_step(held))
        out.extend(self.verdicts.finish(now_ns))
        out.extend(self._freed())
        return out

    def _safely(
        self, happenings: Iterable[Happening], trace_id: bytes, *held: Held
    ) -> list[Happening]:
        """What happens; where a bug of ours prevents it, what was held leaves as ordinary steps."""
        try:
            return list(happenings)
        except Exception:  # noqa: BLE001 - a bug in a rule must not keep a span back
            self._trace_fault(trace_id)
            return [self._as_step(h) for h in held]

    def _trace_fault(self, trace_id: bytes) -> None:
        self._faults.note("close", f"trace {trace_id.hex()}")

    def _built(self, closed: Closed) -> Run:
        return self._prompts.settled(build(closed.tree, closed.forest.parents, closed.finalized_by))

    def _early(self, held: Held, closed: Closed, now_ns: int) -> Iterator[Happening]:
        return self.verdicts.early(self._built(closed), span_of(held), now_ns)

    def _as_step(self, held: Held) -> Released:
        step = held.step
        return Released(
            span=span_of(held), added=step_attributes(step.role.value, step_result(step))
        )

    def _settled(self, closed: Closed, now_ns: int) -> list[Happening]:
        held = [closed.held] if closed.held else []
        trace_id = closed.tree.members[0].trace_id
        return self._safely(self._closed(closed, now_ns), trace_id, *held)

    def _closed(self, closed: Closed, now_ns: int) -> Iterator[Happening]:
        run = self._built(closed)
        held = span_of(closed.held) if closed.held else None
        return self.verdicts.closed(run, held, now_ns)


def _valid(ident: bytes, length: int) -> bool:
    return len(ident) == length and any(ident)
