"""A version of the prompt where the sender names none: a hash of the system prompt it captured.

In: attributes of a model's or an agent's span. Out: `hash-` and eight hex digits, or nothing. No
state; the text goes no further. Numbers are left out of the hash: dates, ids and counts change from
call to call. Source: conventions.md 10 (where system prompts stand).
"""

import re

from agentslo.dialects.base import Attributes, Value
from agentslo.dialects.content import as_text, content_hash

DERIVED = "hash-"
_NUMBER = re.compile(r"\d+")
_FIRST_MESSAGES = ("llm.input_messages.0.message", "gen_ai.prompt.0")


def derived_version(found: Attributes) -> str:
    """The version that the captured system prompt stands for; "" where none was captured."""
    told: Value = found.get("gen_ai.system_instructions")
    if not told:
        first = (m for m in _FIRST_MESSAGES if found.get(f"{m}.role") == "system")
        told = next((found.get(f"{m}.content") for m in first), None)
    hashed = content_hash(_NUMBER.sub("0", as_text(told)))
    return "" if hashed is None else f"{DERIVED}{hashed:08x}"
