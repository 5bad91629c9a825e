"""What the person asked, reduced: hashes of the words of the last user message and their pieces.

In: attributes of an agent or model span. Out: 32-bit hashes, packed and sorted; the text goes no
further. State: a bounded memo. Pieces of four letters let "refunds" meet "refund" without knowing a
language.
"""

import json
import re
import zlib
from collections.abc import Collection, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from agentslo.dialects.base import Attributes, Value

Hashes = npt.NDArray[np.uint32]
MAX_CHARS = 256
"""More of a message is not read: what it is about stands at its start."""
MAX_JSON_CHARS = 65_536
PIECE = 4
_PIECE_SALT = 1
KEYS = (
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
    for key in KEYS:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            found = _said(value)
            if found:
                return packed(found)
    return b""


def packed(text: str) -> bytes:
    """The hashes of a text's words and pieces, each once, sorted, as native 32-bit integers."""
    return _packed(text[:MAX_CHARS].lower())


@lru_cache(maxsize=256)
def _packed(text: str) -> bytes:
    words = _WORD.findall(text)
    if not words:
        return b""
    line = f" {' '.join(words)} "
    of_words = set(map(zlib.crc32, line.encode("utf-8", "surrogatepass").split(b" ")[1:-1]))
    if line.isascii():
        found = np.append(_ascii_pieces(line), _uint32(of_words))
        found.sort()
        is_new = np.empty(len(found), np.bool_)
        is_new[0] = True
        np.not_equal(found[1:], found[:-1], out=is_new[1:])
        return found[is_new].tobytes()
    pieces = (line[start : start + PIECE] for start in range(len(line) - PIECE + 1))
    encoded = (piece.encode("utf-8", "surrogatepass") for piece in pieces)
    return _uint32(sorted(of_words | {zlib.crc32(p, _PIECE_SALT) for p in encoded})).tobytes()


def _uint32(numbers: Collection[int]) -> Hashes:
    return np.fromiter(numbers, np.uint32, len(numbers))


def _of_byte(place: int) -> Hashes:
    """What a byte in that place of a piece adds to its CRC-32, which is linear."""
    zeros = bytes(PIECE)
    start = zlib.crc32(zeros, _PIECE_SALT) if place else 0
    pieces = (zeros[:place] + bytes((byte,)) + zeros[place + 1 :] for byte in range(256))
    return _uint32([zlib.crc32(piece, _PIECE_SALT) ^ start for piece in pieces])


_OF_BYTE = [_of_byte(place) for place in range(PIECE)]


def _ascii_pieces(line: str) -> Hashes:
    found = np.frombuffer(line.encode(), np.uint8)
    count = len(found) - PIECE + 1
    hashed = _OF_BYTE[0].take(found[:count])
    for place in range(1, PIECE):
        hashed ^= _OF_BYTE[place].take(found[place : place + count])
    return hashed


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
