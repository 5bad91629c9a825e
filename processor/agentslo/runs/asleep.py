"""Steps of traces that wait, packed: what is their own in few bytes, their readings kept once.

In: the steps of a trace. Out: bytes, and the steps again. State: the readings that packed steps
refer to, for as long as one does. A step that has what few have (`step.Rare`), or a value out of
the ordinary, is not packed, and its trace then stays as it is. 71 bytes a step, and its texts.
"""

import struct
from collections import deque
from collections.abc import Collection, Iterator

from agentslo.step import Reading, Step

_FIXED = struct.Struct("<8s8sQqQIIIIIHBBBH")
_ID_BYTES, _NUMBER_BYTES = 8, 4
_SAME_CONVERSATION = 1
_COUNTS = 5
"""Tokens and hashes; the bits of `flags` from the second on say which of them are told."""


class Asleep:
    """Packs steps and unpacks them. Owned by one thread."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str], int] = {}
        self._readings: dict[int, tuple[Reading, str]] = {}
        self._uses: dict[int, int] = {}
        self._last = self.steps = self.bytes = 0
        self.awake: deque[bytes] = deque()
        """Traces in the order in which they woke; whoever packs them takes them."""

    @property
    def readings(self) -> int:
        """How many readings packed steps refer to."""
        return len(self._readings)

    def pack(self, steps: Collection[Step]) -> bytes | None:
        """The steps of one trace as bytes; None where one of them does not fit."""
        conversation = next((s.conversation_id for s in steps), "")
        packed = [one for step in steps if (one := _packed(step, conversation)) is not None]
        text = conversation.encode("utf-8", "replace")
        if len(packed) < len(steps) or len(text) > 255:
            return None
        out = [bytes((len(text),)), text]
        for step, one in zip(steps, packed, strict=True):
            out += (self._number(step).to_bytes(_NUMBER_BYTES, "little"), one)
        made = b"".join(out)
        self.steps += len(steps)
        self.bytes += len(made)
        return made

    def unpack(self, packed: bytes, trace_id: bytes) -> Iterator[Step]:
        """The steps again, which are packed no longer."""
        self.bytes -= len(packed)
        at = 1 + packed[0]
        conversation = packed[1:at].decode()
        while at < len(packed):
            start = at + _NUMBER_BYTES
            reading, source = self._taken_back(int.from_bytes(packed[at:start], "little"))
            step, at = _unpacked(packed, start, reading, trace_id, conversation)
            step.source = source
            self.steps -= 1
            yield step

    def _number(self, step: Step) -> int:
        key = id(step.reading), step.source
        number = self._numbers.get(key)
        if number is None:
            self._last = number = (self._last + 1) % 2**32
            self._numbers[key] = number
            self._readings[number] = step.reading, step.source
        self._uses[number] = self._uses.get(number, 0) + 1
        return number

    def _taken_back(self, number: int) -> tuple[Reading, str]:
        reading, source = self._readings[number]
        self._uses[number] -= 1
        if not self._uses[number]:
            del self._uses[number], self._readings[number], self._numbers[id(reading), source]
        return reading, source


def _packed(step: Step, conversation: str) -> bytes | None:
    parent_id = step.parent_id
    if step.has_rare or len(step.span_id) != _ID_BYTES or len(parent_id) not in (0, _ID_BYTES):
        return None
    same = step.conversation_id == conversation
    counts = (
        *(step.usage_in, step.usage_out, step.usage_cached),
        *(step.args_hash, step.result_hash),
    )
    flags = _SAME_CONVERSATION if same else 0
    for place, told in enumerate(counts, start=1):
        flags |= (told is not None) << place
    own = "" if same else step.conversation_id
    try:
        texts = own.encode(), step.call_id.encode(), step.response_id.encode()
        fixed = _FIXED.pack(
            *(step.span_id, parent_id, step.start_ns, step.end_ns - step.start_ns),
            *(step.arrival_ns, *(told or 0 for told in counts), flags),
            *(*map(len, texts), len(step.request)),
        )
    except (struct.error, UnicodeEncodeError):
        return None
    return b"".join((fixed, *texts, step.request))


def _unpacked(
    packed: bytes, at: int, reading: Reading, trace_id: bytes, conversation: str
) -> tuple[Step, int]:
    """(a step, where the next one starts)."""
    span_id, parent_id, start_ns, lasted_ns, arrival_ns, *rest = _FIXED.unpack_from(packed, at)
    flags, *sizes = rest[_COUNTS:]
    at += _FIXED.size
    parts = []
    for size in sizes:
        parts.append(packed[at : at + size])
        at += size
    usage_in, usage_out, usage_cached, args_hash, result_hash = (
        told if flags >> place & 1 else None for place, told in enumerate(rest[:_COUNTS], 1)
    )
    step = Step(
        *(reading, trace_id, span_id, parent_id if any(parent_id) else b""),
        start_ns=start_ns,
        end_ns=start_ns + lasted_ns,
        arrival_ns=arrival_ns,
        conversation_id=conversation if flags & _SAME_CONVERSATION else parts[0].decode(),
        call_id=parts[1].decode(),
        response_id=parts[2].decode(),
        usage_in=usage_in,
        usage_out=usage_out,
        usage_cached=usage_cached,
        args_hash=args_hash,
        result_hash=result_hash,
        request=parts[3],
    )
    return step, at
