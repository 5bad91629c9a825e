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
from agentslo.dialects.base import Attributes, SpanView
from agentslo.dialects.ids import read_ids
from agentslo.dialects.read import Reader
from agentslo.model import AGENT_LIKE, Role, Run, Step
from agentslo.otlp.cut import Batch, Request
from agentslo.otlp.splice import encode, step_attributes
from agentslo.outcomes.cost import Price, no_price
from agentslo.outcomes.view import Habits
from agentslo.runs.assemble import Assembler
from agentslo.runs.build import UNSET, build
from agentslo.runs.changes import Changes
from agentslo.runs.evidence import About
from agentslo.runs.holds import Held
from agentslo.runs.open_trace import Arrival, Closed
from agentslo.runs.prompts import Prompts
from agentslo.runs.rows import Place, Row, edge, edge_of
from agentslo.service.enrich import SCOPE, run_attributes, step_result
from agentslo.service.events import Happening, HeldSpan, Released
from agentslo.service.faults import Faults
from agentslo.service.heard import Heard
from agentslo.service.held import kept_span, span_of
from agentslo.service.reading import Readings
from agentslo.service.senders import Senders
from agentslo.service.verdicts import Verdicts
from agentslo.step import Reading
from agentslo.watch.remote import Remote
from agentslo.watch.watch import Watch

GENERIC = "generic"
"""Counted as the dialect of steps that no dialect gave a role."""
_TALLIED = {arrival: f"step_{arrival.value}" for arrival in Arrival}
_MAY_HEAD = AGENT_LIKE | {Role.STEP}
_ASKED = AGENT_LIKE | {Role.LLM}
_TAKEN = (Arrival.NEW, Arrival.DUPLICATE)


@dataclass(slots=True)
class Fed:
    """What became of a request: what leaves at once (`request`), which of its spans are agent
    spans (`agent`, per batch), how many spans came and stay behind, what a journal keeps of it
    (`row`, where one does), and what happened. `verify`: its spans are read both ways.
    """

    request: Request
    verify: bool = False
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
        self._options = runs
        self.tally: Counter[str] = Counter()
        self._faults = Faults(self.tally)
        self._readings = Readings(reader, untrusted, runs.verify_ratio, self._faults, self.tally)
        self.changes = Changes()
        self.left: list[Place] = []
        """Spans that were held and left without a request, while somebody watches `changes`."""
        self.assembler = Assembler(runs, self._splits, self._trace_fault, self.changes)
        self.senders = Senders(self.changes)
        habits = Habits(
            tools=lambda scope: (
                self.senders.shows("tools", scope) or self._readings.reader.shows_tools(scope)
            ),
            answers=lambda scope: (
                self.senders.shows("answers", scope) or self._readings.reader.shows_answers(scope)
            ),
        )
        self.verdicts = Verdicts(runs, directory, habits, self._faults, price, self.changes, watch)
        self.heard = Heard(self.verdicts, self.tally)
        self.agent_spans: Counter[str] = Counter()
        self._prompts = Prompts()

    def replace(self, directory: Directory, reader: Reader, price: Price) -> None:
        """Put other agent files in force; open runs are judged by them when they close."""
        self.verdicts.directory, self.verdicts.price = directory, price
        self._readings.replace(reader)

    @property
    def plugin_failures(self) -> Mapping[str, int]:
        """Per dialect plug-in, the spans on which it raised."""
        return self._readings.reader.plugin_failures

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
        fed = Fed(Request(body), verify=self._readings.drawn())
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
                row.edges.append(edge_of(ids))
        for trace in self.assembler.adopted:
            row.edges += (edge(trace.trace_id, i, parent) for i, parent in trace.edges.items())
        for one in fed.held:
            found = self.assembler.open.get(one.step.trace_id)
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
        readings = self._readings
        marker_in, wide = readings.reader.marker_in, readings.reader.reads_scope(scope.name)
        marker = b"" if wide else marker_in(b"".join(batch.items))
        if marker is None:
            fed.plain += batch.items
            return
        shapes = readings.shapes(resource, scope)
        leaving: list[bytes] = []

        def told(view: SpanView, step: Step | None) -> None:
            fed.happenings.extend(self.heard.linked(view, step, now_ns))

        for encoded in batch.items:
            # Spans of one scope hold the same marker, mostly.
            if marker in encoded or marker_in(encoded) is not None:
                step, sent = readings.read(encoded, shapes, source, now_ns, told, verify=fed.verify)
                if step is not None:
                    step.source = source
                    out = self._take(step, sent, batch, encoded, fed, now_ns)
                    if out is None:
                        fed.kept += 1
                    else:
                        leaving.append(out)
                        agent.append(out)
                    continue
            leaving.append(encoded)
            fed.plain.append(encoded)
        batch.items = leaving

    def _take(
        self, step: Step, sent: Attributes, batch: Batch, encoded: bytes, fed: Fed, now_ns: int
    ) -> bytes | None:
        """Assemble one step; gives the bytes that leave now, None where the span is held."""
        arrival, reading = self.assembler.add(step, now_ns), step.reading
        self.tally[_TALLIED[arrival]] += 1
        self.agent_spans[reading.dialect or GENERIC] += 1
        if not reading.shown:
            self._show(reading)
        if arrival in _TAKEN:
            if reading.role in _ASKED and self._readings.reader.hashes_requests:
                self.assembler.open[step.trace_id].hash_request(step, sent)
            if fed.row is not None:
                fed.row.steps.append(step)
        fed.newest_ns = max(fed.newest_ns, step.end_ns)
        if reading.enriched:
            self.tally["already_enriched"] += 1
            return encoded
        if arrival is Arrival.LATE:
            return self._late(step, encoded, now_ns, fed)
        if arrival is Arrival.OVER_BOUND:
            return encoded
        if (
            reading.role in _MAY_HEAD
            and self._options.hold_roots
            and self.assembler.wants_held(step)
        ):
            span = HeldSpan(origin=self.senders.origin(batch), encoded=encoded)
            held = Held(step, span, now_ns, len(encoded))
            if self.assembler.hold(held) is not None:
                self.tally["held_duplicate"] += 1
            fed.held.append(held)
            return None
        return encoded + reading.added

    def _show(self, reading: Reading) -> None:
        """What the first span of a reading shows of its scope; what all of them get added."""
        if reading.role is Role.TOOL:
            self.senders.learn("tools", reading.scope)
        elif reading.answered and reading.role is Role.LLM:
            self.senders.learn("answers", reading.scope)
        reading.added = step_attributes(reading.role.value, step_result(reading))
        reading.shown = True

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

    def due(self, now_ns: int, most: int = 1 << 60) -> list[Happening]:
        """Everything that is over, or held too long, at `now_ns`; of runs to close about `most`."""
        out: list[Happening] = []
        for held, closed in self.assembler.expired_holds(now_ns):
            self._note_left(held)
            early = self._early(held, closed, now_ns) if closed else iter((self._as_step(held),))
            out.extend(self._safely(early, held.step.trace_id, held))
        for closed in self.assembler.due(now_ns, most):
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
