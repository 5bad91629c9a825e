"""Langfuse, recorded with langfuse 5.0.4."""

import json

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Fault, Role
from agentslo.testing import span
from support import recorded


def test_an_agent_observation_is_a_run_with_its_session_tokens_and_cost(tmp_path) -> None:
    (run,) = recorded.runs("langfuse-ok", tmp_path)

    assert (run["agent"], run["conversation_id"]) == ("shop/support_agent", "s-1")
    assert (run["llm_calls"], run["tool_calls"], run["tool_errors"]) == (2, 2, 1)
    assert (run["tokens_in"], run["tokens_out"], run["retrievals"]) == (258, 32, 1)
    assert run["outcome"] == "completed"


def test_an_exception_ends_the_run_in_error(tmp_path) -> None:
    (run,) = recorded.runs("langfuse-error", tmp_path)

    assert run["outcome"] == "error"


def test_observations_are_read_by_type() -> None:
    steps = recorded.steps("langfuse-ok")

    assert [s.role for s in steps] == [
        *(Role.AGENT, Role.LLM, Role.TOOL, Role.RETRIEVAL, Role.GUARDRAIL),
        *(Role.TOOL, Role.LLM, Role.STEP),
    ]
    assert next(s.documents for s in steps if s.role is Role.RETRIEVAL) == 2


def test_an_error_level_without_a_status_is_a_failure() -> None:
    found = {"langfuse.observation.type": "tool", "langfuse.observation.level": "ERROR"}

    step = Reader().step(span("get_order", found), 0)

    assert step is not None
    assert (step.tool, step.fault, step.failed) == ("get_order", Fault.OTHER, True)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input": 100, "output": 20}, (100, 20, None)),
        ({"input": 60, "output": 20, "input_cached_tokens": 40}, (100, 20, 40)),
        (
            {"input": 5, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 15},
            (100, None, 80),
        ),
        ({"prompt_tokens": 100, "completion_tokens": 20}, (100, 20, None)),
        ("no json", (None, None, None)),
    ],
)
def test_usage_counts_cached_tokens_into_the_input(usage, tokens) -> None:
    found = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.usage_details": json.dumps(usage),
    }

    step = Reader().step(span("answer", found), 0)

    assert step is not None and (step.usage_in, step.usage_out, step.usage_cached) == tokens
