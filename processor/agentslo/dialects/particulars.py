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
    args_hash: int | None = None
    result_hash: int | None = None
    fails: bool = False
    shape: str = ""


class ParticularReader:
    """Reads the particulars of spans of one role. `keys`: per concept, those worth trying."""

    def __init__(self, role: Role, keys: Keys) -> None:
        self._role = role
        self._agent, self._model = role in AGENT_LIKE, role is Role.LLM
        self._calls = role in CALLS
        self._talks = role in ANSWERS and role is not Role.STEP
        of = {concept: keys.get(concept, ()) for concept in CONCEPTS}
        self._conversation_id, self._call_id = of["conversation_id"], of["call_id"]
        self._response_id, self._cost_usd = of["response_id"], of["cost_usd"]
        self._usage_in, self._usage_out = of["usage_in"], of["usage_out"]
        self._usage_cached, self._usage_written = of["usage_cached"], of["usage_cache_written"]
        self._ttft_s = of["ttft_s"] if self._model else ()
        self._ttft_ms = of["ttft_ms"] if self._model else ()
        self._input = of["input"] if self._model else ()
        self._args, self._result = of["tool_args"], of["tool_result"]
        self._documents, self._output = of["documents"], of["output"]
        self._answer = self._output if role in ANSWERS else ()

    def read(self, found: Attributes) -> Particulars:
        """The particulars of a span with these attributes."""
        call = self._call(found) if self._calls else _NO_CALL
        output = as_text(_first(found, self._answer)) if self._answer else ""
        asked = calls.asked(output) if output and self._talks else ()
        told = self._told(found, output, asked)
        if self._agent:
            result_hash = content_hash(last_words(output)) if output else None
        else:
            result_hash = call.result_hash
        usage_in, usage_cached = self._input_tokens(found)
        usage_out = (self._usage_out and count(_first(found, self._usage_out))) or None
        conversation_id = self._conversation_id and text(_first(found, self._conversation_id))
        response_id = self._response_id and text(_first(found, self._response_id))
        rare = self._rare(found, call.documents, asked, told)
        tells = Tells(
            call.args not in (None, ""),
            call.there,
            call.result is not None,
            call.fails,
            call.shape,
            bool(output),
            bool(self._output) and _is_there(found, self._output),
            finish_of(output) if output else None,
            bool(asked),
            bool(conversation_id),
            bool(response_id),
            (usage_in is not None, usage_out is not None, usage_cached is not None),
            rare is not None and rare.cost_usd is not None,
            call.documents is not None,
        )
        return Particulars(
            self._role,
            tells,
            conversation_id or "",
            call.call_id,
            response_id or "",
            usage_in,
            usage_out,
            usage_cached,
            call.args_hash,
            result_hash,
            rare,
        )

    def content(self, found: Attributes) -> tuple[Value, Value, str]:
        """Arguments and result of a call, and the answer, as sent."""
        output = as_text(_first(found, self._answer))
        if not self._calls:
            return None, None, output
        return _first(found, self._args), _first(found, self._result), output

    def _rare(
        self,
        found: Attributes,
        documents: int | None,
        asked: tuple[ToldCall, ...],
        told: tuple[ToldCall, ...],
    ) -> Rare | None:
        cost_usd = number(_first(found, self._cost_usd)) if self._cost_usd else None
        ttft_s = number(_first(found, self._ttft_s)) if self._ttft_s else None
        if ttft_s is None and self._ttft_ms:
            millis = number(_first(found, self._ttft_ms))
            ttft_s = None if millis is None else millis / 1000
        if not asked and not told and cost_usd is documents is ttft_s is None:
            return None
        return Rare(asked=asked, told=told, cost_usd=cost_usd, documents=documents, ttft_s=ttft_s)

    def _call(self, found: Attributes) -> _Call:
        args, result = _first(found, self._args), _first(found, self._result)
        is_tool = self._role is Role.TOOL and result is not None
        return _Call(
            args,
            result,
            bool(self._result) and _is_there(found, self._result),
            text(_first(found, self._call_id)),
            items(_first(found, self._documents)) if self._documents else None,
            content_hash(args),
            content_hash(result),
            is_tool and error_result(result),
            shape(result) if is_tool else "",
        )

    def _told(
        self, found: Attributes, output: str, asked: tuple[ToldCall, ...]
    ) -> tuple[ToldCall, ...]:
        """The results of calls that the messages of a model or an agent tell of."""
        if self._model:
            return calls.answered_last(as_text(_first(found, self._input))) if self._input else ()
        return calls.answered(output) if asked else ()

    def _input_tokens(self, found: Attributes) -> tuple[int | None, int | None]:
        """(input tokens, cached ones among them; cached ones). Some emitters leave these out of the
        input, which shows where there are more of them than of input (conventions.md 5.1).
        """
        told = count(_first(found, self._usage_in)) if self._usage_in else None
        cached = count(_first(found, self._usage_cached)) or None if self._usage_cached else None
        if told is None:
            return None, cached
        more = cached or 0
        if self._usage_written:
            more += count(_first(found, self._usage_written)) or 0
        return (told + more if more > told else told) or None, cached


def _is_there(found: Attributes, keys: tuple[str, ...]) -> bool:
    """True where one of the keys is present, be it empty: a tool may return nothing."""
    return any(found.get(key) is not None for key in keys)


def _first(found: Attributes, keys: tuple[str, ...]) -> Value:
    for key in keys:
        value = found.get(key)
        if value is not None and value != "":
            return value
    return None


_NO_CALL = _Call()
