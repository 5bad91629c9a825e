"""Prices of the public table: what is remembered of a model gives what the package would give."""

import itertools

import pytest

from agentslo.model import Resource, Role, Scope, Step
from agentslo.outcomes.prices import public_table

TOKENS_IN, CACHED, TOKENS_OUT = (0, 1, 3_999, 200_001), (None, 0, 7, 3_000, 10**7), (None, 801)


def call(model: str, tokens_in: int, cached: int | None, tokens_out: int | None) -> Step:
    return Step.made(
        trace_id=b"",
        span_id=b"",
        parent_id=b"",
        name="",
        role=Role.LLM,
        start_ns=0,
        end_ns=0,
        arrival_ns=0,
        resource=Resource(),
        scope=Scope(),
        model=model,
        usage_in=tokens_in,
        usage_cached=cached,
        usage_out=tokens_out,
    )


@pytest.mark.parametrize(
    "model",
    [
        *("gpt-4o-mini-2024-07-18", "gpt-4o", "claude-sonnet-4-5", "mistral-large-latest"),
        # Prices with steps, with prices by date, with a price for each request, and no price.
        *(
            "gemini-2.5-pro",
            "gemini-1.5-flash",
            "deepseek-chat",
            "o3",
            "sonar-pro",
            "no-such-model",
        ),
    ],
)
def test_a_remembered_price_is_the_tables_price(model: str) -> None:
    genai_prices = pytest.importorskip("genai_prices")
    table = public_table()
    assert table is not None
    for tokens_in, cached, tokens_out in itertools.product(TOKENS_IN, CACHED, TOKENS_OUT):
        usage = genai_prices.Usage(
            input_tokens=tokens_in,
            output_tokens=tokens_out or 0,
            cache_read_tokens=min(cached or 0, tokens_in),
        )
        try:
            found = genai_prices.calc_price(usage, model_ref=model, provider_id=None)
            wanted = float(found.total_price)
        except LookupError:
            wanted = None
        assert table(call(model, tokens_in, cached, tokens_out)) == wanted
