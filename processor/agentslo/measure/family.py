"""What a metric family is: its name, kind, labels, and what bounds each label.

Values without behaviour beyond lookups; the families themselves are in `catalogue`. No state, no
I/O. Sources: Prometheus naming practice, OpenMetrics 1.0, design.md 6 (caps, zero hold).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

OWN_PREFIX: Final = "agent_slo_processor_"
"""Families about this process: they restart at 0, have no zero hold and no series cap."""

CAPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agents": "agents of the process",
        "environments": "environments of an agent",
        "releases": "live releases of an agent",
        "tools": "tools of an agent",
        "task_types": "task types of an agent",
        "segments": "user segments of an agent",
        "error_types": "error types of an agent",
        "features": "watched features of an agent",
        "bins": "bins of an agent's watched features",
        "causes": "causes and segments of an agent's drift",
        "values": "values of any other open label, per agent, family and label",
        "closed": "a value outside a label's closed set",
        "series_per_agent": "series of an agent",
        "series": "series of the process",
        "dropped": "no room even under `_other`: the increment was not counted",
    }
)
"""Every bound whose crossing is counted, in words: the values of the label `cap`."""


class Kind(StrEnum):
    """How a family behaves; the words of the exposition formats."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label: its name and what keeps the number of its values small.

    `values`: the only ones it may take, where the set is closed; `cap`: the cap that counts its
    values where it is open; `follows`: the label it describes and with which it folds. With none
    of the three, configuration or code decides the values (`slo`, `destination`).
    """

    name: str
    values: tuple[str, ...] = ()
    cap: str = ""
    follows: str = ""


# Compared and hashed by identity: a family is a key on the hot path and there is one of each.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """One row of the catalogue. `unit` is the last word of the name (without `_total`), or empty.

    `buckets`: upper bounds of a histogram, without the infinite one.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    label_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label_names", tuple(label.name for label in self.labels))

    @property
    def own(self) -> bool:
        """Whether this family is about the process and not about agents."""
        return self.name.startswith(OWN_PREFIX)

    @property
    def zero_held(self) -> bool:
        """Whether a new series is first exposed at 0, so that `increase` sees its first event."""
        return self.kind is not Kind.GAUGE and not self.own

    @property
    def series_per_row(self) -> int:
        """How many Prometheus series one set of label values makes."""
        return len(self.buckets) + 3 if self.kind is Kind.HISTOGRAM else 1

    def index(self, label_name: str) -> int:
        """The place of a label, -1 where the family has none of that name."""
        return self.label_names.index(label_name) if label_name in self.label_names else -1


def one_of(name: str, *values: str) -> Label:
    """A label with a closed set of values."""
    return Label(name=name, values=values)


def counter(name: str, text: str, *labels: Label, unit: str = "") -> Family:
    """A count that never falls."""
    return Family(name=name, kind=Kind.COUNTER, help=text, labels=labels, unit=unit)


def gauge(name: str, text: str, *labels: Label, unit: str = "") -> Family:
    """A value that goes up and down."""
    return Family(name=name, kind=Kind.GAUGE, help=text, labels=labels, unit=unit)


def histogram(
    name: str, text: str, *labels: Label, unit: str, buckets: tuple[float, ...]
) -> Family:
    """A distribution in fixed buckets, with exemplars."""
    return Family(
        name=name,
        kind=Kind.HISTOGRAM,
        help=text,
        labels=labels,
        unit=unit,
        buckets=buckets,
    )
