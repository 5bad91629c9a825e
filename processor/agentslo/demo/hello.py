"""A dozen recorded runs, as if they happened just now.

In: the recordings in `captures/` (real frameworks against scripted models). Out: export requests
with fresh ids and times. Pure but for reading the files. Trace ids are made new so that sending
again makes new runs; span times are moved so that each recording ends at `now_ns`.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.otlp.files import Report, expand, messages

CAPTURES = Path(__file__).parent / "captures"


def recordings(folder: Path = CAPTURES) -> list[Path]:
    """The recorded files, sorted."""
    return expand([str(folder / "data")], Report())


def requests(now_ns: int, salt: bytes, folder: Path = CAPTURES) -> Iterator[tuple[str, bytes]]:
    """(recording, request bytes) of every recording, made fresh with `salt`."""
    for path in recordings(folder):
        bodies = [ExportTraceServiceRequest.FromString(m.body) for m in messages(path, Report())]
        spans = [s for body in bodies for s in _spans(body)]
        shift_ns = now_ns - max(s.end_time_unix_nano for s in spans)
        for span in spans:
            _freshen(span, shift_ns, salt)
        for body in bodies:
            yield f"{path.parent.name}/{path.name.split('.')[0]}", body.SerializeToString()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        for holder in group.scope_spans:
            yield from holder.spans


def _freshen(span: Span, shift_ns: int, salt: bytes) -> None:
    span.trace_id = hashlib.blake2b(salt + span.trace_id, digest_size=16).digest()
    span.start_time_unix_nano += shift_ns
    span.end_time_unix_nano += shift_ns
    for event in span.events:
        event.time_unix_nano += shift_ns
