"""What a destination asks of a transport that sends, and what one try can end with.

In: one export request as protobuf bytes. Out: a `SendResult`. No state. Source: OTLP specification
("Failures", "Partial Success"): which answers are worth another try.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agentslo.otlp.answer import Signal


class SendCode(StrEnum):
    """How one try ended."""

    OK = "ok"
    """Accepted; `rejected` items of it were not."""
    RETRY = "retry"
    """Not now, or no answer: the same bytes may be sent again."""
    TOO_LARGE = "too_large"
    """Smaller requests may pass."""
    INVALID = "invalid"
    """Refused for good, perhaps because of one payload in it."""
    REFUSED = "refused"
    """Refused for good, whatever the payload (credentials, path, method)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The answer to one try."""

    code: SendCode
    reason: str = ""
    """From a bounded set; a label of the dropped counter."""
    retry_after_s: float = 0.0
    rejected: int = 0
    message: str = ""


class Sender(Protocol):
    """Sends requests of one destination; used from one event loop, by several tasks at once."""

    async def send(self, signal: Signal, body: bytes, timeout_s: float) -> SendResult:
        """One try; every failure of the peer or the network is a result, not an exception."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


_OK = SendResult(code=SendCode.OK)


def accepted(response: bytes) -> SendResult:
    """The result of an answer that says OK, with what it says of partial success."""
    if not response:
        return _OK
    try:
        # The same field numbers hold for logs and metrics.
        partial = ExportTraceServiceResponse.FromString(response).partial_success
    except DecodeError:
        # It said OK; what else it said cannot be read and must not cause a duplicate.
        return _OK
    return SendResult(
        code=SendCode.OK, rejected=max(0, partial.rejected_spans), message=partial.error_message
    )
