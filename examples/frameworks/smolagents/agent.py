"""smolagents, read through OpenInference."""

import os

from openinference.instrumentation.smolagents import SmolagentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from smolagents import OpenAIModel, ToolCallingAgent, tool

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
SmolagentsInstrumentor().instrument(tracer_provider=provider)


@tool
def find_order(number: int) -> dict:
    """Where an order is.

    Args:
        number: the order's number
    """
    return {"number": number, "status": "sent"}


model = OpenAIModel(
    model_id="scripted",
    api_base=os.environ["OPENAI_BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
)
agent = ToolCallingAgent(tools=[find_order], model=model, name="order_helper", verbosity_level=0)
print(agent.run("Where is my order?"))
provider.shutdown()
