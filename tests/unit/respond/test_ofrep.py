"""Flags over HTTP say what the flag file says."""

import pytest

from agentslo.respond.flags import InForce, definitions
from agentslo.respond.ofrep import ContextError, context_of, evaluate, evaluate_all

NOW_S = 1_800_000_000
HELD = [
    InForce(id="1", agent="shop", action="kill_switch", versions=("2",), reason="harm"),
    InForce(id="2", agent="shop", action="disable_tool", tool="refund", expires_s=NOW_S + 10),
    InForce(id="3", agent="shop", action="reduce_autonomy", value="suggest_only"),
]
FLAGS = definitions({"shop": ["refund"]}, HELD)


@pytest.mark.parametrize(
    ("key", "context", "at_s", "value", "reason"),
    [
        ("agent.shop.enabled", {"agent_version": "2"}, NOW_S, False, "TARGETING_MATCH"),
        ("agent.shop.enabled", {"agent_version": "1"}, NOW_S, True, "STATIC"),
        ("agent.shop.enabled", {}, NOW_S, True, "STATIC"),
        ("agent.shop.tool.refund.enabled", {}, NOW_S, False, "TARGETING_MATCH"),
        ("agent.shop.tool.refund.enabled", {}, NOW_S + 11, True, "STATIC"),
        ("agent.shop.autonomy", {}, NOW_S, "suggest_only", "STATIC"),
    ],
)
def test_a_flag_has_the_value_its_containments_give_it(
    key: str, context: dict[str, str], at_s: int, value: object, reason: str
) -> None:
    found = evaluate(FLAGS, key, context, at_s)
    assert (found["value"], found["reason"]) == (value, reason)


def test_the_clock_of_the_caller_does_not_lift_a_containment() -> None:
    context = {"$flagd.timestamp": NOW_S + 1_000}
    found = evaluate(FLAGS, "agent.shop.tool.refund.enabled", context, NOW_S)
    assert found["value"] is False


def test_a_flag_nobody_declared_is_not_found_so_that_the_agents_default_counts() -> None:
    assert evaluate(FLAGS, "agent.other.enabled", {}, NOW_S)["errorCode"] == "FLAG_NOT_FOUND"


def test_all_flags_are_evaluated_at_once() -> None:
    keys = {flag["key"] for flag in evaluate_all(FLAGS, {}, NOW_S)["flags"]}
    assert keys == set(FLAGS["flags"])


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"context": 3}', b"[" * 100_000])
def test_what_is_no_context_is_refused(body: bytes) -> None:
    with pytest.raises(ContextError):
        context_of(body)


def test_no_body_is_an_empty_context() -> None:
    assert context_of(b"") == {}
