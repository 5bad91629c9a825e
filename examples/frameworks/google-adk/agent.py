"""Google ADK, instrumented by itself. Its model is scripted in place: ADK speaks Gemini's types."""

import asyncio
import os
from collections.abc import AsyncGenerator

# Read when ADK is imported; without it tools' arguments and results stay out of the spans.
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)


class Scripted(BaseLlm):
    """Asks for the tool, then answers."""

    async def generate_content_async(
        self,
        llm_request: LlmRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - ADK's own
    ) -> AsyncGenerator[LlmResponse, None]:
        done = any(p.function_response for c in llm_request.contents for p in c.parts or [])
        call = types.FunctionCall(id="call_1", name="find_order", args={"number": 4711})
        part = (
            types.Part(text="Your order is on its way.") if done else types.Part(function_call=call)
        )
        yield LlmResponse(
            content=types.Content(role="model", parts=[part]),
            finish_reason=types.FinishReason.STOP,
            usage_metadata=types.GenerateContentResponseUsageMetadata(
                prompt_token_count=150, candidates_token_count=21, total_token_count=171
            ),
        )


def find_order(number: int) -> dict:
    """Where an order is."""
    return {"number": number, "status": "sent"}


async def main() -> None:
    agent = LlmAgent(name="order_helper", model=Scripted(model="scripted"), tools=[find_order])
    runner = InMemoryRunner(agent=agent, app_name="orders")
    session = await runner.session_service.create_session(app_name="orders", user_id="ann")
    asked = types.Content(role="user", parts=[types.Part(text="Where is my order?")])
    async for event in runner.run_async(user_id="ann", session_id=session.id, new_message=asked):
        for part in (event.content and event.content.parts) or []:
            if part.text:
                print(part.text)


asyncio.run(main())
provider.shutdown()
