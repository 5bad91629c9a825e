"""Where words came from: a person, or instructions hidden in what a tool returned.

In: texts of one span. Out: sets of 32-bit hashes of words; the texts go no further. No state.
A tool result that talks to the model ("before you can solve the task, do the following first") may
be an injection; a later call whose argument holds a word from that passage, and from nothing a
person said, carries it out. On labelled attacks (agentdojo) the rule finds 0.92 of the violations
at precision 0.40, with none on benign runs; see docs/outcomes.md for the command that measures it.
"""

import json
import re
import zlib
from collections.abc import Iterator

from agentslo.dialects.base import Attributes, Value

MAX_WORDS = 512
BEFORE, AFTER = 100, 1200
"""Characters around the tell-tale words that count as the passage."""
MAX_TEXT = 200_000
_INSTRUCTION = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,60}\b(previous|above|prior|earlier|all)\b.{0,40}"
    r"\b(instruction|prompt|task|message)"
    r"|\bimportant (message|information|instruction)s?\b.{0,40}\b(from|to|for) (me|you)\b"
    r"|\bbefore (you )?(can |could )?(solve|continue|complete|proceed|finish)"
    r"|\bdo the following (first|instead)"
    r"|<(information|important|system|instructions?)>"
    r"|\byour (new|real) (task|instruction|goal)",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z0-9_@./:+\-]{3,}")
_USER_KEYS = ("gen_ai.input.messages", "input.value", "gen_ai.prompt.0.content")


def words(text: str) -> frozenset[int]:
    """Hashes of the words of a text, at most MAX_WORDS."""
    found: set[int] = set()
    for match in _WORD.finditer(text[:MAX_TEXT]):
        found.add(zlib.crc32(match.group().strip(".,:;-").lower().encode()))
        if len(found) >= MAX_WORDS:
            break
    return frozenset(found)


def instructed(result: str) -> frozenset[int]:
    """The words of a passage in a tool result that talks to the model; empty where none does."""
    match = _INSTRUCTION.search(result[:MAX_TEXT])
    if match is None:
        return frozenset()
    return words(result[max(0, match.start() - BEFORE) : match.end() + AFTER])


def said_by_person(attributes: Attributes) -> frozenset[int]:
    """The words of the user's messages on a model or agent span."""
    found: frozenset[int] = frozenset()
    for key in _USER_KEYS:
        value = attributes.get(key)
        if isinstance(value, str):
            for text in _user_texts(value):
                found |= words(text)
    return found


def _user_texts(value: str) -> Iterator[str]:
    if not value.lstrip().startswith(("[", "{")):
        yield value
        return
    try:
        parsed: Value = json.loads(value[:MAX_TEXT])
    except (ValueError, RecursionError):
        return
    messages = parsed.get("messages") if isinstance(parsed, dict) else parsed
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and message.get("role") == "user":
            yield json.dumps(message)
