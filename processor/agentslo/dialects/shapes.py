"""Spans of a known shape are read without asking every dialect again.

In: encoded spans of one scope of one resource; what the full reader made of some, and which
attribute values it looked at. Out: steps, or nothing where the full reader must be asked. State:
shapes, bounded by a number in all.

A shape is everything but the span's own: its name, kind, status, the sequence of its keys, and the
values of those keys that the full reader looked at when it read a span of that shape. The reader is
a function of what it looks at, so spans of equal shape whose particulars tell the same
(`particulars.Tells`) have equal readings. Where the reader looked at a particular by another way
than `ParticularReader`, or a dialect changed one, nothing is learned: such spans are read in full.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from agentslo.dialects import slim
from agentslo.dialects.base import Attributes, SpanView, Value
from agentslo.dialects.particulars import CONCEPTS, ParticularReader, Particulars, Tells
from agentslo.dialects.read import Reader
from agentslo.dialects.request import KEYS as REQUEST_KEYS
from agentslo.dialects.sampling import SAMPLER
from agentslo.model import Resource, Scope, Step
from agentslo.step import Reading

MAX_READINGS = 20_000
MAX_VALUE_BYTES = 200
"""Of a longer attribute only a digest is kept: it may be a prompt."""
MAX_LAYOUTS = 8
"""Sequences of keys of spans that are alike in name, kind and number of attributes."""
MAX_FAILURES = 16
"""Spans alike that could not be learned, after which no more of them are looked at."""
MAX_VALID = 32
"""Attributes known to be valid, at each place whose values nobody looks at."""
_TOLD_FLAGS = 0x300
_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


class Watched(Mapping[str, Value]):
    """Attributes that know which of their values were looked at."""

    def __init__(self, sent: Mapping[str, Value]) -> None:
        self.sent, self.seen = sent, set[str]()

    def __getitem__(self, key: str) -> Value:
        value = self.sent[key]
        self.seen.add(key)
        return value

    def get(self, key: str, default: Value = None) -> Value:  # type: ignore[override]  # of Value alone
        """The value, which is then known to have been looked at; its absence is part of a shape."""
        return self[key] if key in self.sent else default

    def __contains__(self, key: object) -> bool:
        return key in self.sent

    def __iter__(self) -> Iterator[str]:
        return iter(self.sent)

    def __len__(self) -> int:
        return len(self.sent)


Known = tuple[Step | None, Attributes]
"""A span that was read: its step, None where it has none, and the attributes that are its own."""


@dataclass(slots=True)
class _Kind:
    """Spans of one layout with the same values where these were looked at."""

    particulars: ParticularReader | None
    """None: they are no steps."""
    readings: dict[Tells, Reading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Check:
    """One attribute whose value was not looked at: it must be there, and valid. `key`: of one whose
    value is the span's own, else empty.
    """

    place: int
    prefix: bytes
    key: str


class _Layout:
    """A sequence of keys, and which of their values were looked at."""

    def __init__(
        self, looked_at: Sequence[int], checks: Sequence[_Check], *, digests: bool
    ) -> None:
        """`digests`: there are long values among those looked at."""
        # At least two places, or the getter would give no tuple.
        self._looked_at = itemgetter(*looked_at, *looked_at[:1]) if looked_at else _nothing
        self._digests = digests
        self.form = tuple(looked_at), tuple(checks), digests
        self._checks = tuple(
            (c.place, c.prefix, len(c.prefix), c.key, set[bytes]()) for c in checks
        )
        self.kinds: dict[tuple[bytes, ...], _Kind] = {}

    def looked_at(self, attributes: Sequence[bytes]) -> tuple[bytes, ...]:
        """The attributes whose values were looked at; of long ones digests."""
        found = self._looked_at(attributes)
        if not self._digests:
            return found
        return tuple(a if len(a) <= MAX_VALUE_BYTES else blake2b(a).digest() for a in found)

    def own(self, attributes: Sequence[bytes]) -> dict[str, Value] | None:
        """The values that are the span's own; None where its attributes are laid out otherwise."""
        found: dict[str, Value] = {}
        for place, prefix, start, key, valid in self._checks:
            attribute = attributes[place]
            if key:
                if not attribute.startswith(prefix):
                    return None
                value = slim.value(attribute, start)
                if value is None:
                    return None
                found[key] = value
            elif attribute not in valid:
                if not attribute.startswith(prefix) or not _is_plain(attribute, start):
                    return None
                if len(attribute) <= MAX_VALUE_BYTES and len(valid) < MAX_VALID:
                    valid.add(attribute)
        return found


def _nothing(_: Sequence[bytes]) -> tuple[bytes, ...]:
    return ()


class ScopeShapes:
    """The shapes of one scope of one resource. Owned by one thread."""

    def __init__(
        self, resource: Resource, scope: Scope, keys: Mapping[str, tuple[str, ...]]
    ) -> None:
        """`keys`: per concept, the attributes whose values are a span's own."""
        self.resource, self.scope = resource, scope
        self._keys = keys
        self._own = {key for found in keys.values() for key in found} | set(REQUEST_KEYS)
        self.readings = 0
        self._layouts: dict[object, list[_Layout]] = {}
        self._failures: Counter[object] = Counter()

    def known(self, encoded: bytes, arrival_ns: int) -> Known | None:
        """The span read by its shape; None where its shape is not known."""
        span = slim.cut(encoded)
        if span is None or span.more or span.links or SAMPLER in span.trace_state:
            return None
        attributes = list(span.attributes)
        for layout in self._layouts.get(_outline(span, attributes), ()):
            kind = layout.kinds.get(layout.looked_at(attributes))
            sent = layout.own(attributes) if kind is not None else None
            if kind is not None and sent is not None:
                break
        else:
            return None
        if not _are_valid(span):
            return None
        if kind.particulars is None:
            return None, sent
        own = kind.particulars.read(sent)
        reading = kind.readings.get(own.tells)
        if reading is None:
            return None
        return _step(span, own, reading, arrival_ns), sent

    def learn(
        self, encoded: bytes, watched: Watched, step: Step | None, own: Particulars | None
    ) -> None:
        """Remember how a span was read, where spans like it can be read so. `own`: its particulars
        before a dialect could change them.
        """
        span = slim.cut(encoded)
        if span is None or span.more or span.links or SAMPLER in span.trace_state:
            return
        attributes = list(span.attributes)
        outline = _outline(span, attributes)
        if self._failures[outline] < MAX_FAILURES and not self._learned(
            outline, attributes, watched, step, own
        ):
            if len(self._failures) > MAX_READINGS:
                self._failures.clear()
            self._failures[outline] += 1

    def _learned(
        self,
        outline: object,
        attributes: Sequence[bytes],
        watched: Watched,
        step: Step | None,
        own: Particulars | None,
    ) -> bool:
        if not self._own.isdisjoint(watched.seen):
            return False
        if step is not None and (own is None or not own.is_of(step)):
            return False
        found = _layout(attributes, watched, self._own if step is not None else frozenset())
        layouts = self._layouts.setdefault(outline, [])
        if found is None or len(layouts) >= MAX_LAYOUTS:
            return False
        layout = next((one for one in layouts if one.form == found.form), None)
        if layout is None:
            layouts.append(layout := found)
        kind = layout.kinds.setdefault(layout.looked_at(attributes), _Kind(None))
        if step is not None and own is not None:
            if kind.particulars is None:
                kind.particulars = ParticularReader(own.role, self._keys_in(watched))
            kind.readings[own.tells] = step.reading
        self.readings += 1
        return True

    def _keys_in(self, sent: Attributes) -> dict[str, tuple[str, ...]]:
        found = {c: tuple(k for k in keys if k in sent) for c, keys in self._keys.items()}
        return {concept: keys for concept, keys in found.items() if keys}


def _outline(span: Any, attributes: Sequence[bytes]) -> object:  # noqa: ANN401 - a message
    flags = span.flags & _TOLD_FLAGS
    status = tuple(span.status) if span.status else ()
    return span.name, span.kind, flags, status, len(attributes)


def _layout(
    attributes: Sequence[bytes], watched: Watched, own_keys: Collection[str]
) -> _Layout | None:
    """How a span's attributes are laid out; None where they have no expected form."""
    looked_at: list[int] = []
    checks: list[_Check] = []
    keys: set[str] = set()
    for place, attribute in enumerate(attributes):
        key, start = slim.key(attribute)
        if not start or key in keys or key not in watched.sent:
            return None
        keys.add(key)
        is_own = key in own_keys
        if is_own and slim.value(attribute, start) != watched.sent[key]:
            return None
        if not is_own and (key in watched.seen or not _is_plain(attribute, start)):
            looked_at.append(place)
        else:
            checks.append(_Check(place, attribute[:start], key if is_own else ""))
    digests = any(len(attributes[place]) > MAX_VALUE_BYTES for place in looked_at)
    return _Layout(looked_at, checks, digests=digests)


def _is_plain(attribute: bytes, start: int) -> bool:
    return slim.value(attribute, start) is not None or slim.is_flag(attribute, start)


def _are_valid(span: Any) -> bool:  # noqa: ANN401 - a message
    trace_id, span_id = span.trace_id, span.span_id
    return (
        len(trace_id) == 16 and len(span_id) == 8 and trace_id != _NO_TRACE and span_id != _NO_SPAN
    )


def _step(span: Any, own: Particulars, reading: Reading, arrival_ns: int) -> Step:  # noqa: ANN401
    parent_id = span.parent_id
    if not parent_id.strip(b"\0"):
        parent_id = b""
    step = own.step(reading, span.trace_id, span.span_id, parent_id)
    start_ns, end_ns = span.start_ns, span.end_ns
    step.end_ns = max(start_ns, end_ns)
    step.start_ns = start_ns or end_ns
    step.arrival_ns = arrival_ns
    return step


class Shapes:
    """All shapes of a reader. Owned by one thread."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._keys = {concept: reader.keys[concept] for concept in CONCEPTS}
        self._scopes: dict[tuple[Resource, Scope], ScopeShapes] = {}

    def of(self, resource: Resource, scope: Scope) -> ScopeShapes:
        """The shapes of a scope."""
        found = self._scopes.get((resource, scope))
        if found is None:
            if sum(known.readings for known in self._scopes.values()) >= MAX_READINGS:
                self._scopes.clear()
            found = self._scopes[resource, scope] = ScopeShapes(resource, scope, self._keys)
        elif found.readings >= MAX_READINGS:
            found = self._scopes[resource, scope] = ScopeShapes(resource, scope, self._keys)
        return found

    def read(
        self, view: SpanView, encoded: bytes, shapes: ScopeShapes, arrival_ns: int
    ) -> Step | None:
        """The step of a span, by the full reader; its shape is known from then on."""
        if not self._reader.is_ours:
            return self._reader.step(view, arrival_ns)
        watched = Watched(view.attributes)
        step, own = self._reader.read(
            replace(view, attributes=watched), view.attributes, arrival_ns
        )
        if step is None or not self._reader.asks_content(step):
            shapes.learn(encoded, watched, step, own)
        return step
