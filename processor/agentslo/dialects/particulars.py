"""What is a span's own: ids, tokens, cost, hashes of what it was given and what it gave.

In: attributes, a role, per concept the keys to try. Out: `Particulars`. No state. The rest of what
a span says, its reading, may depend on these only through `Tells`, so that spans that tell the same
may share one reading (docs/decisions/0020-read-once-per-shape.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agentslo.dialects import calls
from agentslo.dialects.answer import finish_of, last_words
from agentslo.dialects.base import Attributes, Value, count, number, text
from agentslo.dialects.content import as_text, content_hash, error_result, items, shape
from agentslo.model import AGENT_LIKE, Finish, Role, Step, ToldCall
from agentslo.step import Rare, Reading

CONCEPTS = (
    *("conversation_id", "call_id", "response_id", "usage_in", "usage_out", "usage_cached"),
    *("usage_cache_written", "cost_usd", "ttft_s", "ttft_ms", "documents"),
    *("tool_args", "tool_result", "input", "output"),
)
"""The concepts whose values are a span's own."""
CALLS = frozenset({Role.TOOL, Role.HANDOFF, Role.RETRIEVAL, Role.GUARDRAIL})
ANSWERS = frozenset({Role.LLM, Role.STEP}) | AGENT_LIKE
Keys = Mapping[str, tuple[str, ...]]


class Tells(NamedTuple):
    """What of a span's particulars may decide how the span is read."""

    has_args: bool
    has_result: bool
    result_sent: bool
    """There is a result, and it is not empty."""
    result_fails: bool
    result_shape: str
    output_sent: bool
    output_there: bool
    said: Finish | None
    """What the captured answer says of its end."""
    asks: bool
    conversation: bool
    response: bool
    used: tuple[bool, bool, bool]
    """Which of the three counts of tokens are told."""
    priced: bool
    counted: bool


@dataclass(slots=True)
class Particulars:
    """The fields of a `Step` that are its own, and what decides its reading."""

    role: Role
    tells: Tells
    conversation_id: str
    call_id: str
    response_id: str
    usage_in: int | None
    usage_out: int | None
    usage_cached: int | None
    args_hash: int | None
    result_hash: int | None
    rare: Rare | None

    def step(self, reading: Reading, trace_id: bytes, span_id: bytes, parent_id: bytes) -> Step:
        """A step with these; its times are set by whoever knows them."""
        return Step(
            *(reading, trace_id, span_id, parent_id, 0, 0, 0, self.conversation_id, self.call_id),
            *(self.response_id, self.usage_in, self.usage_out, self.usage_cached, self.args_hash),
            self.result_hash,
            rare=self.rare,
        )

    def is_of(self, step: Step) -> bool:
        """Whether the step has them as they are here, and nothing of its own beside them."""
        bare = self.step(step.reading, step.trace_id, step.span_id, step.parent_id)
        bare.start_ns, bare.end_ns, bare.arrival_ns = step.start_ns, step.end_ns, step.arrival_ns
        return bare == step


@dataclass(slots=True)
class _Call:
    """What a call was given and gave, as sent."""

    args: Value = None
    result: Value = None
    there: bool = False
    call_id: str = ""
    documents: int | None = None


class ParticularReader:
    """Reads the particulars of spans of one role. `keys`: per concept, those worth trying."""

    def __init__(self, role: Role, keys: Keys) -> None:
        self._role, self._keys = role, {c: keys[c] for c in CONCEPTS if keys.get(c)}
        self._calls, self._answers = role in CALLS, role in ANSWERS
        self._agent, self._model = role in AGENT_LIKE, role is Role.LLM
        self._talks = role is not Role.STEP
        self._timed = self._model and not self._keys.keys().isdisjoint({"ttft_s", "ttft_ms"})

    def read(self, found: Attributes) -> Particulars:
        """The particulars of a span with these attributes."""
        call = self._call(found) if self._calls else _NO_CALL
        output = as_text(self._first(found, "output")) if self._answers else ""
        asked = calls.asked(output) if output and self._talks else ()
        told = self._told(found, output, asked)
        result_hash = content_hash(last_words(output) if self._agent else call.result)
        cost_usd = number(self._first(found, "cost_usd"))
        ttft_s = self._ttft_s(found) if self._timed else None
        rare = None
        if asked or told or not (cost_usd is call.documents is ttft_s is None):
            rare = Rare(
                asked=asked, told=told, cost_usd=cost_usd, documents=call.documents, ttft_s=ttft_s
            )
        usage_in, usage_cached = self._input_tokens(found)
        made = Particulars(
            role=self._role,
            tells=_NO_TELLS,
            conversation_id=text(self._first(found, "conversation_id")),
            call_id=call.call_id,
            response_id=text(self._first(found, "response_id")),
            usage_in=usage_in,
            usage_out=count(self._first(found, "usage_out")) or None,
            usage_cached=usage_cached,
            args_hash=content_hash(call.args),
            result_hash=result_hash,
            rare=rare,
        )
        made.tells = self._tells(found, made, call, output)
        return made

    def content(self, found: Attributes) -> tuple[Value, Value, str]:
        """Arguments and result of a call, and the answer, as sent."""
        output = as_text(self._first(found, "output")) if self._answers else ""
        if not self._calls:
            return None, None, output
        return self._first(found, "tool_args"), self._first(found, "tool_result"), output

    def _tells(self, found: Attributes, made: Particulars, call: _Call, output: str) -> Tells:
        result, is_tool, rare = call.result, self._role is Role.TOOL, made.rare
        return Tells(
            call.args not in (None, ""),
            call.there,
            result is not None,
            is_tool and error_result(result),
            shape(result) if is_tool else "",
            bool(output),
            self._is_there(found, "output"),
            finish_of(output) if output else None,
            rare is not None and bool(rare.asked),
            bool(made.conversation_id),
            bool(made.response_id),
            (made.usage_in is not None, made.usage_out is not None, made.usage_cached is not None),
            rare is not None and rare.cost_usd is not None,
            call.documents is not None,
        )

    def _call(self, found: Attributes) -> _Call:
        return _Call(
            args=self._first(found, "tool_args"),
            result=self._first(found, "tool_result"),
            there=self._is_there(found, "tool_result"),
            call_id=text(self._first(found, "call_id")),
            documents=items(self._first(found, "documents")),
        )

    def _told(
        self, found: Attributes, output: str, asked: tuple[ToldCall, ...]
    ) -> tuple[ToldCall, ...]:
        """The results of calls that the messages of a model or an agent tell of."""
        if self._model:
            return calls.answered_last(as_text(self._first(found, "input")))
        return calls.answered(output) if asked else ()

    def _input_tokens(self, found: Attributes) -> tuple[int | None, int | None]:
        """(input tokens, cached ones among them; cached ones). Some emitters leave these out of the
        input, which shows where there are more of them than of input (conventions.md 5.1).
        """
        told, cached = count(self._first(found, "usage_in")), None
        if "usage_cached" in self._keys:
            cached = count(self._first(found, "usage_cached")) or None
        if told is None:
            return None, cached
        more = (cached or 0) + (count(self._first(found, "usage_cache_written")) or 0)
        return (told + more if more > told else told) or None, cached

    def _ttft_s(self, found: Attributes) -> float | None:
        seconds = number(self._first(found, "ttft_s"))
        if seconds is not None:
            return seconds
        millis = number(self._first(found, "ttft_ms"))
        return None if millis is None else millis / 1000

    def _is_there(self, found: Attributes, concept: str) -> bool:
        """True where a key of the concept is present, be it empty: a tool may return nothing."""
        keys = self._keys.get(concept)
        return keys is not None and any(found.get(key) is not None for key in keys)

    def _first(self, found: Attributes, concept: str) -> Value:
        for key in self._keys.get(concept, ()):
            value = found.get(key)
            if value is not None and value != "":
                return value
        return None


_NO_CALL = _Call()
_NO_TELLS = Tells(
    *(False, False, False, False, "", False, False, None),
    *(False, False, False, (False, False, False), False, False),
)
