"""Strands Agents, instrumented by itself."""

import os

from strands import Agent, tool
from strands.models.openai import OpenAIModel
from strands.telemetry import StrandsTelemetry

telemetry = StrandsTelemetry()
telemetry.setup_otlp_exporter()


@tool
def find_order(number: int) -> dict:
    """Where an order is."""
    return {"status": "success", "content": [{"json": {"number": number, "status": "sent"}}]}


model = OpenAIModel(
    client_args={
        "base_url": os.environ["OPENAI_BASE_URL"],
        "api_key": os.environ["OPENAI_API_KEY"],
    },
    model_id="scripted",
)
agent = Agent(name="order_helper", model=model, tools=[find_order], callback_handler=None)
print(agent("Where is my order?"))
telemetry.tracer_provider.shutdown()
