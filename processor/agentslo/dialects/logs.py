"""Evaluations in OTLP logs: `gen_ai.evaluation.result` records (conventions.md 9).

In: one encoded LogRecord. Out: trace id, span id and the evaluation, or None where the record is
something else. No state. Raises `google.protobuf.message.DecodeError` on bytes that are no record.
"""

import hashlib
from dataclasses import dataclass

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agentslo.dialects.base import text
from agentslo.dialects.read import evaluation
from agentslo.dialects.values import attributes
from agentslo.model import Evaluation

EVENT = "gen_ai.evaluation.result"
MARKER = EVENT.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvaluation:
    """An evaluation and the span it is about; ids are raw bytes, `span_id` may be empty."""

    trace_id: bytes
    span_id: bytes
    time_ns: int
    evaluation: Evaluation


def read(encoded: bytes) -> LoggedEvaluation | None:
    """The evaluation in a log record."""
    if MARKER not in encoded:
        return None
    record = LogRecord.FromString(encoded)
    found = attributes(record.attributes)
    named = record.event_name or text(found.get("event.name"))
    if named != EVENT or len(record.trace_id) != 16:
        return None
    ident = hashlib.sha256(
        b"\0".join(
            (
                record.trace_id,
                record.span_id,
                str(record.time_unix_nano).encode(),
                repr(sorted((k, repr(v)) for k, v in found.items())).encode(),
            )
        )
    ).hexdigest()[:16]
    return LoggedEvaluation(
        trace_id=record.trace_id,
        span_id=record.span_id,
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        evaluation=evaluation(found, ident),
    )
