"""From a span as sent to a `Step`, over all dialects.

In: a `SpanView` and its arrival time. Out: a Step, or None where the span belongs to no agent
(infrastructure). State: only the merged key table, built once. Order: the first dialect that gives
a role wins; every concept is read with the keys of all dialects, first present wins, because one
span may follow several conventions at once (conventions.md 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentslo.config.dialect_options import CONCEPTS
from agentslo.config.wants import NOTHING, Wants
from agentslo.dialects import calls, evaluations, facts, faults
from agentslo.dialects.answer import finish_of, last_words
from agentslo.dialects.base import (
    STATUS_ERROR,
    STATUS_UNSET,
    Dialect,
    SpanView,
    Value,
    count,
    number,
    text,
)
from agentslo.dialects.content import as_text, content_hash, error_result, items, shape
from agentslo.dialects.finish import normalise
from agentslo.dialects.prompts import derived_version
from agentslo.dialects.registry import BUILT_IN
from agentslo.dialects.request import hashed_request
from agentslo.dialects.sampling import sampled_ratio
from agentslo.model import AGENT_LIKE, CONTROL_FLOW, Fault, Finish, Role, Scope, Step

OWN = "agent_slo."
DECLARED = "agent_slo.declared."
MAX_LINKS = 32
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
_CLIENT = 3
_CALLS = frozenset({Role.TOOL, Role.HANDOFF, Role.RETRIEVAL, Role.GUARDRAIL})
_ANSWERS = frozenset({Role.LLM, Role.STEP}) | AGENT_LIKE
_PROMPTED = frozenset({Role.LLM, Role.AGENT})
_RUN_TO_AN_END = _ANSWERS | {Role.TOOL}
_STREAM_KEYS = ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming")
_FIRST_TOKEN = "First Token Stream Event"  # noqa: S105 - the name of a span event
_GENERIC = ("gen_ai.operation.name", "traceloop.span.kind", "openinference.span.kind")


class Reader:
    """Reads spans with a fixed list of dialects; stateless between spans.

    `extra` adds users' own keys per concept, tried after the built-in ones. `plugin_failures`:
    where the fences around plug-ins count the spans on which these raised. `hashes_requests`: what
    people ask is kept as hashes, for drift.
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
        self.wants, self._hashes_requests = wants, hashes_requests
        self.plugin_failures = {} if plugin_failures is None else plugin_failures
        self._dialects = tuple(dialects)
        added = extra or {}
        self._keys = {
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
        found = self._role(view)
        if found is None:
            return None
        dialect, role = found
        step = _head(view, role, arrival_ns)
        step.dialect = dialect.name if dialect else ""
        step.fault, step.error_type = faults.read(view)
        self._identify(view, step)
        called = role in _CALLS
        args = self._first(view, "tool_args") if called else None
        result = self._first(view, "tool_result") if called else None
        output = as_text(self._first(view, "output")) if role in _ANSWERS else ""
        step.failed = _failed(view, role, step.fault, result)
        if called:
            self._call(view, step, args, result)
        self._answer(view, step, output)
        if self._hashes_requests and (role in AGENT_LIKE or role is Role.LLM):
            step.request = hashed_request(view.attributes)
        if self._cut_short(view, step):
            step.fault, step.failed = Fault.CANCELLED, None
        for d in self._dialects:
            if d.refine is not None:
                d.refine(view, step)
        if self.wants is not NOTHING:
            facts.take(view, step, self.wants, args, result, output)
        return step

    def _identify(self, view: SpanView, step: Step) -> None:
        """Who does what, in which version."""
        first = self._first
        step.agent = text(first(view, "agent"))
        step.agent_version = text(first(view, "agent_version"))
        step.workflow = text(first(view, "workflow"))
        step.model = text(first(view, "model"))
        step.provider = text(first(view, "provider"))
        step.conversation_id = text(first(view, "conversation_id"))
        step.task_type = text(first(view, "task_type"))
        step.prompt_version = text(first(view, "prompt_version"))
        if not step.prompt_version and step.role in _PROMPTED:
            step.prompt_version = derived_version(view.attributes)
        step.tools_version = _short_hash(first(view, "tool_definitions"))
        step.arm = text(first(view, "arm"))

    def _call(self, view: SpanView, step: Step, args: Value, result: Value) -> None:
        """What a call was given and what it gave."""
        step.tool = text(self._first(view, "tool"))
        step.call_id = text(self._first(view, "call_id"))
        step.has_args = args not in (None, "")
        step.has_result = self._is_there(view, "tool_result")
        step.args_hash, step.result_hash = content_hash(args), content_hash(result)
        if step.role is Role.TOOL:
            step.result_shape = shape(result)
        step.triggered = _flag(self._first(view, "triggered"))
        step.documents = items(self._first(view, "documents"))

    def _answer(self, view: SpanView, step: Step, output: str) -> None:
        """What an answer cost and how it ended."""
        first = self._first
        step.finish = _finish(step.role, normalise(first(view, "finish")), output)
        step.response_id = text(first(view, "response_id"))
        step.usage_in = self._input_tokens(view)
        step.usage_out = count(first(view, "usage_out")) or None
        step.usage_cached = count(first(view, "usage_cached")) or None
        step.cost_usd = number(first(view, "cost_usd"))
        if step.role is Role.LLM:
            step.ttft_s = self._ttft_s(view)
        if step.role is not Role.STEP:
            self._messages(view, step, output)
        told = bool(step.finish or step.usage_out or step.fault)
        if not _streams(view):
            # A stream that nobody read to its end has an id and a first piece of text all the same.
            told = told or bool(step.response_id or output)
        ended = step.role in AGENT_LIKE and self._is_there(view, "output")
        step.answered = told or ended
        if step.role in AGENT_LIKE:
            step.max_steps = count(first(view, "max_steps")) or None
            step.result_hash = content_hash(last_words(output))

    def _messages(self, view: SpanView, step: Step, output: str) -> None:
        """The tool calls that the messages of a model or an agent tell of."""
        step.asked = calls.asked(output)
        if step.role is not Role.LLM:
            step.told = calls.answered(output) if step.asked else ()
            return
        step.told = calls.answered_last(as_text(self._first(view, "input")))
        if step.asked and step.finish in (None, Finish.STOP):
            step.finish = Finish.TOOL_CALL

    def _cut_short(self, view: SpanView, step: Step) -> bool:
        """True for a span that nobody brought to its end: neither status nor output, from a scope
        known to set both. What stops work from outside passes by the code that would have.
        """
        return (
            view.status == STATUS_UNSET
            and step.fault is None
            and step.role in _RUN_TO_AN_END
            and view.scope.name.startswith(self._status_scopes)
            and not (step.answered or self._is_there(view, "output"))
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

    def _input_tokens(self, view: SpanView) -> int | None:
        """Input tokens, cached ones among them. Some emitters leave those out, which shows where
        there are more of them than of input (conventions.md 5.1).
        """
        told = count(self._first(view, "usage_in"))
        if told is None:
            return None
        cached = count(self._first(view, "usage_cached")) or 0
        cached += count(self._first(view, "usage_cache_written")) or 0
        return (told + cached if cached > told else told) or None

    def _ttft_s(self, view: SpanView) -> float | None:
        seconds = number(self._first(view, "ttft_s"))
        if seconds is not None:
            return seconds
        millis = number(self._first(view, "ttft_ms"))
        return None if millis is None else millis / 1000

    def _is_there(self, view: SpanView, concept: str) -> bool:
        """True where a key of the concept is present, be it empty: a tool may return nothing."""
        return any(view.attributes.get(key) is not None for key in self._keys[concept])

    def _first(self, view: SpanView, concept: str) -> Value:
        found = view.attributes
        for key in self._keys[concept]:
            value = found.get(key)
            if value is not None and value != "":
                return value
        return None


def _head(view: SpanView, role: Role, arrival_ns: int) -> Step:
    """A step with what every span tells, whatever its convention."""
    return Step(
        trace_id=view.trace_id,
        span_id=view.span_id,
        parent_id=view.parent_id,
        name=view.name,
        role=role,
        start_ns=view.start_ns,
        end_ns=view.end_ns,
        arrival_ns=arrival_ns,
        client=view.kind == _CLIENT,
        status=view.status,
        parent_remote=bool(view.flags & _REMOTE) if view.flags & _REMOTE_KNOWN else None,
        resource=view.resource,
        scope=view.scope,
        evaluations=() if evaluations.linked(view, role) else evaluations.on_span(view),
        links=tuple(f"{k.trace_id.hex()}:{k.span_id.hex()}" for k in view.links[:MAX_LINKS]),
        declared=_sampling(view) | _declared(view.attributes),
        enriched=any(k.startswith(OWN) and not k.startswith(DECLARED) for k in view.attributes),
    )


def _streams(view: SpanView) -> bool:
    """True where the model's answer was streamed, as far as the span tells."""
    flagged = any(view.attributes.get(key) is True for key in _STREAM_KEYS)
    return flagged or any(e.name == _FIRST_TOKEN for e in view.events)


def _finish(role: Role, told: Finish | None, output: str) -> Finish | None:
    """The reason on the span; where that is missing or a bare `stop`, what the answer tells."""
    if role not in _ANSWERS or told not in (None, Finish.STOP):
        return told
    return finish_of(output) or told if output else told


def _short_hash(value: Value) -> str:
    found = content_hash(value)
    return "" if found is None else f"{found:08x}"


def _flag(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(text(value).lower())


def _failed(view: SpanView, role: Role, fault: Fault | None, result: Value) -> bool | None:
    """A tool's own verdict (design.md 3, "Tool errors"); for other roles the error mark."""
    if fault in CONTROL_FLOW:
        return None
    if fault is not None or view.status == STATUS_ERROR:
        return True
    if role is Role.TOOL and result is not None:
        return error_result(result)
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
        for key, value in found.items()
        if key.startswith(DECLARED) and isinstance(value, str | bool | int | float)
    }
