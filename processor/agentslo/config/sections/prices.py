"""The `prices` section: what models cost where the spans do not say.

In: nodes. Out: `PriceOptions`. No state. Precedence: reported by the
span, else these prices, else a public table, else counted as unpriced.
"""

from agentslo.config.fields import Key
from agentslo.config.kinds import Boolean, Number, Text
from agentslo.config.options import ModelPrice, PriceOptions
from agentslo.config.schema import Group, GroupMap

_USD = Number(0, 1_000_000)

PRICES = Group(
    name="prices",
    doc="What models cost, where the spans do not say it themselves.",
    make=PriceOptions,
    start=PriceOptions(),
    fields=(
        Key(
            "public_table",
            Boolean(),
            "Fall back to the prices of the package genai-prices, where it is installed "
            "(`pip install agentslo[prices]`).",
        ),
        GroupMap(
            name="models",
            doc="Prices by model name; `*` stands for anything, the first match counts.",
            key_kind=Text(r"[\w.:/@*-]{1,200}", "a model name, `*` for anything"),
            item=Group(
                name="NAME",
                doc="US dollars per million tokens.",
                make=ModelPrice,
                fields=(
                    Key("input_usd", _USD, "Input tokens.", required=True),
                    Key("output_usd", _USD, "Output tokens.", required=True),
                    Key("cached_input_usd", _USD, "Input tokens read from a cache."),
                ),
            ),
        ),
    ),
)
