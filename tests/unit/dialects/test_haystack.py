"""Haystack, recorded with haystack-ai 3.4.0 and opentelemetry-haystack 2.0.0."""

import json

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Fault, Finish, Role
from agentslo.testing import span
from support import recorded


def test_a_pipeline_with_an_agent_is_one_run(tmp_path) -> None:
    (run,) = recorded.runs("haystack-a_success_tool", tmp_path)

    assert (run["agent"], run["outcome"]) == ("shop/agent", "completed")
    assert (run["llm_calls"], run["tool_calls"]) == (2, 1)


def test_usage_model_and_reason_are_read_from_captured_output(tmp_path) -> None:
    models = [s for s in recorded.steps("haystack-a_success_tool") if s.role is Role.LLM]
    (run,) = recorded.runs("haystack-a_success_tool", tmp_path)

    assert [(m.model, m.finish) for m in models] == [
        ("gpt-4o-mini-2024-07-18", Finish.TOOL_CALL),
        ("gpt-4o-mini-2024-07-18", Finish.STOP),
    ]
    assert (run["tokens_in"], run["tokens_out"]) == (275, 42)


def test_a_tool_that_failed_says_so_on_a_span_without_status(tmp_path) -> None:
    (run,) = recorded.runs("haystack-b_tool_error_giveup", tmp_path)

    assert (run["outcome"], run["tool_errors"]) == ("tool_failure", 1)


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("OpenAIChatGenerator", Role.LLM),
        ("InMemoryBM25Retriever", Role.RETRIEVAL),
        ("SentenceTransformersTextEmbedder", Role.EMBEDDING),
        ("TransformersSimilarityRanker", Role.RETRIEVAL),
        ("PromptBuilder", Role.STEP),
    ],
)
def test_components_are_told_by_their_class(kind: str, role: Role) -> None:
    found = {"haystack.component.type": kind}

    step = Reader().step(span("haystack.component.run", found), 0)

    assert step is not None and step.role is role


def test_a_retriever_tells_its_documents() -> None:
    found = {
        "haystack.component.type": "InMemoryBM25Retriever",
        "haystack.component.output": json.dumps({"documents": [{"id": "a"}, {"id": "b"}]}),
    }

    step = Reader().step(span("haystack.component.run", found), 0)

    assert step is not None and step.documents == 2


def test_an_agent_out_of_steps_met_a_limit() -> None:
    found = {"haystack.agent.output": json.dumps({"exit_reason": "max_agent_steps"})}

    step = Reader().step(span("haystack.agent.run", found), 0)

    assert step is not None and step.fault is Fault.LIMIT


def test_openinference_tells_in_its_output_why_an_agent_stopped_and_what_it_used() -> None:
    scope = "openinference.instrumentation.haystack"
    output = {
        "exit_reason": "max_agent_steps",
        "last_message": "ChatMessage(_role=<ASSISTANT>, _meta={'finish_reason': 'length'})",
        "token_usage": {"prompt_tokens": 275, "completion_tokens": 42},
    }
    found = {"openinference.span.kind": "AGENT", "output.value": json.dumps(output)}

    step = Reader().step(span("Agent.run", found, scope=scope, status=1), 0)
    other = Reader().step(span("Agent.run", found, scope="mine", status=1), 0)

    assert step is not None and other is not None
    assert (step.fault, step.finish) == (Fault.LIMIT, Finish.LENGTH)
    assert (step.usage_in, step.usage_out) == (275, 42)
    assert (other.fault, other.usage_in) == (None, None)
