"""LlamaIndex, read through OpenInference."""

import asyncio
import os

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LlamaIndexInstrumentor().instrument(tracer_provider=provider)


def find_order(number: int) -> dict:
    """Where an order is."""
    return {"number": number, "status": "sent"}


model = OpenAILike(
    model="scripted",
    api_base=os.environ["OPENAI_BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
    is_chat_model=True,
    is_function_calling_model=True,
)
# Streamed answers carry no usage in these spans; whole ones do.
agent = FunctionAgent(name="order_helper", tools=[find_order], llm=model, streaming=False)


async def main() -> None:
    print(await agent.run("Where is my order?"))


asyncio.run(main())
provider.shutdown()
