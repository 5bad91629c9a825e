"""Whether a process under test passed on exactly what it was sent.

In: the requests that arrived at the sink, and the shape and salts of what was sent. Out: a
`Found`. `bytes`: a plain span must be the bytes that were sent, a marked one the same bytes with
attributes of ours behind them, resource and scope unchanged. `message`: the same of the parsed
messages, for peers that encode anew. Pure.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.bench.payloads import SALT, Pass
from agentslo.otlp.cut import Batch, Request

OURS = "agent_slo."
OUTCOME = "agent_slo.run.outcome"
OWN_SCOPE = b"\x08agentslo"
_ID = slice(2, 18)
_AT = slice(2, 6)


class Level(StrEnum):
    """How alike what arrives must be."""

    BYTES = "bytes"
    MESSAGE = "message"


@dataclass(slots=True)
class Found:
    """What arrived."""

    spans: int = 0
    """Of those sent, without copies."""
    marked: int = 0
    """Spans with attributes of ours."""
    outcomes: int = 0
    """Run roots that carry their outcome."""
    verdict_spans: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    """What is not as it must be."""


@dataclass(frozen=True, slots=True)
class _Sent:
    resource: bytes
    scope: bytes
    encoded: bytes


class Check:
    """Compares one round. State: which spans have been seen."""

    def __init__(self, sent: Pass, salts: Iterable[bytes], level: Level) -> None:
        self._salts, self._level = frozenset(salts), level
        self._wanted: dict[bytes, _Sent] = {}
        for body in sent.requests:
            for batch in Request(body).batches:
                for encoded in batch.items:
                    one = _Sent(batch.resource, batch.scope, encoded)
                    self._wanted[_key(encoded)] = one
        self._seen: set[bytes] = set()
        self._found = Found()
        self._wrong: Counter[str] = Counter()

    def arrived(self, body: bytes) -> None:
        """One request at the sink."""
        for batch in Request(body).batches:
            if OWN_SCOPE in batch.scope:
                self._found.verdict_spans += len(batch.items)
                continue
            for encoded in batch.items:
                self._span(encoded, batch)

    def result(self) -> Found:
        """What was found; `missing` is what never came."""
        found = self._found
        found.spans = len(self._seen)
        self._wrong["missing"] = len(self._wanted) * len(self._salts) - found.spans
        found.wrong = dict(+self._wrong)
        return found

    def _span(self, encoded: bytes, batch: Batch) -> None:
        wrong = self._wrong
        trace_id, key = _ids(encoded)
        salt = trace_id[: len(SALT)]
        sent = self._wanted.get(key)
        if sent is None or salt not in self._salts:
            wrong["stranger"] += 1
            return
        if salt + key in self._seen:
            wrong["twice"] += 1
            return
        self._seen.add(salt + key)
        if self._level is Level.BYTES:
            self._as_bytes(encoded, batch, sent, salt)
        else:
            self._as_message(encoded, batch, sent, salt)

    def _as_bytes(self, encoded: bytes, batch: Batch, sent: _Sent, salt: bytes) -> None:
        if batch.resource != sent.resource or batch.scope != sent.scope:
            self._wrong["moved"] += 1
        if not encoded.startswith(_salted(sent.encoded, salt)):
            self._wrong["changed"] += 1
        elif len(encoded) > len(sent.encoded):
            self._added(Span.FromString(encoded[len(sent.encoded) :]))

    def _as_message(self, encoded: bytes, batch: Batch, sent: _Sent, salt: bytes) -> None:
        if Resource.FromString(batch.resource) != Resource.FromString(sent.resource) or (
            InstrumentationScope.FromString(batch.scope)
            != InstrumentationScope.FromString(sent.scope)
        ):
            self._wrong["moved"] += 1
        span, wanted = Span.FromString(encoded), Span.FromString(_salted(sent.encoded, salt))
        extra = Span(attributes=span.attributes[len(wanted.attributes) :])
        if span.HasField("status") and not span.status.ByteSize():
            # What the Collector writes for a span without one; it says the same.
            span.ClearField("status")
        del span.attributes[len(wanted.attributes) :]
        if span != wanted:
            self._wrong["changed"] += 1
        elif extra.attributes:
            self._added(extra)

    def _added(self, extra: Span) -> None:
        keys = [attribute.key for attribute in extra.attributes]
        del extra.attributes[:]
        if extra != Span() or not all(key.startswith(OURS) for key in keys):
            self._wrong["added"] += 1
            return
        self._found.marked += 1
        self._found.outcomes += OUTCOME in keys


def _salted(encoded: bytes, salt: bytes) -> bytes:
    return encoded[: _AT.start] + salt + encoded[_AT.stop :]


def _ids(encoded: bytes) -> tuple[bytes, bytes]:
    """The trace id, and what names a span within a pass."""
    if encoded[:2] == b"\n\x10" and encoded[18:20] == b"\x12\x08":
        return encoded[_ID], encoded[6:18] + encoded[20:28]
    try:
        span = Span.FromString(encoded)
    except DecodeError:
        return b"", b""
    return span.trace_id, span.trace_id[len(SALT) :] + span.span_id


def _key(encoded: bytes) -> bytes:
    return _ids(encoded)[1]
