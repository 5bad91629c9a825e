"""A real framework, instrumented by itself, sends through the real OTLP exporter."""

from pathlib import Path

import pytest
from service_parts import Service, agentslo, listening, sink, to
from span_parts import requests_of, seen

from support.wait import until

pytest.importorskip("pydantic_ai", reason="pydantic-ai-slim is not installed")

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from pydantic_ai import Agent
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.test import TestModel


def exporter(protocol: str, service: Service) -> SpanExporter:
    if protocol == "grpc":
        return GrpcExporter(endpoint=service.grpc, insecure=True)
    return HttpExporter(endpoint=f"{service.http}/v1/traces")


def ask_the_agent(exporter: SpanExporter) -> tuple[int, int]:
    """One run of an agent with a tool; gives the tokens the framework itself counted."""
    resource = Resource({"service.name": "shop", "deployment.environment.name": "production"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    agent = Agent(
        TestModel(),
        name="order_helper",
        capabilities=[Instrumentation(InstrumentationSettings(tracer_provider=provider))],
    )

    @agent.tool_plain
    def find_order(number: int) -> str:
        return f"order {number} is on its way"

    result = agent.run_sync("Where is my order?")
    provider.shutdown()
    usage = result.usage
    return usage.input_tokens, usage.output_tokens


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_run_of_a_real_agent_is_named_completed_and_its_tokens_counted(
    tmp_path: Path, protocol: str
) -> None:
    with sink() as back_end:
        config = listening({"destinations": [to(back_end.address)]})
        with agentslo(tmp_path, config) as service:
            tokens = ask_the_agent(exporter(protocol, service))
            run = until(service.runs, what="the run")[0]
            until(service.settled, what="its root to leave")
        arrived = seen(requests_of(back_end.bodies))
    assert run["agent"] == "shop/order_helper"
    assert (run["environment"], run["outcome"]) == ("production", "completed")
    assert (run["tool_calls"], run["tool_errors"], run["llm_calls"]) == (1, 0, 2)
    assert (run["tokens_in"], run["tokens_out"]) == tokens
    assert min(tokens) > 0
    assert arrived.roots == {(run["run_id"], "completed")}
