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
from agentslo.dialects.read import Reader, without_declared
from agentslo.measure.labels import clean
from agentslo.model import Resource, Role, Scope, Step
from agentslo.otlp.cut import Batch, Request
from agentslo.otlp.ids import Ids, read_ids
from agentslo.otlp.splice import encode, step_attributes
from agentslo.outcomes.cost import Price, no_price
from agentslo.outcomes.view import Habits
from agentslo.runs.assemble import Assembler
from agentslo.runs.build import UNSET, build
from agentslo.runs.evidence import About
from agentslo.runs.forest import Edge
from agentslo.runs.holds import Held
from agentslo.runs.open_trace import Arrival, Closed
from agentslo.service.enrich import SCOPE, run_attributes, step_result
from agentslo.service.events import Happening, HeldSpan, Released
from agentslo.service.faults import Faults
from agentslo.service.heard import Heard
from agentslo.service.verdicts import Verdicts

MAX_INTERNED = 10_000
GENERIC = "generic"
"""Counted as the dialect of steps that no dialect gave a role."""


@dataclass(slots=True)
class Fed:
    """What became of a request: what leaves at once (`request`), which of its spans are agent
    spans (`agent`, per batch), how many spans came and stay behind, and what happened.
    """

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
        self,
        runs: RunsOptions,
        directory: Directory,
        reader: Reader,
        price: Price = no_price,
        untrusted: frozenset[str] = frozenset(),
    ) -> None:
        """`untrusted`: listeners whose spans' `agent_slo.declared.*` attributes are not read."""
        self._options, self._reader, self._untrusted = runs, reader, untrusted
        self.tally: Counter[str] = Counter()
        self._faults = Faults(self.tally)
        self.assembler = Assembler(runs, self._splits, self._trace_fault)
        habits = Habits(tools=self._shows_tools, answers=self._shows_answers)
        self.verdicts = Verdicts(runs, directory, habits, self._faults, price)
        self.heard = Heard(self.verdicts, self.tally)
        self.agent_spans: Counter[str] = Counter()
        self._resources: dict[bytes, Resource] = {}
        self._scopes: dict[bytes, Scope] = {}
        self._tool_scopes: set[Scope] = set()
        self._answer_scopes: set[Scope] = set()

    def replace(self, directory: Directory, reader: Reader, price: Price) -> None:
        """Put other agent files in force; open runs are judged by them when they close."""
        self.verdicts.directory, self._reader = directory, reader
        self.verdicts.price = price

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
        for batch in fed.request.batches:
            self._batch(batch, fed, now_ns, source)
        for encoded in fed.plain:
            self._edge(encoded, now_ns)
        fed.happenings.extend(self._freed())
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
            step = self._step(encoded, resource, scope, now_ns, source, fed)
            if step is None:
                leaving.append(encoded)
                fed.plain.append(encoded)
                continue
            fed.newest_ns = max(fed.newest_ns, step.end_ns)
            out = self._take(step, HeldSpan(batch=batch, encoded=encoded), now_ns, fed)
            if out is None:
                fed.kept += 1
            else:
                leaving.append(out)
                agent.append(out)
        batch.items = leaving

    def _step(
        self,
        encoded: bytes,
        resource: Resource,
        scope: Scope,
        now_ns: int,
        source: str,
        fed: Fed,
    ) -> Step | None:
        """The agent step in a span; None where there is none, or it cannot be read (counted)."""
        try:
            view = values.span(encoded, resource, scope)
            if not _valid(view.trace_id, 16) or not _valid(view.span_id, 8):
                self.tally["invalid_ids"] += 1
                return None
            if source in self._untrusted:
                view = without_declared(view)
            step = self._reader.step(view, now_ns)
            fed.happenings.extend(self.heard.linked(view, step, now_ns))
        except DecodeError:
            self.tally["unreadable_span"] += 1
            return None
        except Exception:  # noqa: BLE001 - a bug in a dialect must not stop forwarding
            self._faults.note("read", f"a span of scope {clean(scope.name)}")
            return None
        if step is not None:
            step.source = source
        return step

    def _take(self, step: Step, span: HeldSpan, now_ns: int, fed: Fed) -> bytes | None:
        """Assemble one step; gives the bytes that leave now, None where the span is held."""
        arrival = self.assembler.add(step, now_ns)
        self.tally[f"step_{arrival.value}"] += 1
        self.agent_spans[step.dialect or GENERIC] += 1
        if step.role is Role.TOOL and len(self._tool_scopes) < MAX_INTERNED:
            self._tool_scopes.add(step.scope)
        elif step.answered and step.role is Role.LLM and len(self._answer_scopes) < MAX_INTERNED:
            self._answer_scopes.add(step.scope)
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

    def _edge(self, encoded: bytes, now_ns: int) -> None:
        ids: Ids | None = read_ids(encoded)
        if ids is not None:
            edge = Edge(ids.parent_id, ids.parent_remote)
            self.assembler.edge(ids.trace_id, ids.span_id, edge, now_ns)

    # ---- runs out

    def due(self, now_ns: int) -> list[Happening]:
        """Everything that is over, or held too long, at `now_ns`."""
        out: list[Happening] = []
        for held, closed in self.assembler.expired_holds(now_ns):
            early = self._early(held, closed) if closed else iter((self._as_step(held),))
            out.extend(self._safely(early, held.step.trace_id, held))
        for closed in self.assembler.due(now_ns):
            out.extend(self._settled(closed, now_ns))
        out.extend(self.verdicts.due(now_ns))
        out.extend(self._freed())
        return out

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

    def _early(self, held: Held, closed: Closed) -> Iterator[Happening]:
        run = build(closed.tree, closed.forest.parents, closed.finalized_by)
        return self.verdicts.early(run, _span(held))

    def _as_step(self, held: Held) -> Released:
        step = held.step
        return Released(span=_span(held), added=step_attributes(step.role.value, step_result(step)))

    def _settled(self, closed: Closed, now_ns: int) -> list[Happening]:
        held = [closed.held] if closed.held else []
        trace_id = closed.tree.members[0].trace_id
        return self._safely(self._closed(closed, now_ns), trace_id, *held)

    def _closed(self, closed: Closed, now_ns: int) -> Iterator[Happening]:
        run = build(closed.tree, closed.forest.parents, closed.finalized_by)
        held = _span(closed.held) if closed.held else None
        return self.verdicts.closed(run, held, now_ns)

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
