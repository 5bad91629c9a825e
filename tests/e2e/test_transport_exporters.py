"""The OpenTelemetry SDK's own exporters against the receivers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from transport_parts import Recorder, names, until

from agentslo.config.transport import ListenerOptions
from agentslo.otlp.answer import ACCEPTED, Reply, ReplyCode, Signal
from agentslo.otlp.receive_grpc import GrpcReceiver
from agentslo.otlp.receive_http import HttpReceiver


def ended_span() -> ReadableSpan:
    span = TracerProvider().get_tracer("demo").start_span("invoke_agent shop")
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


@pytest.fixture
def ingest() -> Recorder:
    return Recorder()


@pytest.fixture(params=["grpc", "grpc gzip", "http", "http gzip"])
async def exporter(request: pytest.FixtureRequest, ingest: Recorder) -> AsyncIterator[SpanExporter]:
    options = ListenerOptions(name="in", address="127.0.0.1:0")
    transport, _, packed = request.param.partition(" ")
    kind = GrpcReceiver if transport == "grpc" else HttpReceiver
    receiver = kind(options, ingest)
    await receiver.start()
    place = f"http://127.0.0.1:{receiver.port}"
    exporter: SpanExporter = (
        GrpcExporter(place, insecure=True, compression=Compression.Gzip if packed else None)
        if transport == "grpc"
        else HttpExporter(
            f"{place}/v1/traces", compression=HttpCompression.Gzip if packed else None
        )
    )
    yield exporter
    await asyncio.to_thread(exporter.shutdown)
    await receiver.stop(0.1)


async def test_an_exported_span_arrives(exporter: SpanExporter, ingest: Recorder) -> None:
    result = await asyncio.to_thread(exporter.export, [ended_span()])
    assert result is SpanExportResult.SUCCESS
    ((signal, body, _),) = ingest.bodies
    assert (signal, names(body)) == (Signal.TRACES, ["invoke_agent shop"])


async def test_a_refused_export_is_sent_again_and_succeeds(
    exporter: SpanExporter, ingest: Recorder
) -> None:
    ingest.refusal = Reply(code=ReplyCode.RETRY, message="full", retry_after_s=1.0)
    sending = asyncio.create_task(asyncio.to_thread(exporter.export, [ended_span()]))
    await until(lambda: len(ingest.admitted) >= 1)
    ingest.refusal = None
    assert await sending is SpanExportResult.SUCCESS
    assert len(ingest.bodies) == 1


async def test_an_invalid_export_fails_at_once(exporter: SpanExporter, ingest: Recorder) -> None:
    ingest.reply = Reply(code=ReplyCode.INVALID, message="no")
    assert await asyncio.to_thread(exporter.export, [ended_span()]) is SpanExportResult.FAILURE
    assert len(ingest.bodies) == 1
    ingest.reply = ACCEPTED
