"""Pydantic AI, instrumented by itself."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
agent = Agent(
    OpenAIChatModel("scripted"),
    name="order_helper",
    capabilities=[Instrumentation(InstrumentationSettings(tracer_provider=provider))],
)


@agent.tool_plain
def find_order(number: int) -> dict:
    """Where an order is."""
    return {"number": number, "status": "sent"}


print(agent.run_sync("Where is my order?").output)
provider.shutdown()
