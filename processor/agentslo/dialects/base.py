"""What a dialect is: how one convention names the concepts of an agent run.

In: one span as sent (`SpanView`). Out: its role and, by key lists, its concepts. No state.
A dialect is data first: a role function, alias keys per concept (first present wins) and, where a
convention hides a fact in its own way, a `refine` function. The concepts there are keys for are the
fields of `config.dialect_options.ConceptKeys`. Source: conventions.md 1, 2, 4, 5, 14.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from agentslo.model import Resource, Role, Scope, Step

Value: TypeAlias = "str | bool | int | float | bytes | list[Value] | dict[str, Value] | None"
Attributes: TypeAlias = Mapping[str, Value]

STATUS_UNSET = 0
STATUS_OK = 1
STATUS_ERROR = 2
_EXACT = 2**53
"""Below it a float holds every whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A span event: its name and attributes."""

    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A span that another one points to; ids are raw bytes."""

    trace_id: bytes
    span_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanView:
    """One span as sent, attributes as Python values, nothing interpreted yet. Times are unix ns."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: int
    flags: int
    start_ns: int
    end_ns: int
    status: int
    message: str
    attributes: Attributes
    events: tuple[Event, ...]
    resource: Resource
    scope: Scope
    links: tuple[Link, ...] = ()
    trace_state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One convention.

    `role` gives the span's role, or None where the span is not of this convention. `keys` lists,
    per concept, the attribute keys to try in order. `markers`: bytes one of which is inside every
    encoded span of the convention (a hint for the cut, confirmed by `role`); `scopes`: prefixes of
    scope names whose spans are read even without a marker. `refine` may correct the finished step.
    `tool_scopes`: prefixes of scope names known to send a span for every tool call,
    `answer_scopes` to put something of every response on its model span, and `status_scopes` to
    set a status on every span that ran to its end, so that the absence is evidence (design.md 2).
    """

    name: str
    role: Callable[[SpanView], Role | None]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    markers: tuple[bytes, ...] = ()
    scopes: tuple[str, ...] = ()
    tool_scopes: tuple[str, ...] = ()
    answer_scopes: tuple[str, ...] = ()
    status_scopes: tuple[str, ...] = ()
    refine: Callable[[SpanView, Step], None] | None = None


def text(value: Value) -> str:
    """A string attribute as it is, anything else as the empty string."""
    return value if isinstance(value, str) else ""


def number(value: Value) -> float | None:
    """An int, double or numeric string as a finite float; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 else None
    if isinstance(value, str) and len(value) <= 32:
        try:
            found = float(value)
        except ValueError:
            return None
        return found if abs(found) < 1e300 else None
    return None


def count(value: Value) -> int | None:
    """A token or item count: a whole number >= 0, None otherwise."""
    if type(value) is int and 0 <= value < _EXACT:
        return value
    found = number(value)
    return int(found) if found is not None and found >= 0 else None
