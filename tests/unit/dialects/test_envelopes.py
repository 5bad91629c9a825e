"""A tool's own fields are found in what frameworks put around its result."""

import json

import pytest

from agentslo.config.wants import ToolWants, Wants
from agentslo.dialects.base import Value
from agentslo.dialects.envelopes import unwrapped
from agentslo.dialects.read import Reader
from agentslo.testing.dialects import span

OWN = {"number": 4711, "status": "sent"}
TEXT = json.dumps(OWN)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(
            {"type": "tool", "data": {"content": TEXT, "status": "success", "name": "f"}},
            id="a dumped message of LangChain",
        ),
        pytest.param({"type": "tool", "content": TEXT, "tool_call_id": "c"}, id="a message"),
        pytest.param(
            {"blocks": [{"text": "-"}], "tool_name": "f", "raw_output": OWN, "is_error": False},
            id="LlamaIndex",
        ),
        pytest.param([{"json": OWN}], id="Strands"),
        pytest.param(
            {"status": "success", "toolUseId": "c", "content": [{"json": OWN}]}, id="Bedrock"
        ),
        pytest.param({"content": [{"type": "text", "text": TEXT}], "isError": False}, id="MCP"),
        pytest.param(
            {"content": [{"type": "text", "text": "sent"}], "structuredContent": OWN},
            id="MCP with structure",
        ),
        pytest.param(
            {"type": "tool", "content": [{"type": "text", "text": TEXT}]}, id="one in the other"
        ),
    ],
)
def test_the_tool_s_own_fields_are_found(result: Value) -> None:
    assert unwrapped(json.dumps(result)) == OWN
    assert unwrapped(result) == OWN


@pytest.mark.parametrize(
    "result",
    [
        TEXT,
        OWN,
        {"type": "tool"},
        {"content": "text", "status": "ok"},
        {"content": [{"json": OWN}], "owner": "somebody"},
        [{"json": OWN}, {"json": OWN}],
        [],
        [1],
        "[" * 10_000,
        "plain words",
        None,
        {
            "type": "tool",
            "content": {
                "type": "tool",
                "content": {"type": "tool", "content": {"type": "tool", "content": TEXT}},
            },
        },
    ],
)
def test_what_is_no_wrapper_or_has_nothing_in_it_is_left(result: Value) -> None:
    assert unwrapped(result) == {}


def test_an_agent_file_s_fields_are_found_in_events() -> None:
    """Strands puts what a tool got and gave into events of its span."""
    wants = Wants(
        tools={
            "find_order": ToolWants(arguments=frozenset({"number"}), results=frozenset({"status"}))
        }
    )
    events = (
        ("gen_ai.tool.message", {"role": "tool", "content": '{"number": 4711}'}),
        ("gen_ai.choice", {"message": '[{"json": {"number": 4711, "status": "sent"}}]'}),
    )
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find_order"}
    step = Reader(wants=wants).step(span("execute_tool", attributes, events=events), 0)

    assert step is not None
    assert step.facts == {"argument:number": 4711, "result:status": "sent"}
