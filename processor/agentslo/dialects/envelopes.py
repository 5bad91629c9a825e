"""What a tool itself gave, out of what frameworks put around it.

In: a result as a span holds it. Out: its fields. Pure. Known wrappers: messages of LangChain,
outputs of LlamaIndex, content blocks of MCP, Bedrock and Strands.
"""

import json

from agentslo.dialects.base import Value
from agentslo.dialects.content import MAX_JSON_BYTES

Fields = dict[str, Value]
_DEEPEST = 4
_BLOCKS = frozenset(
    {"content", "structuredContent", "isError", "is_error", "status", "toolUseId", "_meta", "type"}
)
"""Keys of a result in content blocks; one more, and it is the tool's own object."""


def fields(value: Value) -> Fields:
    """A JSON object, sent as a string or a structure, as a dict; else empty."""
    found = _parsed(value)
    return found if isinstance(found, dict) else {}


def unwrapped(value: Value) -> Fields:
    """The fields of the tool's own result; empty where nothing is around it, or nothing in it."""
    inner = value
    for depth in range(_DEEPEST):
        found = _parsed(inner)
        inner = _inside(found)
        if inner is None:
            return found if depth and isinstance(found, dict) else {}
    return {}


def _parsed(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith(("{", "[")) or len(value) > MAX_JSON_BYTES:
        return None
    try:
        found: Value = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return found


def _inside(found: Value) -> Value:
    """What the wrapper holds; None where this is none."""
    if isinstance(found, list):
        return _of_block(found[0]) if len(found) == 1 else None
    if not isinstance(found, dict):
        return None
    if found.get("type") == "tool":  # LangChain: a message, or one in a dump
        data = found.get("data")
        return data.get("content") if isinstance(data, dict) else found.get("content")
    if "raw_output" in found and "tool_name" in found:  # LlamaIndex
        return found["raw_output"]
    if isinstance(found.get("content"), list) and found.keys() <= _BLOCKS:
        structured = found.get("structuredContent")
        return structured if isinstance(structured, dict) else found["content"]
    return None


def _of_block(block: Value) -> Value:
    if not isinstance(block, dict):
        return None
    return block.get("json", block.get("text")) if block.keys() & {"json", "text"} else None
