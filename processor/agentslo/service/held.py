"""Held spans: the encoded span in them, and what a journal keeps of it. Pure."""

from agentslo.otlp.cut import enveloped
from agentslo.runs.holds import Held
from agentslo.runs.rows import Kept
from agentslo.service.events import HeldSpan


def span_of(held: Held) -> HeldSpan:
    """The encoded span and where it came from."""
    if not isinstance(held.payload, HeldSpan):
        raise TypeError(held.payload)
    return held.payload


def kept_span(held: Held) -> Kept:
    """What a journal keeps of it."""
    span = span_of(held)
    return Kept(
        trace_id=held.step.trace_id,
        span_id=held.step.span_id,
        since_ns=held.since_ns,
        span=enveloped(span.origin, [span.encoded]),
    )
