"""What we must send, as bytes: released spans and verdict spans that have not arrived yet.

In: an `Outgoing`. Out: its bytes, and back. No state. The payload is kept as it will be sent,
so that what is sent again after a crash is byte-equal, whatever the configuration says by then.
"""

import json

from agentslo.runs.steps import StepError
from agentslo.service.dispatch import Outgoing

OUTBOX = "outbox"


def pack(one: Outgoing) -> bytes:
    """Length of the head, head (JSON), payload."""
    head = json.dumps([one.destination, one.items, one.verdicts]).encode()
    return len(head).to_bytes(4, "little") + head + one.payload


def unpack(body: bytes) -> Outgoing:
    """What was packed. Raises `StepError`."""
    size = 4 + int.from_bytes(body[:4], "little")
    try:
        name, items, verdicts = json.loads(body[4:size])
    except ValueError as error:
        raise StepError(f"no outgoing request: {error}") from error
    return Outgoing(destination=name, payload=body[size:], items=items, verdicts=verdicts)
