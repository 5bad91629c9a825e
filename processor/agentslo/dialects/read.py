"""From a span as sent to a `Step`, over all dialects.

In: a `SpanView` and its arrival time. Out: a Step, or None where the span belongs to no agent
(infrastructure). State: only the merged key table, built once. Order: the first dialect that gives
a role wins; every concept is read with the keys of all dialects, first present wins, because one
span may follow several conventions at once (conventions.md 1).
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

from agentslo.dialects import faults
from agentslo.dialects.base import (
    CONCEPTS,
    STATUS_ERROR,
    Dialect,
    Event,
    SpanView,
    Value,
    count,
    number,
    text,
)
from agentslo.dialects.finish import normalise
from agentslo.dialects.registry import BUILT_IN
from agentslo.model import CONTROL_FLOW, Evaluation, Fault, Role, Scope, Step

OWN = "agent_slo."
DECLARED = "agent_slo.declared."
MAX_JSON_BYTES = 262_144
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
_CLIENT = 3
_CALLS = frozenset({Role.TOOL, Role.HANDOFF, Role.RETRIEVAL, Role.GUARDRAIL})
_GENERIC = ("gen_ai.operation.name", "traceloop.span.kind", "openinference.span.kind")


class Reader:
    """Reads spans with a fixed list of dialects; stateless between spans.

    `extra` adds users' own keys per concept, tried after the built-in ones.
    """

    def __init__(
        self,
        dialects: Sequence[Dialect] = BUILT_IN,
        extra: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
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
        self.markers = tuple(dict.fromkeys(m for d in self._dialects for m in d.markers))
        self._scopes = tuple(s for d in self._dialects for s in d.scopes)
        self._tool_scopes = tuple(s for d in self._dialects for s in d.tool_scopes)

    def reads_scope(self, scope_name: str) -> bool:
        """True where every span of the scope is worth reading, marker or not."""
        return bool(self._scopes) and scope_name.startswith(self._scopes)

    def shows_tools(self, scope: Scope) -> bool:
        """True where the scope is known to send a span for every tool call."""
        return bool(self._tool_scopes) and scope.name.startswith(self._tool_scopes)

    def step(self, view: SpanView, arrival_ns: int) -> Step | None:
        """The agent step of a span; None where no dialect knows it."""
        found = self._role(view)
        if found is None:
            return None
        dialect, role = found
        first = self._first
        fault, error_type = faults.read(view)
        calls = role in _CALLS
        args = first(view, "tool_args") if calls else None
        result = first(view, "tool_result") if calls else None
        step = Step(
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
            dialect=dialect.name if dialect else "",
            agent=text(first(view, "agent")),
            agent_version=text(first(view, "agent_version")),
            workflow=text(first(view, "workflow")),
            tool=text(first(view, "tool")) if calls else "",
            model=text(first(view, "model")),
            provider=text(first(view, "provider")),
            conversation_id=text(first(view, "conversation_id")),
            task_type=text(first(view, "task_type")),
            finish=normalise(first(view, "finish")),
            fault=fault,
            error_type=error_type,
            failed=_failed(view, role, fault, result),
            has_args=args not in (None, ""),
            has_result=result not in (None, ""),
            args_hash=content_hash(args),
            result_hash=content_hash(result),
            response_id=text(first(view, "response_id")),
            usage_in=count(first(view, "usage_in")) or None,
            usage_out=count(first(view, "usage_out")) or None,
            usage_cached=count(first(view, "usage_cached")) or None,
            cost_usd=number(first(view, "cost_usd")),
            triggered=_flag(first(view, "triggered")),
            documents=items(first(view, "documents")),
            evaluations=_evaluations(view.events),
            declared=_declared(view.attributes),
            enriched=any(k.startswith(OWN) and not k.startswith(DECLARED) for k in view.attributes),
        )
        for d in self._dialects:
            if d.refine is not None:
                d.refine(view, step)
        return step

    def _role(self, view: SpanView) -> tuple[Dialect | None, Role] | None:
        for dialect in self._dialects:
            role = dialect.role(view)
            if role is not None:
                return dialect, role
        if any(key in view.attributes for key in _GENERIC):
            return None, Role.STEP
        return None

    def _first(self, view: SpanView, concept: str) -> Value:
        found = view.attributes
        for key in self._keys[concept]:
            value = found.get(key)
            if value is not None and value != "":
                return value
        return None


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


def error_result(result: Value) -> bool:
    """True where a tool's JSON object result says at its top level that it failed."""
    if isinstance(result, str):
        result = _parsed(result)
    if not isinstance(result, dict):
        return False
    status = result.get("status")
    return bool(
        result.get("isError") is True
        or result.get("is_error") is True
        or (isinstance(status, str) and status.lower() == "error")
        or result.get("error")
    )


def _parsed(value: str) -> Value:
    if not value.lstrip().startswith(("{", "[")) or len(value) > MAX_JSON_BYTES:
        return None
    try:
        parsed: Value = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed


@lru_cache(maxsize=4096)
def _text_hash(value: str) -> int:
    parsed = _parsed(value) if len(value) <= 8192 else None
    canonical = value if parsed is None else json.dumps(parsed, sort_keys=True)
    return zlib.crc32(canonical.encode("utf-8", "surrogatepass"))


def content_hash(value: Value) -> int | None:
    """A 32-bit hash of captured content, equal for JSON that differs only in key order or space."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _text_hash(value)
    return zlib.crc32(json.dumps(value, sort_keys=True, default=repr).encode())


def items(value: Value) -> int | None:
    """How many entries a list holds, sent as an array or as a JSON string; None where untold."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, list):
        return len(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _declared(found: Mapping[str, Value]) -> dict[str, str | bool | int | float]:
    return {
        key[len(DECLARED) :]: value
        for key, value in found.items()
        if key.startswith(DECLARED) and isinstance(value, str | bool | int | float)
    }


def evaluation(found: Mapping[str, Value], ident: str) -> Evaluation:
    """One `gen_ai.evaluation.result` from its attributes."""
    return Evaluation(
        name=text(found.get("gen_ai.evaluation.name")),
        label=text(found.get("gen_ai.evaluation.score.label")),
        score=number(found.get("gen_ai.evaluation.score.value")),
        id=ident,
    )


def _evaluations(events: Sequence[Event]) -> tuple[Evaluation, ...]:
    named = [e for e in events if e.name == "gen_ai.evaluation.result"]
    return tuple(evaluation(e.attributes, f"event-{i}") for i, e in enumerate(named))
