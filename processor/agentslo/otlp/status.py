"""A `Reply` in the words of gRPC and HTTP: codes, `google.rpc.Status`, retry hints.

In: replies. Out: status codes, trailing metadata, response bodies. No state. Source: OTLP
specification ("Failures", "Retryable Response Codes"), google.rpc error model.
"""

import json
import math

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from agentslo.otlp.answer import Reply, ReplyCode

DETAILS_KEY = "grpc-status-details-bin"
"""Where the gRPC error model puts the serialized `google.rpc.Status`."""
RETRY_INFO_KEY = "google.rpc.retryinfo-bin"
"""Where the OpenTelemetry Python exporter looks for the delay instead."""

MESSAGE_CHARACTERS = 300
"""Longest text sent back. It travels twice in headers, which gRPC drops at random above 8 KiB: a
character takes up to 12 bytes percent-encoded and 6 in the status.
"""

GRPC_CODE = {
    ReplyCode.ACCEPTED: grpc.StatusCode.OK,
    ReplyCode.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    ReplyCode.RETRY: grpc.StatusCode.UNAVAILABLE,
    # Without RetryInfo: clients then take it as permanent, which an oversize request is.
    ReplyCode.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ReplyCode.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
}

HTTP_STATUS = {
    ReplyCode.ACCEPTED: 200,
    ReplyCode.INVALID: 400,
    # Not 429: the Python HTTP exporter before mid-2026 drops on it.
    ReplyCode.RETRY: 503,
    ReplyCode.TOO_LARGE: 413,
    ReplyCode.UNAUTHENTICATED: 401,
}


def retry_after_s(reply: Reply) -> int:
    """Whole seconds for `Retry-After`, at least one."""
    return max(1, math.ceil(reply.retry_after_s))


def retry_info(reply: Reply) -> error_details_pb2.RetryInfo:
    """The delay as google.rpc wants it."""
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(reply.retry_after_s * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def rpc_status(reply: Reply) -> status_pb2.Status:
    """The reply as a `google.rpc.Status`, with `RetryInfo` where a retry is wanted."""
    code, _ = GRPC_CODE[reply.code].value
    status = status_pb2.Status(code=code, message=reply.message[:MESSAGE_CHARACTERS])
    if reply.code is ReplyCode.RETRY:
        status.details.add().Pack(retry_info(reply))
    return status


def trailers(reply: Reply) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata of a refused gRPC call."""
    details = (DETAILS_KEY, rpc_status(reply).SerializeToString())
    if reply.code is not ReplyCode.RETRY:
        return (details,)
    return (details, (RETRY_INFO_KEY, retry_info(reply).SerializeToString()))


def status_json(status: status_pb2.Status) -> bytes:
    """A `google.rpc.Status` without its details in the JSON encoding."""
    return json.dumps({"code": status.code, "message": status.message}).encode()
