"""LangChain's agent on LangGraph, read through OpenInference."""

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)


def find_order(number: int) -> dict:
    """Where an order is."""
    return {"number": number, "status": "sent"}


agent = create_agent(ChatOpenAI(model="scripted"), tools=[find_order], name="order_helper")
said = agent.invoke({"messages": [{"role": "user", "content": "Where is my order?"}]})
print(said["messages"][-1].content)
provider.shutdown()
