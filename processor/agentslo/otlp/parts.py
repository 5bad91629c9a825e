"""Joined requests taken apart, down to single spans.

In: the parts of a request that was refused. Out: the parts of two smaller ones, or nothing where
nothing smaller makes sense. No state.
"""

from dataclasses import dataclass

from agentslo.otlp.halve import halve
from agentslo.otlp.send_queue import Parcel

SPLIT_FLOOR_BYTES = 64 * 1024
"""No peer's size limit is lower. A single payload below it met RESOURCE_EXHAUSTED for another
reason, and many tiny requests would make that worse."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes to send for a parcel: all of its payload, or a piece cut from it."""

    payload: bytes
    items: int
    parcel: Parcel


def halves(parts: list[Part]) -> list[list[Part]]:
    """Two lists of parts, each about half; none when there is nothing left to halve."""
    if len(parts) > 1:
        middle = len(parts) // 2
        return [parts[:middle], parts[middle:]]
    (part,) = parts
    cut = halve(part.payload) if len(part.payload) > SPLIT_FLOOR_BYTES else None
    if cut is None:
        return []
    (first, first_spans), (second, second_spans) = cut
    # `items` may count only some of the spans, so it is shared out in proportion.
    first_items = part.items * first_spans // (first_spans + second_spans)
    return [
        [Part(first, first_items, part.parcel)],
        [Part(second, part.items - first_items, part.parcel)],
    ]
