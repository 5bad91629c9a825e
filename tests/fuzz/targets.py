"""What is fuzzed: each target takes any bytes and fails only where a promise is broken.

In: bytes. Out: nothing, or an exception. State: a pipeline for some thousand inputs at a time.
`run.py` drives them with atheris, `property/test_fuzz_targets.py` with the stored corpus.
"""

import contextlib
from collections.abc import Callable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from agentslo.config.options import MetricsOptions
from agentslo.config.service_file import ServiceConfig
from agentslo.config.transport import RedactRule
from agentslo.config.yaml_reader import read_document
from agentslo.measure import names as m
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from agentslo.otlp.access import source
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import CutError, Request
from agentslo.otlp.halve import halve
from agentslo.otlp.inflate import InflateError, inflate
from agentslo.otlp.json_codec import logs_from_json, metrics_from_json, traces_from_json
from agentslo.otlp.redact import Redactor
from agentslo.service import feedback as said
from agentslo.service.assembly import pipeline
from agentslo.service.pipeline import Pipeline

INPUTS_A_PIPELINE = 2_000
SECRET = b"jane.roe@example.org"
_REDACTOR = Redactor([RedactRule(detect=("email", "card", "iban", "credential"))])


class _Line:
    """The pipeline in use, and what it has taken."""

    taken = INPUTS_A_PIPELINE
    pipeline: Pipeline | None = None


def _pipeline() -> Pipeline:
    if _Line.pipeline is None or _Line.taken >= INPUTS_A_PIPELINE:
        _Line.pipeline, _Line.taken = pipeline(ServiceConfig()), 0
    _Line.taken += 1
    return _Line.pipeline


def cut(data: bytes) -> None:
    """Cutting and joining gives the same request, and from the second time on the same bytes."""
    try:
        joined = Request(data).join()
    except CutError:
        return
    assert Request(joined).join() == joined
    for half, _items in halve(joined) or ():
        Request(half)


def spans(data: bytes) -> None:
    """Any request is read, judged and closed without an exception of ours."""
    line = _pipeline()
    with contextlib.suppress(CutError):
        line.traces(data, _Line.taken * 10**9)
        line.due(_Line.taken * 10**9 + 10**12)
    assert line.tally["read_error"] == line.tally["close_error"] == 0


def logs(data: bytes) -> None:
    """Any logs request is searched for evaluations without an exception of ours."""
    line = _pipeline()
    with contextlib.suppress(CutError):
        line.heard.logs(data, _Line.taken * 10**9)


def json(data: bytes) -> None:
    """OTLP/JSON is read or is a ValueError; what was read is protobuf."""
    for decode in (traces_from_json, logs_from_json, metrics_from_json):
        with contextlib.suppress(ValueError):
            Request(decode(data))


def gzip(data: bytes) -> None:
    """gzip is inflated within its bound or is an InflateError."""
    with contextlib.suppress(InflateError):
        assert len(inflate(data, 1_000_000)) <= 1_000_000


def feedback(data: bytes) -> None:
    """A judgement is read or is a FeedbackError."""
    with contextlib.suppress(said.FeedbackError):
        said.read(data)
    source(data.decode("utf-8", "replace"))


def yaml(data: bytes) -> None:
    """A configuration is read or its problems are told."""
    read_document("fuzz.yaml", data)


def exposition(data: bytes) -> None:
    """Whatever the label values are, somebody else's parser reads one sample with its value."""
    parts = (data.decode("utf-8", "replace").split("\x1f") + [""] * 5)[:5]
    metrics = Metrics(MetricsOptions(zero_hold_s=0))
    metrics.inc(m.RUNS, tuple(parts), 1)
    text = b"".join(render(metrics, 2, Format.TEXT, [])).decode()
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    assert [s.value for s in samples if s.name == m.RUNS.name] == [1.0]


def with_secret(data: bytes) -> bytes:
    """A request with a span whose attribute holds a secret between pieces of the input."""
    text = data.decode("utf-8", "replace")
    # Letters beside an address are a part of it.
    around = f"{text[::2]} {SECRET.decode()} {text[1::2]}"
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name=around)
    span.attributes.add(key="k").value.string_value = around
    return request.SerializeToString()


def redact(data: bytes) -> None:
    """What is detected does not leave, whatever is around it; a second time changes nothing."""
    try:
        Request(data)
    except CutError:
        return
    leaving = _REDACTOR.request(Signal.TRACES, data)
    again = _REDACTOR.request(Signal.TRACES, leaving)
    assert again == leaving
    assert SECRET not in _REDACTOR.request(Signal.TRACES, with_secret(data))


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (cut, spans, logs, json, gzip, feedback, yaml, exposition, redact)
}
