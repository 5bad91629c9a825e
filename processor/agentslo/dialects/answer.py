"""What a captured answer says of itself: refused, asks for a tool, cut off; and its last words.

In: a JSON answer or message history as instrumentation captures it. Out: `Finish` or None, a text.
No state. Read by key, never by the words of a text: providers' response schemas (OpenAI `choices`,
`refusal`, `tool_calls`; Anthropic `stop_reason`, `tool_use`; Gemini `function_call`) and the
message objects of frameworks keep these keys (FINDINGS 1.10, 1.16). Of a history the last message
counts.
"""

import re
from collections.abc import Iterator

from agentslo.dialects.content import parsed_json
from agentslo.dialects.finish import normalise
from agentslo.model import Finish

MAX_BYTES = 262_144
MAX_DEPTH = 40
_TOOL = (
    r'"(tool_calls|function_call|functionCall)"\s*:\s*(\[\s*)?\{'
    r'|"type"\s*:\s*"(tool_call|tool_use|function_call)"'
)
_TELLS = re.compile(
    r'"refusal"\s*:\s*"[^"]|"type"\s*:\s*"refusal"|"(finish|stop)_reason"\s*:\s*"|' + _TOOL
)
_MESSAGE_KEYS = frozenset(
    {
        *("additional_kwargs", "refusal", "tool_calls", "finish_reason", "stop_reason"),
        *("response_metadata", "parts"),
    }
)
_PART_TYPES = ("tool_call", "tool_use", "function_call")
_WORDS = ("content", "text")


def finish_of(answer: str) -> Finish | None:
    """How the last message in the answer ended; None where it does not tell."""
    if not _may_tell(answer):
        return None
    if len(answer) > MAX_BYTES or not _TELLS.search(answer):
        return None
    try:
        parsed: object = parsed_json(answer)
    except (ValueError, RecursionError):
        return None
    last: object = None
    for message in _messages(parsed, 0):
        last = message
    return _finish(last) if last is not None else None


def _may_tell(answer: str) -> bool:
    """Whether the answer holds something of what all that `_TELLS` matches holds."""
    tool = '"tool_' in answer or '"function' in answer
    return tool or '_reason"' in answer or '"refusal"' in answer


def last_words(answer: str) -> str:
    """The text of the last message in an answer; the answer itself where it holds no messages."""
    if not answer.lstrip().startswith(("{", "[")) or len(answer) > MAX_BYTES:
        return answer
    try:
        parsed: object = parsed_json(answer)
    except (ValueError, RecursionError):
        return answer
    said = [v for key, v in _pairs(parsed) if key in _WORDS and isinstance(v, str) and v]
    return said[-1] if said else answer


def _messages(value: object, depth: int) -> Iterator[object]:
    """The outermost objects that look like a message or a response, in order."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        if _MESSAGE_KEYS & value.keys():
            yield value
        else:
            for inner in value.values():
                yield from _messages(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _messages(inner, depth + 1)


def _pairs(value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from _pairs(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _pairs(inner, depth + 1)


def _finish(message: object) -> Finish | None:
    found: Finish | None = None
    asks = False
    for key, value in _pairs(message):
        if (key == "refusal" and isinstance(value, str) and value) or (
            key == "type" and value == "refusal"
        ):
            return Finish.REFUSAL
        if key in ("finish_reason", "stop_reason") and isinstance(value, str):
            found = normalise(value) or found
        asks = asks or _asks(key, value)
    return Finish.TOOL_CALL if asks and found in (None, Finish.STOP) else found


def _asks(key: str, value: object) -> bool:
    if key in ("tool_calls", "function_call", "functionCall"):
        return bool(value)
    return key == "type" and value in _PART_TYPES
