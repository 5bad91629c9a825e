"""Vercel AI SDK, legacy telemetry: `LegacyOpenTelemetry`, the only kind up to version 6.

Roles come from `ai.operationId`: the outer call (`ai.generateText`) is the agent, `.doGenerate` and
`.doStream` below it are the model calls. Version 7 writes OTel GenAI names and needs nothing here.
Source: conventions.md 2, 3.2, 5.1; spans of ai 7.0.173.
"""

from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.model import Role, Step

OPERATION = "ai.operationId"
OPERATIONS: dict[str, Role] = {
    "ai.generateText": Role.AGENT,
    "ai.streamText": Role.AGENT,
    "ai.generateObject": Role.AGENT,
    "ai.streamObject": Role.AGENT,
    "ai.embed": Role.EMBEDDING,
    "ai.embedMany": Role.EMBEDDING,
    "ai.rerank": Role.RETRIEVAL,
    "ai.toolCall": Role.TOOL,
}
_INNER: dict[str, Role] = {
    "doGenerate": Role.LLM,
    "doStream": Role.LLM,
    "doEmbed": Role.EMBEDDING,
    "doRerank": Role.RETRIEVAL,
}


def role(view: SpanView) -> Role | None:
    """The role of a span with an operation id."""
    operation = view.attributes.get(OPERATION)
    if not isinstance(operation, str):
        return None
    return OPERATIONS.get(operation) or _INNER.get(operation.rpartition(".")[2])


def refine(view: SpanView, step: Step) -> None:
    """The provider is named with the API in use, `openai.chat`: the part before the dot counts."""
    if OPERATION in view.attributes:
        provider = text(view.attributes.get("ai.model.provider")) or step.provider
        step.provider = provider.partition(".")[0]


DIALECT = Dialect(
    name="vercel-legacy",
    role=role,
    markers=(OPERATION.encode(),),
    keys={
        "ttft_ms": ("ai.response.msToFirstChunk",),
        "agent": ("ai.telemetry.functionId",),
        "tool": ("ai.toolCall.name",),
        "tool_args": ("ai.toolCall.args",),
        "tool_result": ("ai.toolCall.result",),
        "model": ("ai.model.id", "ai.response.model"),
        "provider": ("ai.model.provider",),
        "conversation_id": ("ai.telemetry.metadata.sessionId",),
        "finish": ("ai.response.finishReason",),
        "response_id": ("ai.response.id",),
        "usage_in": ("ai.usage.inputTokens", "ai.usage.promptTokens"),
        "usage_out": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "usage_cached": (
            "ai.usage.cachedInputTokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
        ),
        "usage_cache_written": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
        "output": ("ai.response.text",),
    },
    refine=refine,
)
