"""Kinds of OpenInference that stand against an operation name, and the additive cache of 5.1."""

import pytest

from agentslo.dialects.read import Reader
from agentslo.model import Role
from agentslo.testing import span


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("GUARDRAIL", Role.GUARDRAIL),
        ("evaluator", Role.EVALUATOR),
        ("RERANKER", Role.RETRIEVAL),
        ("PROMPT", Role.STEP),
        ("AGENT", Role.TOOL),  # the operation's word stands
    ],
)
def test_a_kind_without_an_operation_of_its_own_is_kept(kind: str, role: Role) -> None:
    found = {"gen_ai.operation.name": "execute_tool", "openinference.span.kind": kind}

    step = Reader().step(span("work", found), 0)

    assert step is not None and step.role is role


@pytest.mark.parametrize(
    ("told", "read_tokens", "written", "expected"),
    [
        (100, 80, 0, 100),  # cached tokens are part of the input
        (5, 80, 15, 100),  # more cached than input: the emitter leaves them out
        (100, None, None, 100),
    ],
)
def test_an_emitter_that_leaves_cached_tokens_out_is_corrected(
    told, read_tokens, written, expected
) -> None:
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": told,
        "gen_ai.usage.cache_read.input_tokens": read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": written,
    }

    step = Reader().step(span("chat m", found), 0)

    assert step is not None and step.usage_in == expected
