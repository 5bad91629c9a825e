"""Haystack, traced by its OpenTelemetry integration."""

import os

# Read when Haystack is imported; without it the spans hold neither tools' results nor tokens.
os.environ.setdefault("HAYSTACK_CONTENT_TRACING_ENABLED", "true")

from haystack import tracing
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import tool
from haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracing.enable_tracing(OpenTelemetryTracer(provider.get_tracer("haystack")))


@tool
def find_order(number: int) -> dict:
    """Where an order is."""
    return {"number": number, "status": "sent"}


model = OpenAIChatGenerator(model="scripted", api_base_url=os.environ["OPENAI_BASE_URL"])
agent = Agent(chat_generator=model, tools=[find_order])
print(agent.run([ChatMessage.from_user("Where is my order?")])["messages"][-1].text)
provider.shutdown()
