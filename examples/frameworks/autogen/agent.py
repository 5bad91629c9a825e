"""AutoGen AgentChat, read through OpenInference."""

import asyncio
import os

from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient
from openinference.instrumentation.autogen_agentchat import AutogenAgentChatInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
AutogenAgentChatInstrumentor().instrument(tracer_provider=provider)


async def find_order(number: int) -> str:
    """Where an order is."""
    return f'{{"number": {number}, "status": "sent"}}'


model = OpenAIChatCompletionClient(
    model="scripted",
    base_url=os.environ["OPENAI_BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
    model_info={
        "vision": False,
        "function_calling": True,
        "json_output": False,
        "structured_output": False,
        "family": "unknown",
    },
)
agent = AssistantAgent(
    name="order_helper", model_client=model, tools=[find_order], reflect_on_tool_use=True
)


async def main() -> None:
    said = await agent.run(task="Where is my order?")
    print(said.messages[-1].content)
    await model.close()


asyncio.run(main())
provider.shutdown()
