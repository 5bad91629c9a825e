"""Tool calls and their results in captured messages, in the shapes that providers document."""

import json

import pytest

from agentslo.dialects.calls import MAX_CALLS, answered, answered_last, asked
from agentslo.dialects.content import content_hash
from agentslo.dialects.read import Reader
from agentslo.model import Finish
from agentslo.testing import span

ARGUMENTS = {"order_id": "42"}
ASKED = {
    "OTel GenAI": [
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "id": "c1", "name": "lookup", "arguments": ARGUMENTS},
            ],
            "finish_reason": "tool_call",
        }
    ],
    "OpenAI chat": {
        "choices": [
            {
                "message": {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "lookup", "arguments": json.dumps(ARGUMENTS)},
                        }
                    ],
                }
            }
        ]
    },
    "OpenAI responses": {
        "output": [
            {
                "type": "function_call",
                "id": "fc_9",
                "call_id": "c1",
                "name": "lookup",
                "arguments": json.dumps(ARGUMENTS),
            }
        ]
    },
    "Anthropic": [{"type": "tool_use", "id": "c1", "name": "lookup", "input": ARGUMENTS}],
    "Bedrock": [{"toolUse": {"toolUseId": "c1", "name": "lookup", "input": ARGUMENTS}}],
    "LangChain": {"kwargs": {"tool_calls": [{"name": "lookup", "args": ARGUMENTS, "id": "c1"}]}},
    "Haystack": {"_content": [{"tool_name": "lookup", "arguments": ARGUMENTS, "id": "c1"}]},
}
ANSWERED = {
    "OTel GenAI": {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": "shipped"}],
    },
    "OpenAI chat": {"role": "tool", "tool_call_id": "c1", "content": "shipped"},
    "OpenAI responses": {"type": "function_call_output", "call_id": "c1", "output": "shipped"},
    "Anthropic": {"type": "tool_result", "tool_use_id": "c1", "content": "shipped"},
    "Bedrock": {"toolResult": {"toolUseId": "c1", "status": "success", "content": "shipped"}},
    "Haystack": {
        "result": "shipped",
        "origin": {"tool_name": "lookup", "arguments": ARGUMENTS, "id": "c1"},
        "error": False,
    },
}


@pytest.mark.parametrize("shape", ASKED)
def test_a_call_is_read_in_every_documented_shape(shape: str) -> None:
    (found,) = asked(json.dumps(ASKED[shape]))

    assert (found.id, found.tool, found.content_hash) == ("c1", "lookup", content_hash(ARGUMENTS))


@pytest.mark.parametrize("shape", ANSWERED)
def test_a_result_is_read_in_every_documented_shape(shape: str) -> None:
    (found,) = answered(json.dumps([ANSWERED[shape]]))

    assert (found.id, found.content_hash, found.failed) == ("c1", content_hash("shipped"), False)


@pytest.mark.parametrize(
    "marked",
    [
        {"type": "tool_result", "tool_use_id": "c1", "is_error": True, "content": "no"},
        {"toolUseId": "c1", "status": "error", "content": [{"text": "no"}]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"error": "no"}'},
        {"result": "no", "origin": {"tool_name": "lookup", "id": "c1"}, "error": True},
    ],
)
def test_a_result_fails_by_its_mark(marked: dict[str, object]) -> None:
    (found,) = answered(json.dumps([marked]))

    assert found.failed


def test_words_of_a_result_never_make_it_a_failure() -> None:
    said = {"role": "tool", "tool_call_id": "c1", "content": "error: failed, status='error'"}

    assert not answered(json.dumps([said]))[0].failed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tool_calls: none",
        '{"tool_calls": [',
        '{"tool_calls": [{"name": "lookup", "arguments": {}}]}',
        '{"tools": [{"type": "function", "function": {"name": "lookup", "parameters": {}}}]}',
        "[" * 2000 + '"tool"' + "]" * 2000,
    ],
)
def test_text_definitions_and_broken_json_hold_no_calls(text: str) -> None:
    assert asked(text) == answered(text) == ()


def test_what_a_call_carries_or_returns_is_no_call() -> None:
    inner = {"name": "evil", "arguments": {}, "id": "c2"}
    ask = {"type": "tool_call", "id": "c1", "name": "lookup", "arguments": {"a": inner}}
    answer = {"type": "tool_call_response", "id": "c1", "response": [inner]}

    assert [a.id for a in asked(json.dumps([ask, answer]))] == ["c1"]


def test_of_a_history_only_results_since_the_model_spoke_are_new() -> None:
    history = [
        {"role": "tool", "tool_call_id": "c1", "content": "old"},
        {"role": "assistant", "content": "hm"},
        {"role": "tool", "tool_call_id": "c2", "content": "new"},
        {"role": "tool", "tool_call_id": "c3", "content": "new"},
    ]

    for sent in (history, {"messages": history}):
        assert [a.id for a in answered_last(json.dumps(sent))] == ["c2", "c3"]


def test_of_many_calls_so_many_are_kept() -> None:
    many = [
        {"type": "tool_call", "id": f"c{i}", "name": "lookup", "arguments": {}} for i in range(999)
    ]

    assert len(asked(json.dumps(many))) == MAX_CALLS


def test_structured_messages_tell_what_their_json_does() -> None:
    messages = ASKED["OTel GenAI"]
    chat = {"gen_ai.operation.name": "chat"}
    steps = [
        Reader().step(span("chat m", {**chat, "gen_ai.output.messages": sent}), 0)
        for sent in (messages, json.dumps(messages))
    ]

    assert steps[0] is not None and steps[1] is not None
    assert steps[0].asked == steps[1].asked != ()
    assert steps[0].finish is steps[1].finish is Finish.TOOL_CALL
