"""Makes two requests of one that was too large.

In: an export request. Out: two that together hold its spans (or log records, or metrics), each span
byte for byte, each under its own resource and scope. No state. Only the way out of a size limit:
fields of the envelopes that OTLP does not define are not repeated.
"""

from agentslo.otlp.cut import Batch, CutError, Request, envelope

Half = tuple[bytes, int]


def halve(body: bytes) -> tuple[Half, Half] | None:
    """Two requests with their number of spans; None if there is one span or none, or no OTLP."""
    try:
        batches = Request(body).batches
    except CutError:
        return None
    total = sum(len(batch.items) for batch in batches)
    if total < 2:
        return None
    return _part(batches, 0, total // 2), _part(batches, total // 2, total)


def _part(batches: list[Batch], start: int, stop: int) -> Half:
    envelopes = []
    before = 0
    for batch in batches:
        chosen = batch.items[max(0, start - before) : max(0, stop - before)]
        before += len(batch.items)
        if chosen:
            envelopes.append(envelope(batch, chosen))
    return b"".join(envelopes), stop - start
