"""OpenAI Agents SDK, read through OpenInference."""

from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool
from openai import AsyncOpenAI
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)


@function_tool
def find_order(number: int) -> dict:
    """Where an order is."""
    return {"number": number, "status": "sent"}


model = OpenAIChatCompletionsModel(model="scripted", openai_client=AsyncOpenAI())
agent = Agent(name="order_helper", model=model, tools=[find_order])
print(Runner.run_sync(agent, "Where is my order?").final_output)
provider.shutdown()
