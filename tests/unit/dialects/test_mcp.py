"""Model Context Protocol, recorded with mcp 2.3.0 (server side)."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Role
from agentslo.testing import span
from support import recorded


def test_a_server_alone_is_no_run(tmp_path) -> None:
    assert recorded.runs("mcp-server", tmp_path) == []


def test_handshakes_and_listings_are_administration_calls_are_tools() -> None:
    roles = {s.name: s.role for s in recorded.steps("mcp-server")}

    assert roles == {
        "server/discover": Role.ADMIN,
        "tools/list": Role.ADMIN,
        "tools/call get_order": Role.TOOL,
        "tools/call broken": Role.TOOL,
        "resources/read": Role.ADMIN,
    }


def test_a_failed_call_says_so() -> None:
    failed = {s.tool: s.failed for s in recorded.steps("mcp-server") if s.role is Role.TOOL}

    assert failed == {"get_order": None, "broken": True}


def test_the_tool_is_named_by_the_span_where_no_attribute_does() -> None:
    step = Reader().step(span("tools/call search", {"mcp.method.name": "tools/call"}, kind=3), 0)

    assert step is not None and (step.role, step.tool) == (Role.TOOL, "search")


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("initialize", Role.ADMIN),
        ("ping", Role.ADMIN),
        ("notifications/initialized", Role.ADMIN),
        ("a/method/of/tomorrow", Role.ADMIN),
        ("elicitation/create", Role.HUMAN),
        ("sampling/createMessage", Role.STEP),
    ],
)
def test_methods_have_roles(method: str, role: Role) -> None:
    step = Reader().step(span(method, {"mcp.method.name": method, "mcp.session.id": "m-1"}), 0)

    assert step is not None
    assert (step.role, step.conversation_id) == (role, "")  # a connection is no conversation
