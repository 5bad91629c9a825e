"""Spans kept back because each may be the root of a run, until it is known whether it is.

In: possible roots with their parents, and the ids of spans as they come. Out: held spans that
turned out to have an agent above them. State: per open trace, the held spans, and under which
missing ancestor each hangs, so that a new span looks only at those it can decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agentslo.model import AGENT_LIKE, Step
from agentslo.runs.forest import Edge

MAX_CLIMB = 1_000
"""Above that many known ancestors without an agent a span is held until its time is over."""


@dataclass(slots=True)
class Held:
    """A span kept back because it may be a run root. `payload` is the caller's own."""

    step: Step
    payload: object
    since_ns: int
    size_bytes: int = 0


class Spans(Protocol):
    """What is known of a trace."""

    @property
    def steps(self) -> Mapping[bytes, Step]:
        """Its agent steps by span id."""

    @property
    def edges(self) -> Mapping[bytes, Edge]:
        """The parents of its other spans."""


@dataclass(slots=True)
class TraceHolds:
    """The held spans of one open trace."""

    trace: Spans
    spans: dict[bytes, Held] = field(default_factory=dict)
    below: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Held spans by the id at which their known ancestors end."""

    def agent_above(self, span_id: bytes) -> tuple[bool, bytes]:
        """(whether an agent is above the span, the id at which its known ancestors end)."""
        at, steps = span_id, self.trace.steps
        for _ in range(MAX_CLIMB):
            known = steps.get(at) or self.trace.edges.get(at)
            if known is None:
                return False, at
            at = known.parent_id
            above = steps.get(at)
            if above is not None and above.role in AGENT_LIKE:
                return at != span_id, b""
            if not at or at == span_id:
                break
        return False, b""

    def keep(self, held: Held) -> None:
        """Hold a span back."""
        span_id = held.step.span_id
        self.spans[span_id] = held
        _, missing = self.agent_above(span_id)
        if missing:
            self.below.setdefault(missing, []).append(span_id)

    def came(self, span_id: bytes) -> list[bytes]:
        """The held spans that a span which just came, or one above it, shows to be nested."""
        waiting = self.below.pop(span_id, None)
        if waiting is None:
            return []
        step = self.trace.steps.get(span_id)
        if step is not None and step.role in AGENT_LIKE:
            return self._still_held(waiting)
        nested, missing = self.agent_above(span_id)
        if nested:
            return self._still_held(waiting)
        if missing in self.below:
            self.below[missing].extend(waiting)
        elif missing:
            self.below[missing] = waiting
        return []

    def _still_held(self, span_ids: list[bytes]) -> list[bytes]:
        return [i for i in dict.fromkeys(span_ids) if i in self.spans]
