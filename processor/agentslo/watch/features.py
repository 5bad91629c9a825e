"""What is watched for change: one table, one observation a run and feature.

In: nothing. Out: `Feature`s by name. No state. A name may go on with `:` and a tool's name. The
order of families is the order in which a cause is looked for. Source: methods.md 3.6.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Family(StrEnum):
    """What a feature tells of; decides what may have caused its change and what reverses it."""

    INPUT = "input"
    TOOL = "tool"
    POLICY = "policy"
    RETRIEVAL = "retrieval"
    BEHAVIOUR = "behaviour"
    OUTCOME = "outcome"


class Shape(StrEnum):
    """How observations become bins."""

    CATEGORIES = "categories"
    LADDER = "ladder"
    RATE = "rate"
    NOVELTY = "novelty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One watched feature. `bounds`: upper bounds of a ladder's steps, the last step is open.

    `fall`: a rate whose fall is alarmed too, as when handing over to people stops.
    """

    name: str
    family: Family
    shape: Shape
    doc: str
    bounds: tuple[float, ...] = ()
    fall: bool = False


NO: Final = "no"
YES: Final = "yes"
OTHER: Final = "_other"
"""The bin of everything the baseline has not among its most frequent."""


def _powers(first: float, steps: int) -> tuple[float, ...]:
    return tuple(float(f"{first * 2**i:.4g}") for i in range(steps))


def _of(name: str, family: Family, doc: str) -> Feature:
    return Feature(name=name, family=family, shape=Shape.CATEGORIES, doc=doc)


def _ladder(name: str, family: Family, doc: str, bounds: tuple[float, ...]) -> Feature:
    return Feature(name=name, family=family, shape=Shape.LADDER, doc=doc, bounds=bounds)


def _rate(name: str, family: Family, doc: str, *, fall: bool = False) -> Feature:
    return Feature(name=name, family=family, shape=Shape.RATE, doc=doc, fall=fall)


_TABLE = (
    Feature(
        name="novelty",
        family=Family.INPUT,
        shape=Shape.NOVELTY,
        doc="How unlike all baseline requests the person's words are.",
    ),
    _of("wording", Family.INPUT, "Which words requests are made of: another mix of known topics."),
    _of("task_type", Family.INPUT, "Kind of task or intent, as the spans tell it."),
    _ladder("tokens_in", Family.INPUT, "Input tokens of the run.", _powers(64, 14)),
    _rate("tool_error", Family.TOOL, "Runs that call the tool in which a call of it fails."),
    _of("tool_error_class", Family.TOOL, "Error type of the tool's first failed call."),
    _ladder("tool_latency", Family.TOOL, "Longest call of the tool, seconds.", _powers(0.01, 15)),
    _of("tool_shape", Family.TOOL, "Field names of the tool's result, hashed."),
    _rate("denial", Family.POLICY, "A guardrail or permission stopped something.", fall=True),
    _rate("override", Family.POLICY, "A person overrode the agent, as declared.", fall=True),
    _rate("retrieval_miss", Family.RETRIEVAL, "Runs that search in which a search finds nothing."),
    _ladder("documents", Family.RETRIEVAL, "Documents found by the run.", (0, *_powers(1, 8))),
    _ladder("retrieval_score", Family.RETRIEVAL, "Best score, as declared.", _powers(0.01, 12)),
    _ladder("index_age", Family.RETRIEVAL, "Age of the index as declared, s.", _powers(3600, 12)),
    _of("tool_mix", Family.BEHAVIOUR, "Which tools a run calls."),
    _rate("escalation", Family.BEHAVIOUR, "Runs handed to a person.", fall=True),
    _of("escalation_reason", Family.BEHAVIOUR, "Why runs are handed to a person."),
    _of("finish", Family.BEHAVIOUR, "Why the last model call stopped."),
    _rate("refusal", Family.BEHAVIOUR, "Runs the model or its provider refused."),
    _rate("retry", Family.BEHAVIOUR, "Runs that repeat a failed call."),
    _rate("fallback", Family.BEHAVIOUR, "Runs in which a fallback was used, as declared."),
    _rate("duplicate", Family.BEHAVIOUR, "Runs that repeat an effect."),
    _ladder("confidence", Family.BEHAVIOUR, "Confidence as declared.", _powers(0.01, 7)),
    _ladder("model_calls", Family.BEHAVIOUR, "Model calls of the run.", (1, 2, 3, 4, 6, 8, 12, 24)),
    _ladder("tokens_out", Family.BEHAVIOUR, "Output tokens of the run.", _powers(16, 14)),
    _ladder("latency", Family.BEHAVIOUR, "Duration of the run, seconds.", _powers(0.1, 15)),
    _ladder("cost", Family.BEHAVIOUR, "Cost of the run, US dollars.", _powers(0.0001, 15)),
    _rate("failure", Family.OUTCOME, "Judged runs that ended badly."),
)

FEATURES: Final[Mapping[str, Feature]] = MappingProxyType({f.name: f for f in _TABLE})
"""Every default feature by name."""


def feature(name: str) -> Feature:
    """The feature of a name that may go on with a tool's."""
    return FEATURES[name.partition(":")[0]]


def step_label(bounds: tuple[float, ...], value: float) -> str:
    """The bin of a value on a ladder.

    >>> step_label((1.0, 2.0), 1.5), step_label((1.0, 2.0), 3)
    ('to 2', 'over 2')
    """
    place = bisect_left(bounds, value)
    return f"to {bounds[place]:g}" if place < len(bounds) else f"over {bounds[-1]:g}"


def ladder_labels(bounds: tuple[float, ...]) -> tuple[str, ...]:
    """All bins of a ladder in order."""
    return (*(f"to {bound:g}" for bound in bounds), f"over {bounds[-1]:g}")
