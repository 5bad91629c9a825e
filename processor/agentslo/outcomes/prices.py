"""What a model call costs by its tokens.

In: the user's price list and, where it is installed and wanted, the public table of the package
genai-prices. Out: a `Price` function: US dollars and where the price came from, or None. Cached
input tokens are part of the input tokens (OTel semantics). State: per model name which price it
has, bounded; the package takes 150 us a call, a known rate less than one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from agentslo.config.options import ModelPrice, PriceOptions
from agentslo.model import Step
from agentslo.outcomes.cost import Price

MAX_MODELS = 1_000
"""Model names remembered with their price."""
MILLION = 1_000_000
Table = Callable[[Step], float | None]
ByTokens = Callable[[int, int, int], float]
"""US dollars by tokens in, how many of them cached, tokens out."""


def pricing(options: PriceOptions, public: Table | None = None) -> Price:
    """The price function of a configuration; `public` stands in for the public table in tests."""
    table = public or (public_table() if options.public_table else None)

    @lru_cache(MAX_MODELS)
    def listed(model: str) -> ModelPrice | None:
        name = model.lower()
        return next((k for k in options.models if fnmatchcase(name, k.name.lower())), None)

    def price(step: Step) -> tuple[float, str] | None:
        model = step.model
        known = listed(model) if options.models else None
        if known is not None:
            return by_list(step, known), "price_file"
        found = table(step) if table is not None and model else None
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


@dataclass(frozen=True, slots=True)
class Rates:
    """A price that grows with the tokens alone, in whole `1 / unit` of a US dollar a token: whole
    numbers divide to the nearest float, as the exact decimals of the table do.
    """

    fresh: int
    cached: int
    answer: int
    request: int
    unit: int

    def of(self, tokens_in: int, cached: int, tokens_out: int) -> float:
        """US dollars of one call; `cached` of `tokens_in` were read from a cache."""
        total = (tokens_in - cached) * self.fresh + cached * self.cached
        return (total + tokens_out * self.answer + self.request) / self.unit


def public_table() -> Table | None:
    """Prices of the package genai-prices; None where it is not installed."""
    try:
        # Optional; its table takes half a second to read: now, and not when the first run closes.
        from genai_prices import Usage, calc_price, data  # noqa: F401, PLC0415
    except ImportError:
        return None

    def exact(model: str, tokens_in: int, cached: int, tokens_out: int) -> Any:  # noqa: ANN401
        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached)
        return calc_price(usage, model_ref=model, provider_id=None)

    @lru_cache(MAX_MODELS)
    def by_tokens(model: str) -> ByTokens | None:
        try:
            rates = _linear(lambda *tokens: exact(model, *tokens))
        except LookupError:
            return None
        return rates.of if rates else lambda *tokens: float(exact(model, *tokens).total_price)

    def look_up(step: Step) -> float | None:
        known = by_tokens(step.model)
        if known is None:
            return None
        tokens_in = step.usage_in or 0
        return known(tokens_in, min(step.usage_cached or 0, tokens_in), step.usage_out or 0)

    return look_up


_PROBES = ((1_000_003, 0, 0), (1_000_003, 999_983, 0), (0, 0, 1_000_003), (77, 7, 1_300_021))
"""Tokens in, cached, out. Primes, and above every step of a tiered price."""


def _linear(exact: Callable[[int, int, int], Any]) -> Rates | None:
    """The rates behind a price of the table; None where it has steps, or depends on the time."""
    found = exact(0, 0, 0)
    prices = vars(found.model_price)
    if isinstance(found.model.prices, list) or not all(
        isinstance(value, Decimal | None) for value in prices.values()
    ):
        return None
    base, million = found.total_price, Decimal(MILLION)
    parts = [
        (exact(MILLION, 0, 0).total_price - base) / million,
        (exact(MILLION, MILLION, 0).total_price - base) / million,
        (exact(0, 0, MILLION).total_price - base) / million,
        base,
    ]
    unit = 10 ** max(0, *(-int(part.normalize().as_tuple().exponent) for part in parts))
    fresh, cached, answer, request = (int(part * unit) for part in parts)
    rates = Rates(fresh, cached, answer, request, unit)
    same = all(rates.of(*tokens) == float(exact(*tokens).total_price) for tokens in _PROBES)
    return rates if same else None
