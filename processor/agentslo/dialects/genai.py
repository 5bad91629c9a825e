"""OTel GenAI semantic conventions, current and older names (conventions.md 2, 4, 5, 14).

Also the home of everything that writes `gen_ai.operation.name` natively: pydantic-ai, Strands,
Azure AI, Semantic Kernel, AutoGen. An operation that is not in the table is an open enum's new
value: it falls through to the other dialects.
"""

from agentslo.dialects.base import Dialect, SpanView, text
from agentslo.model import Role

OPERATIONS: dict[str, Role] = {
    "invoke_workflow": Role.WORKFLOW,
    "invoke_swarm": Role.WORKFLOW,
    "invoke_graph": Role.WORKFLOW,
    "invoke_agent": Role.AGENT,
    "process_thread_run": Role.AGENT,
    "start_thread_run": Role.AGENT,
    "create_agent": Role.ADMIN,
    "create_thread": Role.ADMIN,
    "create_conversation": Role.ADMIN,
    "create_message": Role.ADMIN,
    "get_thread_run": Role.ADMIN,
    "list_messages": Role.ADMIN,
    "list_run_steps": Role.ADMIN,
    "plan": Role.STEP,
    "agent_step": Role.STEP,
    "execute_event_loop_cycle": Role.STEP,
    "invoke_node": Role.STEP,
    "execute_task": Role.STEP,
    "execute_method": Role.STEP,
    "goto": Role.STEP,
    "chat": Role.LLM,
    "generate_content": Role.LLM,
    "text_completion": Role.LLM,
    "completion": Role.LLM,
    "llm_request": Role.LLM,
    "responses": Role.LLM,
    "realtime_inference": Role.LLM,
    "embeddings": Role.EMBEDDING,
    "embedding": Role.EMBEDDING,
    "execute_tool": Role.TOOL,
    "submit_tool_outputs": Role.TOOL,
    "retrieval": Role.RETRIEVAL,
    "search_memory": Role.RETRIEVAL,
    "vector_db_retrieve": Role.RETRIEVAL,
    "memory.search": Role.RETRIEVAL,
    "rerank": Role.RETRIEVAL,
    "create_memory": Role.MEMORY,
    "update_memory": Role.MEMORY,
    "upsert_memory": Role.MEMORY,
    "delete_memory": Role.MEMORY,
    "create_memory_store": Role.MEMORY,
    "delete_memory_store": Role.MEMORY,
    "memory.add": Role.MEMORY,
    "apply_guardrail": Role.GUARDRAIL,
    "guardrail_check": Role.GUARDRAIL,
    "guardrails": Role.GUARDRAIL,
    "handoff": Role.HANDOFF,
    "agent_handoff": Role.HANDOFF,
}


def role(view: SpanView) -> Role | None:
    """The role of a span whose `gen_ai.operation.name` is known."""
    operation = view.attributes.get("gen_ai.operation.name")
    return OPERATIONS.get(operation.lower()) if isinstance(operation, str) else None


def old_role(view: SpanView) -> Role | None:
    """LLM for spans of instrumentation older than operation names (conventions.md 1, rule 12)."""
    found = view.attributes
    if text(found.get("llm.request.type")) in ("chat", "completion"):
        return Role.LLM
    if "gen_ai.request.model" in found and "gen_ai.operation.name" not in found:
        return Role.LLM if "gen_ai.system" in found or "gen_ai.provider.name" in found else None
    return None


DIALECT = Dialect(
    name="genai",
    role=role,
    markers=(b"gen_ai.",),
    keys={
        "agent": ("gen_ai.agent.name", "agent_name"),
        "agent_version": ("gen_ai.agent.version",),
        "workflow": ("gen_ai.workflow.name",),
        "tool": ("gen_ai.tool.name",),
        "call_id": ("gen_ai.tool.call.id",),
        "tool_args": ("gen_ai.tool.call.arguments", "tool_arguments"),
        "tool_result": ("gen_ai.tool.call.result", "tool_response"),
        "model": ("gen_ai.request.model", "gen_ai.response.model"),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "conversation_id": ("gen_ai.conversation.id", "session.id", "gen_ai.thread.id"),
        "finish": (
            "gen_ai.response.finish_reasons",
            "gen_ai.response.finish_reason",
            "gen_ai.response.stop_reason",
        ),
        "response_id": ("gen_ai.response.id",),
        "usage_in": (
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "gen_ai.aggregated_usage.input_tokens",
        ),
        "usage_out": (
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "gen_ai.aggregated_usage.output_tokens",
        ),
        "usage_cached": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.aggregated_usage.cache_read.input_tokens",
        ),
        "usage_cache_written": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_input_tokens",
        ),
        "cost_usd": ("operation.cost", "gen_ai.usage.cost"),
        "documents": ("gen_ai.retrieval.documents",),
        "triggered": ("gen_ai.guardrail.triggered",),
        "output": ("gen_ai.output.messages",),
        "input": ("gen_ai.input.messages",),
        "ttft_s": (
            "gen_ai.response.time_to_first_chunk",
            "gen_ai.client.operation.time_to_first_chunk",
        ),
        "prompt_version": ("gen_ai.prompt.version", "gen_ai.prompt.name"),
        "tool_definitions": ("gen_ai.tool.definitions",),
        "arm": ("feature_flag.result.variant",),
    },
    tool_scopes=("pydantic-ai", "opentelemetry.instrumentation.openai_agents"),
    answer_scopes=("pydantic-ai", "opentelemetry.instrumentation.", "opentelemetry.util.genai"),
)

OLD = Dialect(name="genai-old", role=old_role, markers=(b"llm.request.type", b"gen_ai."))
