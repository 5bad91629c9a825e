"""A bug in analysis never stops forwarding: spans pass as they came, it is counted and shown."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from service_parts import SHIPPED, in_time_order, listening, to, write_config
from span_parts import OWN, requests_of, seen
from transport_parts import GrpcSink, until

from agentslo.config.service_file import load
from agentslo.dialects.read import Reader
from agentslo.otlp.answer import Signal
from agentslo.runs.assemble import Assembler
from agentslo.service import verdicts
from agentslo.service.recorder import Recorder
from agentslo.service.server import Service
from support.ports import LOOPBACK

RUNS = {"quiet_s": 0.3, "quiet_single_s": 0.3, "idle_s": 0.6, "hold_max_s": 0.6}
UNKNOWN_FIELD = b"\x9a\x3e\x04kept"
"""Field 995 with four bytes: a field of a later OTLP."""


async def accept(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return b""


@pytest.fixture
async def back_end() -> AsyncIterator[GrpcSink]:
    sink = GrpcSink(accept)
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def service(tmp_path: Path, back_end: GrpcSink) -> AsyncIterator[Service]:
    destination = to(f"{LOOPBACK}:{back_end.port}")
    config = write_config(tmp_path, listening({"destinations": [destination], "runs": RUNS}))
    running = Service(load(config, {}), lambda: load(config, {}))
    await running.start()
    yield running
    await running.stop()


def bug(*_: object, **__: object) -> None:
    raise RuntimeError("a bug")


def out_of_memory(*_: object, **__: object) -> None:
    raise MemoryError


async def send(service: Service, bodies: list[bytes]) -> None:
    async with grpc.aio.insecure_channel(f"{LOOPBACK}:{service.grpc.port}") as channel:
        export = channel.unary_unary(Signal.TRACES.grpc_method)
        for body in bodies:
            await export(body)


async def get(service: Service, path: str) -> str:
    url = f"http://{LOOPBACK}:{service.web.port}/{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        assert reply.status == 200
        return await reply.text()


def is_idle(service: Service) -> bool:
    assembler = service.pipeline.assembler
    return not assembler.open_traces and not assembler.held


BUGS = {
    "a dialect": (Reader, "read", "read"),
    "assembling": (Assembler, "add", "traces"),
    "classifying": (verdicts, "classified", "close"),
    "counting": (Recorder, "record", "record"),
    "classifying, out of memory": (verdicts, "classified", "close"),
}


@pytest.mark.parametrize("place", BUGS)
async def test_spans_arrive_as_they_were_whatever_part_of_the_analysis_has_a_bug(
    monkeypatch: pytest.MonkeyPatch, service: Service, back_end: GrpcSink, place: str
) -> None:
    owner, name, stage = BUGS[place]
    bodies = in_time_order(SHIPPED)
    sent = seen(requests_of(bodies)).spans
    monkeypatch.setattr(owner, name, out_of_memory if "memory" in place else bug)
    await send(service, bodies)
    await until(lambda: seen(requests_of(back_end.bodies)).spans == sent)
    await until(lambda: is_idle(service))
    counted = f'agent_slo_processor_pipeline_errors_total{{stage="{stage}"}}'
    lines = (await get(service, "metrics")).splitlines()
    moved = [float(line.split()[-1]) for line in lines if line.startswith(counted)]
    assert moved and moved[0] > 0
    assert stage in json.loads(await get(service, "readyz"))["analysis_errors"]


async def test_analysis_goes_on_once_the_bug_no_longer_strikes(
    monkeypatch: pytest.MonkeyPatch, service: Service, back_end: GrpcSink
) -> None:
    first, *others = in_time_order(SHIPPED / "data" / "pydantic-ai__native")
    with monkeypatch.context() as broken:
        broken.setattr(Assembler, "add", bug)
        await send(service, [first])
    await send(service, others)
    await until(lambda: len(seen(requests_of(back_end.bodies)).roots) > 0)


async def test_fields_of_a_later_otlp_arrive_byte_for_byte(
    service: Service, back_end: GrpcSink
) -> None:
    bodies = [with_unknown_fields(body) for body in in_time_order(SHIPPED)]
    sent = seen(requests_of(bodies)).spans
    await send(service, bodies)
    await until(lambda: seen(requests_of(back_end.bodies)).spans == sent)
    assert sum(body.count(UNKNOWN_FIELD) for body in bodies) > 2 * sent.total()


def with_unknown_fields(body: bytes) -> bytes:
    """The request with a field nobody knows in every resource, scope, span, event and link."""
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        group.resource.MergeFromString(UNKNOWN_FIELD)
        for holder in group.scope_spans:
            holder.scope.MergeFromString(UNKNOWN_FIELD)
            for span in holder.spans:
                span.MergeFromString(UNKNOWN_FIELD)
                span.status.MergeFromString(UNKNOWN_FIELD)
                for inner in (*span.events, *span.links):
                    inner.MergeFromString(UNKNOWN_FIELD)
    return request.SerializeToString()


async def test_spans_without_an_agent_leave_byte_for_byte(
    service: Service, back_end: GrpcSink
) -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="GET /")
    span.trace_id, span.span_id = b"t" * 16, b"s" * 8
    # Wrong for a canonical writer, fine for protobuf: fields twice and out of order.
    body = request.SerializeToString() + request.SerializeToString()
    await send(service, [body])
    await until(lambda: back_end.bodies == [body])


async def test_spans_of_our_own_scope_are_passed_on_and_never_read(
    service: Service, back_end: GrpcSink
) -> None:
    bodies = [as_if_ours(body) for body in in_time_order(SHIPPED)]
    await send(service, bodies)
    await until(lambda: b"".join(back_end.bodies) == b"".join(bodies))
    assert is_idle(service)
    assert service.view().runs == ()


def as_if_ours(body: bytes) -> bytes:
    """The request as agentslo's own spans would look, had they the marks of an agent."""
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        for holder in group.scope_spans:
            holder.scope.name = "agentslo"
    return request.SerializeToString()


async def test_a_loop_in_a_collector_counts_no_run_twice_and_marks_no_span_twice(
    service: Service, back_end: GrpcSink
) -> None:
    bodies = in_time_order(SHIPPED)
    await send(service, bodies)
    await until(lambda: is_idle(service) and len(seen(requests_of(back_end.bodies)).roots) > 0)
    runs = len(service.view().runs)
    looped = list(back_end.bodies)
    await send(service, looped)
    await until(lambda: is_idle(service))
    assert len(service.view().runs) == runs
    attributes = [
        [a.key for a in span.attributes if a.key.startswith(OWN)]
        for request in requests_of(back_end.bodies)
        for group in request.resource_spans
        for holder in group.scope_spans
        for span in holder.spans
    ]
    assert all(len(keys) == len(set(keys)) for keys in attributes)
