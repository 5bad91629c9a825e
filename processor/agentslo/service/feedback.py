"""What people and other systems say of a run after the fact: `POST /v1/feedback`.

In: a JSON body. Out: what it is about and the evaluation, or `FeedbackError` with what is wrong.
Pure. Idempotent on `id`, or on the content where none is given.
"""

import hashlib
import json
from typing import Any

from agentslo.model import Evaluation
from agentslo.runs.evidence import About

MAX_BYTES = 65_536
KINDS = {
    "thumbs_up": ("user_feedback", "pass"),
    "thumbs_down": ("user_feedback", "fail"),
    "human_reversal": ("human_reversal", "fail"),
    "refund": ("refund", "fail"),
    "complaint": ("complaint", "fail"),
    "confirmed": ("human_confirmation", "pass"),
}
"""Ready-made kinds: (evaluation name, label)."""
_ABOUT = ("run_id", "trace_id", "response_id", "conversation_id")


class FeedbackError(ValueError):
    """The body cannot be read; the message says what to send."""


def read(body: bytes) -> tuple[About, Evaluation]:
    """One piece of feedback."""
    if len(body) > MAX_BYTES:
        raise FeedbackError(f"{len(body)} bytes are too much; send at most {MAX_BYTES}")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FeedbackError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise FeedbackError("send one JSON object")
    about = About(
        run_id=_text(found, "run_id"),
        trace_id=_text(found, "trace_id"),
        response_id=_text(found, "response_id"),
        conversation_id=_text(found, "conversation_id"),
    )
    if not any(True for _ in about.names()):
        raise FeedbackError(f"name the run by one of {', '.join(_ABOUT)}")
    name, label = _named(found)
    score = found.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise FeedbackError("score must be a number from 0 to 1")
    if not label and score is None:
        raise FeedbackError("give a kind, a label (pass or fail) or a score")
    given = _text(found, "id")
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
    return about, Evaluation(
        name=name,
        label=label,
        score=None if score is None else float(score),
        human=found.get("by", "human") == "human",
        id=given or digest,
    )


def _named(found: dict[str, Any]) -> tuple[str, str]:
    kind = _text(found, "kind")
    if kind and kind not in KINDS:
        raise FeedbackError(f"kind must be one of {', '.join(KINDS)}")
    name, label = KINDS.get(kind, ("user_feedback", ""))
    return _text(found, "name") or name, _text(found, "label") or label


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str) or len(value) > 512:
        raise FeedbackError(f"{key} must be a string of at most 512 characters")
    return value
