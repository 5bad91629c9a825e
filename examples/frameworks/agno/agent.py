"""Agno, read through OpenInference."""

import os

from agno.agent import Agent
from agno.models.openai.like import OpenAILike
from openinference.instrumentation.agno import AgnoInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
AgnoInstrumentor().instrument(tracer_provider=provider)


def find_order(number: int) -> str:
    """Where an order is."""
    return f'{{"number": {number}, "status": "sent"}}'


model = OpenAILike(
    id="scripted",
    base_url=os.environ["OPENAI_BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
)
agent = Agent(name="order_helper", model=model, tools=[find_order], telemetry=False)
print(agent.run("Where is my order?").content)
provider.shutdown()
