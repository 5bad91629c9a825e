"""What the person asked, reduced: hashes of the words of the last user message and their pieces.

In: attributes of an agent or model span. Out: 32-bit hashes, packed and sorted; the text goes no
further. No state. Pieces of four letters let "refunds" meet "refund" without knowing a language.
"""

import json
import re
import zlib
from array import array
from collections.abc import Iterator

from agentslo.dialects.base import Attributes, Value

MAX_CHARS = 256
"""More of a message is not read: what it is about stands at its start."""
MAX_JSON_CHARS = 65_536
PIECE = 4
_PIECE_SALT = 1
_KEYS = (
    "gen_ai.input.messages",
    "input.value",
    "traceloop.entity.input",
    "gen_ai.prompt.0.content",
)
_TEXTS = ("content", "text", "input", "query", "question", "prompt")
_PERSONS = frozenset({"user", "human"})
_USER = re.compile(r'"role"\s*:\s*"user"')
_WORD = re.compile(r"\w+")


def hashed_request(attributes: Attributes) -> bytes:
    """The packed hashes of what the person said last; empty where no text was captured."""
    for key in _KEYS:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            found = _said(value)
            if found:
                return packed(found)
    return b""


def packed(text: str) -> bytes:
    """The hashes of a text's words and pieces, each once, sorted, as native 32-bit integers."""
    words = _WORD.findall(text[:MAX_CHARS].lower())
    line = f" {' '.join(words)} "
    found = {zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words}
    for start in range(len(line) - PIECE + 1):
        piece = line[start : start + PIECE].encode("utf-8", "surrogatepass")
        found.add(zlib.crc32(piece, _PIECE_SALT))
    return array("I", sorted(found)).tobytes() if words else b""


def _said(value: str) -> str:
    if not value.lstrip().startswith(("[", "{")):
        return value
    if len(value) > MAX_JSON_CHARS:
        value = _tail(value)
    try:
        parsed: Value = json.loads(value)
    except (ValueError, RecursionError):
        return ""
    return next(_texts(parsed), "")


def _tail(value: str) -> str:
    """The last user message of a conversation too long to be parsed, as JSON."""
    found = list(_USER.finditer(value, len(value) - MAX_JSON_CHARS))
    start = value.rfind("{", 0, found[-1].start()) if found else -1
    try:
        _, end = json.JSONDecoder().raw_decode(value, start) if start >= 0 else (None, 0)
    except (ValueError, RecursionError):
        return ""
    return value[start:end] if end else ""


def _texts(parsed: Value) -> Iterator[str]:
    """Texts a person wrote, the last message first."""
    if isinstance(parsed, str):
        yield parsed
    elif isinstance(parsed, list):
        for item in reversed(parsed):
            if not isinstance(item, dict) or item.get("role", "user") in _PERSONS:
                yield from _texts(item)
    elif isinstance(parsed, dict):
        for key in ("messages", "parts", *_TEXTS):
            if key in parsed:
                yield from _texts(parsed[key])
