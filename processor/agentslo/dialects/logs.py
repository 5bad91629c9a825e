"""Evaluations in OTLP logs: `gen_ai.evaluation.result` records (conventions.md 9).

In: one encoded LogRecord. Out: trace id, span id and the evaluation, or None where the record is
something else. No state. Raises `google.protobuf.message.DecodeError` on bytes that are no record.
"""

import hashlib
from dataclasses import dataclass

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agentslo.dialects.base import text
from agentslo.dialects.evaluations import EVENT, evaluation
from agentslo.dialects.values import attributes
from agentslo.model import Evaluation

MARKER = EVENT.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvaluation:
    """An evaluation and what it is about; ids are raw bytes and may be empty, but not all."""

    trace_id: bytes
    span_id: bytes
    response_id: str
    time_ns: int
    evaluation: Evaluation


def read(encoded: bytes) -> LoggedEvaluation | None:
    """The evaluation in a log record."""
    if MARKER not in encoded:
        return None
    record = LogRecord.FromString(encoded)
    found = attributes(record.attributes)
    named = record.event_name or text(found.get("event.name"))
    response_id = text(found.get("gen_ai.response.id"))
    in_trace = len(record.trace_id) == 16 and any(record.trace_id)
    if named != EVENT or not (in_trace or response_id):
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
        trace_id=record.trace_id if in_trace else b"",
        span_id=record.span_id if in_trace else b"",
        response_id=response_id,
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        evaluation=evaluation(found, ident),
    )
