"""From a span as sent to a `Step`, over all dialects.

In: a `SpanView` and its arrival time. Out: a Step, or None where the span belongs to no agent
(infrastructure). State: only the merged key table, built once. Order: the first dialect that gives
a role wins; every concept is read with the keys of all dialects, first present wins, because one
span may follow several conventions at once (conventions.md 1).
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace

from agentslo.config.dialect_options import CONCEPTS
from agentslo.config.wants import NOTHING, Wants
from agentslo.dialects import evaluations, facts, faults
from agentslo.dialects.base import (
    STATUS_ERROR,
    STATUS_UNSET,
    Attributes,
    Dialect,
    SpanView,
    Value,
    count,
    text,
)
from agentslo.dialects.content import content_hash
from agentslo.dialects.finish import normalise
from agentslo.dialects.particulars import (
    ANSWERS,
    CALLS,
    ParticularReader,
    Particulars,
    Tells,
)
from agentslo.dialects.prompts import derived_version
from agentslo.dialects.registry import BUILT_IN
from agentslo.dialects.sampling import sampled_ratio
from agentslo.model import AGENT_LIKE, CONTROL_FLOW, Fault, Finish, Role, Scope, Step
from agentslo.step import Reading

OWN = "agent_slo."
DECLARED = "agent_slo.declared."
MAX_LINKS = 32
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
_CLIENT = 3
_PROMPTED = frozenset({Role.LLM, Role.AGENT})
_RUN_TO_AN_END = ANSWERS | {Role.TOOL}
_STREAM_KEYS = ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming")
_FIRST_TOKEN = "First Token Stream Event"  # noqa: S105 - the name of a span event
_GENERIC = ("gen_ai.operation.name", "traceloop.span.kind", "openinference.span.kind")
_MAPPED = frozenset({"mapping", "declared"})
_OUR_ROLES = frozenset(d.role for d in BUILT_IN)


class Reader:
    """Reads spans with a fixed list of dialects; stateless between spans.

    `extra` adds users' own keys per concept, tried after the built-in ones. `plugin_failures`:
    where the fences around plug-ins count the spans on which these raised. `hashes_requests`: what
    people ask is to be kept as hashes (`dialects/request`), for drift.
    """

    def __init__(
        self,
        dialects: Sequence[Dialect] = BUILT_IN,
        extra: Mapping[str, tuple[str, ...]] | None = None,
        wants: Wants = NOTHING,
        plugin_failures: Mapping[str, int] | None = None,
        *,
        hashes_requests: bool = False,
    ) -> None:
        self.wants, self.hashes_requests = wants, hashes_requests
        self.plugin_failures = {} if plugin_failures is None else plugin_failures
        self._dialects = tuple(dialects)
        added = extra or {}
        self.keys = {
            concept: tuple(
                dict.fromkeys(
                    [k for d in self._dialects for k in d.keys.get(concept, ())]
                    + list(added.get(concept, ()))
                )
            )
            for concept in CONCEPTS
        }
        asked = (key.encode() for key in sorted(wants.attributes))
        known = (m for d in self._dialects for m in d.markers)
        self.markers = tuple(dict.fromkeys([*known, *asked]))
        self.is_ours = {d.role for d in self._dialects if d.name not in _MAPPED} <= _OUR_ROLES
        """True where no plug-in reads along: its code may depend on anything."""
        self._readers = {role: ParticularReader(role, self.keys) for role in Role}
        self._scopes = tuple(s for d in self._dialects for s in d.scopes)
        self._tool_scopes = tuple(s for d in self._dialects for s in d.tool_scopes)
        self._answer_scopes = tuple(s for d in self._dialects for s in d.answer_scopes)
        self._status_scopes = tuple(s for d in self._dialects for s in d.status_scopes)

    def reads_scope(self, scope_name: str) -> bool:
        """True where every span of the scope is worth reading, marker or not."""
        return bool(self._scopes) and scope_name.startswith(self._scopes)

    def marker_in(self, encoded: bytes) -> bytes | None:
        """A marker that the bytes hold: a hint that a span in them is worth reading."""
        for marker in self.markers:
            if marker in encoded:
                return marker
        return None

    def shows_tools(self, scope: Scope) -> bool:
        """True where the scope is known to send a span for every tool call."""
        return bool(self._tool_scopes) and scope.name.startswith(self._tool_scopes)

    def shows_answers(self, scope: Scope) -> bool:
        """True where the scope is known to put something of every response on its model span."""
        return bool(self._answer_scopes) and scope.name.startswith(self._answer_scopes)

    def step(self, view: SpanView, arrival_ns: int) -> Step | None:
        """The agent step of a span; None where no dialect knows it."""
        return self.read(view, view.attributes, arrival_ns)[0]

    def read(
        self, view: SpanView, sent: Attributes, arrival_ns: int
    ) -> tuple[Step | None, Particulars | None]:
        """(the step of a span, its particulars before any dialect changed them).

        The particulars are read from `sent`, the attributes as sent; all else is read from those of
        the view, where it can be watched which values it depends on.
        """
        found = self._role(view)
        if found is None:
            return None, None
        dialect, role = found
        reader = self._readers.get(role) or ParticularReader(role, self.keys)
        own = reader.read(sent)
        reading = self._reading(view, role, own.tells)
        reading.dialect = dialect.name if dialect else ""
        step = own.step(reading, view.trace_id, view.span_id, view.parent_id)
        step.rare = copy(step.rare)
        step.start_ns, step.end_ns, step.arrival_ns = view.start_ns, view.end_ns, arrival_ns
        _beside(view, step)
        if self._cut_short(view, step, own.tells):
            step.fault, step.failed = Fault.CANCELLED, None
        for d in self._dialects:
            if d.refine is not None:
                d.refine(view, step)
        if self.wants != NOTHING:
            facts.take(view, step, self.wants, *reader.content(sent))
        return step, own

    def asks_content(self, step: Step) -> bool:
        """True where agent files ask what was said in spans like this one."""
        wants = self.wants
        asked = bool(wants.citation_patterns) or wants.provenance
        return asked or (step.role is Role.TOOL and step.tool in wants.tools)

    def _reading(self, view: SpanView, role: Role, tells: Tells) -> Reading:
        """What the span says that others say as well."""
        made = Reading(
            name=view.name,
            role=role,
            resource=view.resource,
            scope=view.scope,
            client=view.kind == _CLIENT,
            status=view.status,
            parent_remote=bool(view.flags & _REMOTE) if view.flags & _REMOTE_KNOWN else None,
            enriched=any(k.startswith(OWN) and not k.startswith(DECLARED) for k in view.attributes),
        )
        made.fault, made.error_type = faults.read(view)
        self._identify(view, made)
        made.failed = _failed(view, role, made.fault, tells)
        if role in CALLS:
            made.tool = text(self._first(view, "tool"))
            made.has_args, made.has_result = tells.has_args, tells.has_result
            made.result_shape = tells.result_shape
            made.triggered = _flag(self._first(view, "triggered"))
        self._answer(view, made, tells)
        return made

    def _identify(self, view: SpanView, made: Reading) -> None:
        """Who does what, in which version."""
        first = self._first
        made.agent = text(first(view, "agent"))
        made.agent_version = text(first(view, "agent_version"))
        made.workflow = text(first(view, "workflow"))
        made.model = text(first(view, "model"))
        made.provider = text(first(view, "provider"))
        made.task_type = text(first(view, "task_type"))
        made.prompt_version = text(first(view, "prompt_version"))
        if not made.prompt_version and made.role in _PROMPTED:
            made.prompt_version = derived_version(view.attributes)
        made.tools_version = _short_hash(first(view, "tool_definitions"))
        made.arm = text(first(view, "arm"))

    def _answer(self, view: SpanView, made: Reading, tells: Tells) -> None:
        """How an answer ended."""
        role = made.role
        made.finish = normalise(self._first(view, "finish"))
        if role in ANSWERS and made.finish in (None, Finish.STOP):
            # The reason is missing or a bare `stop`: the captured answer may tell.
            made.finish = tells.said or made.finish
        if role is Role.LLM and tells.asks and made.finish in (None, Finish.STOP):
            made.finish = Finish.TOOL_CALL
        told = bool(made.finish or tells.used[1] or made.fault)
        if not _streams(view):
            # A stream that nobody read to its end has an id and a first piece of text all the same.
            told = told or tells.response or tells.output_sent
        made.answered = told or (role in AGENT_LIKE and tells.output_there)
        if role in AGENT_LIKE:
            made.max_steps = count(self._first(view, "max_steps")) or None

    def _cut_short(self, view: SpanView, step: Step, tells: Tells) -> bool:
        """True for a span that nobody brought to its end: neither status nor output, from a scope
        known to set both. What stops work from outside passes by the code that would have.
        """
        return (
            view.status == STATUS_UNSET
            and step.fault is None
            and step.role in _RUN_TO_AN_END
            and view.scope.name.startswith(self._status_scopes)
            and not (step.answered or tells.output_there)
            and not (step.role is Role.TOOL and step.has_result)
        )

    def _role(self, view: SpanView) -> tuple[Dialect | None, Role] | None:
        for dialect in self._dialects:
            role = dialect.role(view)
            if role is not None:
                return dialect, role
        if any(key in view.attributes for key in _GENERIC):
            return None, Role.STEP
        if not self.wants.attributes.isdisjoint(view.attributes):
            return None, Role.STEP
        return None

    def _first(self, view: SpanView, concept: str) -> Value:
        found = view.attributes
        for key in self.keys[concept]:
            value = found.get(key)
            if value is not None and value != "":
                return value
        return None


def _beside(view: SpanView, step: Step) -> None:
    """What few spans have, whatever their convention."""
    if not evaluations.linked(view, step.role) and (said := evaluations.on_span(view)):
        step.evaluations = said
    if view.links:
        step.links = tuple(f"{k.trace_id.hex()}:{k.span_id.hex()}" for k in view.links[:MAX_LINKS])
    if declared := _sampling(view) | _declared(view.attributes):
        step.declared = declared


def _streams(view: SpanView) -> bool:
    """True where the model's answer was streamed, as far as the span tells."""
    flagged = any(view.attributes.get(key) is True for key in _STREAM_KEYS)
    return flagged or any(e.name == _FIRST_TOKEN for e in view.events)


def _short_hash(value: Value) -> str:
    found = content_hash(value)
    return "" if found is None else f"{found:08x}"


def _flag(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(text(value).lower())


def _failed(view: SpanView, role: Role, fault: Fault | None, tells: Tells) -> bool | None:
    """A tool's own verdict (design.md 3, "Tool errors"); for other roles the error mark."""
    if fault in CONTROL_FLOW:
        return None
    if fault is not None or view.status == STATUS_ERROR:
        return True
    if role is Role.TOOL and tells.result_sent:
        return tells.result_fails
    return False if view.status else None


def without_declared(view: SpanView) -> SpanView:
    """The span without what its sender declares of runs, and says a person judged: a sender that is
    not believed.
    """
    kept = {
        k: v
        for k, v in view.attributes.items()
        if not k.startswith(DECLARED) and not k.endswith(".annotator_kind")
    }
    return replace(view, attributes=kept)


def _sampling(view: SpanView) -> dict[str, str | bool | int | float]:
    ratio = sampled_ratio(view.trace_state) if view.trace_state else None
    return {} if ratio is None or ratio >= 1.0 else {"sampled_ratio": ratio}


def _declared(found: Mapping[str, Value]) -> dict[str, str | bool | int | float]:
    return {
        key[len(DECLARED) :]: value
        for key in found
        if key.startswith(DECLARED) and isinstance(value := found[key], str | bool | int | float)
    }
