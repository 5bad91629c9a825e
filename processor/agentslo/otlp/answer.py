"""What the receivers ask of the rest of the program, and how they are answered.

In: one uncompressed protobuf export request with its signal. Out: a `Reply`, which the gRPC and
the HTTP receiver each put in their own words (`status.py`). State: none but `Answers`, the
counts of one listener. Source: OTLP specification, "OTLP/gRPC Response" and "OTLP/HTTP Response".
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

logger = logging.getLogger(__name__)

FAULT_RETRY_S = 1.0
"""How soon a client may try again after a fault of our own."""


class Signal(StrEnum):
    """The three OTLP signals that are received and forwarded."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"

    @property
    def grpc_service(self) -> str:
        """Full name of the collector service."""
        name = {"traces": "trace", "logs": "logs", "metrics": "metrics"}[self.value]
        return f"opentelemetry.proto.collector.{name}.v1.{name.capitalize()}Service"

    @property
    def grpc_method(self) -> str:
        """Full path of the export method."""
        return f"/{self.grpc_service}/Export"

    @property
    def http_path(self) -> str:
        """Path of the HTTP endpoint."""
        return f"/v1/{self.value}"


class ReplyCode(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    INVALID = "invalid"
    """Can never be understood: the client must not send it again."""
    RETRY = "retry"
    """Not now: the client keeps it and sends it again."""
    TOO_LARGE = "too_large"
    UNAUTHENTICATED = "unauthenticated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request, whatever the transport."""

    code: ReplyCode
    message: str = ""
    retry_after_s: float = 0.0


ACCEPTED = Reply(code=ReplyCode.ACCEPTED)
BUSY = Reply(code=ReplyCode.RETRY, message="too many requests at once", retry_after_s=1.0)

NO_TOKEN = Reply(code=ReplyCode.UNAUTHENTICATED, message="a bearer token is needed")
LOCKED = Reply(
    code=ReplyCode.RETRY, message="too many wrong tokens from this address", retry_after_s=5.0
)


class Ingest(Protocol):
    """The pipeline as a receiver sees it; both methods run on the receivers' event loop."""

    def admit(self, size_bytes: int) -> Reply | None:
        """Whether a body of this size may be read: None to go on, else the refusal."""
        ...

    async def ingest(self, signal: Signal, body: bytes, listener: str) -> Reply:
        """Take one uncompressed protobuf export request; cancelled when the client leaves."""
        ...


@dataclass(slots=True)
class Answers:
    """What one listener answered since it started."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (signal or `other`, reply code)."""
    received_bytes: int = 0
    """Uncompressed bytes of the bodies handed to `ingest`."""
    faults: int = 0
    """Exceptions out of `ingest`: bugs, answered as retryable."""


async def ask(
    ingest: Ingest, answers: Answers, signal: Signal, body: bytes, listener: str
) -> Reply:
    """Admit and ingest one body; a bug in there becomes a retryable answer, never a lost span."""
    try:
        refusal = ingest.admit(len(body))
        if refusal is not None:
            return refusal
        answers.received_bytes += len(body)
        return await ingest.ingest(signal, body, listener)
    except Exception:
        answers.faults += 1
        if answers.faults == 1:
            # Only the first: a fault on every request would drown the log; the counter tells.
            logger.exception("ingest failed on listener %s; answering retryable", listener)
        return Reply(code=ReplyCode.RETRY, message="internal fault", retry_after_s=FAULT_RETRY_S)
