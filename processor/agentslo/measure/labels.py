"""Label values: made safe, and bounded in number.

Comes in: label values as telemetry gave them. Goes out: where an increment belongs (`Placement`).
State: the values each cap has let in, and how many series each agent has; bounded by the caps
themselves. Source: design.md 6 (caps, `_other`, safe character set).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Container
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final, NamedTuple

from agentslo.config.options import CapOptions
from agentslo.measure.family import Family

Labels = tuple[str, ...]

OTHER: Final = "_other"
"""The label value that stands for everything beyond a cap."""

MAX_CHARS: Final = 80
MAX_REMEMBERED: Final = 10_000
MAX_REMEMBERED_CHARS: Final = 400
"""Values remembered with their clean form; longer ones are not."""
ENVIRONMENTS_PER_AGENT: Final = 10
VALUES_PER_LABEL: Final = 30
FEATURES_PER_AGENT: Final = 80
BINS_PER_AGENT: Final = 400
CAUSES_PER_AGENT: Final = 200
_SAFE = re.compile(r"[A-Za-z0-9_.:/ -]{0,80}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:/ -]")
# At a series cap rows get coarser step by step. Each step keeps these labels and may fill this part
# of the cap, so that room is left for the next. An agent's alerts match on the labels kept longest.
_DETAIL_SHARE: Final = 0.9
_STEPS: Final = (
    (frozenset({"agent", "environment"}), 0.96),
    (frozenset({"agent"}), 0.98),
    (frozenset[str](), 1.0),
)


def clean(value: str) -> str:
    """The value with letters, digits and `_.:/- ` kept and anything else replaced by `_`.

    What is longer than 80 characters or not ASCII gets a short hash at its end: otherwise two
    agents named in Chinese, or with a long common prefix, would become one.
    """
    return _remembered(value) if len(value) <= MAX_REMEMBERED_CHARS else _cleaned(value)


def _cleaned(value: str) -> str:
    if _SAFE.fullmatch(value):
        return value
    safe = _UNSAFE.sub("_", value)
    if len(value) <= MAX_CHARS and value.isascii():
        return safe
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[: MAX_CHARS - 9]}-{digest}"


_remembered = lru_cache(MAX_REMEMBERED)(_cleaned)


class Placement(NamedTuple):
    """The row an increment belongs to (None: there is no room) and the bounds that were met."""

    row: Labels | None
    folded: tuple[str, ...]


class Admission:
    """Decides which label values and which series may exist."""

    def __init__(self, caps: CapOptions) -> None:
        self._caps = caps
        self._limits = {
            "agents": caps.agents,
            "environments": ENVIRONMENTS_PER_AGENT,
            "releases": caps.releases,
            "tools": caps.tools,
            "task_types": caps.task_types,
            "segments": caps.segments,
            "error_types": caps.error_types,
            "features": FEATURES_PER_AGENT,
            "bins": BINS_PER_AGENT,
            "causes": CAUSES_PER_AGENT,
            "values": VALUES_PER_LABEL,
        }
        self._admitted: defaultdict[Labels, set[str]] = defaultdict(set)
        self._series: defaultdict[str, int] = defaultdict(int)
        self.series = 0

    def place(self, family: Family, labels: Labels, existing: Container[Labels]) -> Placement:
        """Where the labels belong, given the rows the family has.

        Values beyond a cap become `_other`. At a series cap all capped labels do: first the
        detail, then the environment, then the agent. Only where that is full too there is no row.
        """
        if len(labels) != len(family.labels):
            raise ValueError(f"{family.name} has labels {family.label_names}, got {labels!r}")
        values, folded = self._fold_values(family, [clean(value) for value in labels])
        row = tuple(values)
        full = "" if row in existing else self._full(family, row, _DETAIL_SHARE)
        if not full:
            return Placement(row, tuple(folded))
        for kept, share in _STEPS:
            coarser = _folded(family, row, kept)
            if coarser in existing or not self._full(family, coarser, share):
                return Placement(coarser, (*folded, full))
        return Placement(None, (*folded, full, "dropped"))

    def added(self, family: Family, row: Labels) -> None:
        """Count a row that now exists."""
        self._resize(family, row, family.series_per_row)

    def removed(self, family: Family, row: Labels) -> None:
        """Count a row that is gone."""
        self._resize(family, row, -family.series_per_row)

    def forget_release(self, agent: str, release: str) -> None:
        """Free the place of a release."""
        self._admitted[agent, "releases"].discard(release)

    def _fold_values(self, family: Family, values: list[str]) -> tuple[list[str], list[str]]:
        folded = []
        agent = ""
        for place, label in enumerate(family.labels):
            value = values[place]
            if label.values and value not in label.values:
                met = "closed"
            elif label.cap and not self._admit(_scope(family, agent, place), label.cap, value):
                met = label.cap
            else:
                met = ""
            if met and value != OTHER:
                folded.append(met)
            if met or (label.follows and values[family.index(label.follows)] == OTHER):
                values[place] = OTHER
            if label.name == "agent":
                agent = values[place]
        return values, folded

    def _admit(self, scope: Labels, cap: str, value: str) -> bool:
        if value in ("", OTHER):
            return True
        admitted = self._admitted[scope]
        if value in admitted:
            return True
        if len(admitted) >= self._limits[cap]:
            return False
        admitted.add(value)
        return True

    def _full(self, family: Family, row: Labels, share: float) -> str:
        """The series cap one more row would cross; families without an agent have none."""
        place = family.index("agent")
        if place < 0:
            return ""
        size = family.series_per_row
        if self._series[row[place]] + size > self._caps.series_per_agent * share:
            return "series_per_agent"
        return "series" if self.series + size > self._caps.series * share else ""

    def _resize(self, family: Family, row: Labels, size: int) -> None:
        place = family.index("agent")
        if place >= 0:
            self._series[row[place]] += size
            self.series += size


def _scope(family: Family, agent: str, place: int) -> Labels:
    """Among what a label's values are counted: a named cap holds over all families of an agent."""
    label = family.labels[place]
    if label.cap == "values":
        return (agent, label.cap, family.name, label.name)
    return (agent, label.cap)


def _folded(family: Family, row: Labels, kept: AbstractSet[str]) -> Labels:
    """The row with every bounded label but the kept ones as `_other`."""
    return tuple(
        OTHER if (label.cap or label.follows) and label.name not in kept else value
        for label, value in zip(family.labels, row, strict=True)
    )
