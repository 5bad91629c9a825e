"""The tool calls a model asked for and the results it was given, read from captured messages.

In: messages as JSON, as instrumentation captures them. Out: `ToldCall`s, joined by call
id. No state. Read by key, never by words: an asked call is an object with a name, arguments
and an id; an answer one with the id of a call and a result. These shapes are those of the OTel
GenAI message schema, OpenAI (chat and responses), Anthropic, Bedrock, LangChain and Haystack.
Instrumentation of a model's SDK alone sends no span for a tool; this is what is left of the call.
"""

import re
from collections.abc import Iterator, Mapping

from agentslo.dialects.answer import MAX_BYTES, MAX_DEPTH
from agentslo.dialects.base import Value
from agentslo.dialects.content import content_hash, error_result, parsed_json
from agentslo.model import ToldCall

MAX_CALLS = 64
"""Calls kept of one span."""
_ASKS = re.compile(r'"(arguments|args|tool_use|toolUse)"')
_ANSWERS = re.compile(
    r'"(tool_call_id|tool_use_id|call_id|toolUseId|origin|tool_call_response|tool_result)"'
)
_LISTS = ("messages", "input", "contents")
_MODEL = ("assistant", "ai", "model")
_NAMES = ("name", "tool_name")
_ARGUMENTS = ("arguments", "args", "input")
_ANSWERED = ("call_id", "tool_call_id", "tool_use_id", "toolUseId")
_IDS = (*_ANSWERED, "id")
_ANSWER_TYPES = ("tool_call_response", "tool_result", "function_call_output")
_RESULTS = ("response", "result", "output", "content")
_FLAGS = ("is_error", "isError", "error")


def asked(messages: str) -> tuple[ToldCall, ...]:
    """The calls a message asks for, in order."""
    if '"arg' not in messages and '"tool' not in messages:
        return ()
    found = (_ask(at) for at in _walk(_parsed(messages, _ASKS), 0))
    return tuple(dict.fromkeys(a for a in found if a is not None))[:MAX_CALLS]


def answered(messages: str) -> tuple[ToldCall, ...]:
    """The results in messages, in order."""
    found = (_answer(at) for at in _walk(_parsed(messages, _ANSWERS), 0))
    return tuple(a for a in found if a is not None)[-MAX_CALLS:]


def answered_last(messages: str) -> tuple[ToldCall, ...]:
    """The results since a model spoke last: those before are told by earlier model calls."""
    if not ('"tool' in messages or '"call_id' in messages or '"origin' in messages):
        return ()
    parsed = _parsed(messages, _ANSWERS)
    if isinstance(parsed, dict):
        parsed = next((v for key in _LISTS if isinstance(v := parsed.get(key), list)), parsed)
    if isinstance(parsed, list):
        spoken = [
            i for i, m in enumerate(parsed) if isinstance(m, dict) and m.get("role") in _MODEL
        ]
        parsed = parsed[spoken[-1] + 1 :] if spoken else parsed
    found = (_answer(at) for at in _walk(parsed, 0))
    return tuple(a for a in found if a is not None)[-MAX_CALLS:]


def _parsed(messages: str, tells: re.Pattern[str]) -> Value:
    if len(messages) > MAX_BYTES or not tells.search(messages):
        return None
    try:
        parsed: Value = parsed_json(messages)
    except (ValueError, RecursionError):
        return None
    return parsed


def _walk(value: Value, depth: int) -> Iterator[Mapping[str, Value]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        yield value
        # What was sent to a tool or came back from it is data, whatever it looks like.
        if _ask(value) is not None:
            return
        for key, inner in value.items():
            if isinstance(inner, dict | list) and not (_is_answer(value) and key in _RESULTS):
                yield from _walk(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, depth + 1)


def _first(value: Mapping[str, Value], keys: tuple[str, ...]) -> Value:
    return next((value[key] for key in keys if value.get(key) is not None), None)


def _ask(value: Mapping[str, Value]) -> ToldCall | None:
    call = value.get("function")
    inner = call if isinstance(call, dict) else value
    name, ident = _first(inner, _NAMES), _first(value, _IDS)
    if not (isinstance(name, str) and name and isinstance(ident, str) and ident):
        return None
    if not any(key in inner for key in _ARGUMENTS):
        return None
    return ToldCall(id=ident, tool=name, content_hash=content_hash(_first(inner, _ARGUMENTS)))


def _is_answer(value: Mapping[str, Value]) -> bool:
    """True for an object that names the call it answers, rather than being one."""
    if value.get("type") in _ANSWER_TYPES or isinstance(value.get("origin"), dict):
        return True
    return "arguments" not in value and any(isinstance(value.get(k), str) for k in _ANSWERED)


def _answer(value: Mapping[str, Value]) -> ToldCall | None:
    if not _is_answer(value) or not any(key in value for key in _RESULTS):
        return None
    origin = value.get("origin")
    ident = _first(origin, _IDS) if isinstance(origin, dict) else _first(value, _IDS)
    if not isinstance(ident, str) or not ident:
        return None
    result = _first(value, _RESULTS)
    marked = any(value.get(key) is True for key in _FLAGS) or value.get("status") == "error"
    failed = marked or error_result(result)
    return ToldCall(id=ident, content_hash=content_hash(result), failed=failed)
