"""Captured content, reduced: hashes for comparison, a tool's own word on its failure, list lengths.

In: attribute values. Out: numbers and flags; the content itself goes no further. No state but a
bounded memo of hashes.
"""

import json
import zlib
from functools import lru_cache

from agentslo.dialects.base import Value

MAX_JSON_BYTES = 262_144
MAX_CANONICAL_BYTES = 8192
"""Longer arguments are hashed as they came: models write those in one order anyway."""


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
        return parsed_json(value)
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=4)
def parsed_json(value: str) -> Value:
    """Some JSON, which is not to be changed: several facts are read from the same text. Raises what
    `json.loads` does.
    """
    parsed: Value = json.loads(value)
    return parsed


_CANONICAL = json.JSONEncoder(sort_keys=True).encode


@lru_cache(maxsize=4096)
def _text_hash(value: str) -> int:
    parsed = _parsed(value) if len(value) <= 8192 else None
    canonical = value if parsed is None else _CANONICAL(parsed)
    return zlib.crc32(canonical.encode("utf-8", "surrogatepass"))


def content_hash(value: Value) -> int | None:
    """A 32-bit hash of captured content, equal for JSON that differs only in key order or space."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _text_hash(value)
    return zlib.crc32(json.dumps(value, sort_keys=True, default=repr).encode())


def as_text(value: Value) -> str:
    """Messages as JSON text, whether they were sent so or as structured attributes."""
    if isinstance(value, list | dict):
        return json.dumps(value, default=repr)
    return value if isinstance(value, str) else ""


def shape(value: Value) -> str:
    """A short hash of the field names of a JSON object; empty for anything else."""
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, dict):
        return ""
    return f"{zlib.crc32(','.join(sorted(value)).encode('utf-8', 'surrogatepass')):08x}"


def items(value: Value) -> int | None:
    """How many entries a list holds, sent as an array or as a JSON string; None where untold."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, list):
        return len(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None
