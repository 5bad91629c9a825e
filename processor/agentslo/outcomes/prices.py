"""What a model call costs by its tokens.

In: the user's price list and, where it is installed and wanted, the public table of the package
genai-prices. Out: a `Price` function: US dollars and where the price came from, or None. Pure but
for importing the table once. Cached input tokens are part of the input tokens (OTel semantics).
"""

from collections.abc import Callable
from fnmatch import fnmatchcase

from agentslo.config.options import ModelPrice, PriceOptions
from agentslo.model import Step
from agentslo.outcomes.cost import Price

MILLION = 1_000_000
Table = Callable[[Step], float | None]


def pricing(options: PriceOptions, public: Table | None = None) -> Price:
    """The price function of a configuration; `public` stands in for the public table in tests."""
    table = public or (public_table() if options.public_table else None)

    def price(step: Step) -> tuple[float, str] | None:
        for known in options.models:
            if fnmatchcase(step.model.lower(), known.name.lower()):
                return by_list(step, known), "price_file"
        found = table(step) if table is not None and step.model else None
        return None if found is None else (found, "public_table")

    return price


def by_list(step: Step, known: ModelPrice) -> float:
    """US dollars of a step's tokens at a listed price."""
    tokens_in, cached = step.usage_in or 0, step.usage_cached or 0
    cached = min(cached, tokens_in) if known.cached_input_usd is not None else 0
    return (
        (tokens_in - cached) * known.input_usd
        + cached * (known.cached_input_usd or 0.0)
        + (step.usage_out or 0) * known.output_usd
    ) / MILLION


def public_table() -> Table | None:
    """Prices of the package genai-prices; None where it is not installed."""
    try:
        from genai_prices import Usage, calc_price  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None

    def look_up(step: Step) -> float | None:
        usage = Usage(
            input_tokens=step.usage_in or 0,
            output_tokens=step.usage_out or 0,
            cache_read_tokens=min(step.usage_cached or 0, step.usage_in or 0),
        )
        try:
            found = calc_price(usage, model_ref=step.model, provider_id=None)
        except LookupError:
            return None
        return float(found.total_price)

    return look_up
