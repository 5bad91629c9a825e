"""Finish reasons of all providers as one vocabulary (conventions.md 5.4).

In: the attribute as sent: an array, a plain string or a JSON string. Out: `Finish` or None.
"""

import json

from agentslo.dialects.base import Value
from agentslo.model import Finish

_RAW: dict[Finish, tuple[str, ...]] = {
    Finish.STOP: ("stop", "end_turn", "stop_sequence", "eos", "complete", "completed"),
    Finish.TOOL_CALL: (
        "tool_call",
        "tool_calls",
        "tool-calls",
        "tool_use",
        "function_call",
        "pause_turn",
    ),
    Finish.LENGTH: (
        "length",
        "max_tokens",
        "max_output_tokens",
        "model_context_window_exceeded",
        "incomplete",
    ),
    Finish.CONTENT_FILTER: (
        "content_filter",
        "content-filter",
        "content_filtered",
        "guardrail_intervened",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "image_safety",
    ),
    Finish.REFUSAL: ("refusal",),
    Finish.ERROR: (
        "error",
        "failed",
        "malformed_function_call",
        "unexpected_tool_call",
    ),
    Finish.CANCELLED: ("cancelled", "canceled", "abort", "interrupted"),
}
_TABLE = {raw: finish for finish, names in _RAW.items() for raw in names}


def normalise(value: Value) -> Finish | None:
    """The normalised reason; of several choices the last that says something."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    raw = value if isinstance(value, list) else [value]
    names = [r.lower().rsplit(".", 1)[-1] for r in raw if isinstance(r, str)]
    known = [_TABLE[name] for name in names if name in _TABLE]
    return known[-1] if known else None
