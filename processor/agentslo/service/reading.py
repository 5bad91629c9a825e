"""From encoded spans to steps: by shape where that is known, else in full, with bugs fenced in.

In: the spans of one scope of one resource. Out: steps with what is their own, counted in `tally`
where a span cannot be read. State: the shapes (`dialects/shapes`). Of some requests every span is
read both ways; where the two differ the full reading counts, and what shapes were known is
forgotten.
"""

import random
from collections import Counter
from collections.abc import Callable

from google.protobuf.message import DecodeError

from agentslo.dialects import values
from agentslo.dialects.base import SpanView
from agentslo.dialects.read import Reader, without_declared
from agentslo.dialects.shapes import Known, ScopeShapes, Shapes
from agentslo.measure.labels import clean
from agentslo.model import Resource, Scope, Step
from agentslo.service.faults import Faults

_NOTHING: Known = (None, {})
Told = Callable[[SpanView, Step | None], None]


class Readings:
    """Reads spans. Owned by one thread."""

    def __init__(
        self,
        reader: Reader,
        untrusted: frozenset[str],
        verify_ratio: float,
        faults: Faults,
        tally: Counter[str],
    ) -> None:
        """`untrusted`: listeners whose spans' `agent_slo.declared.*` attributes are not read;
        `verify_ratio`: the share of requests whose spans are read both ways.
        """
        self.reader, self._untrusted = reader, untrusted
        self._verify_ratio, self._faults, self._tally = verify_ratio, faults, tally
        self._shapes, self._rng = Shapes(reader), random.Random()

    def replace(self, reader: Reader) -> None:
        """Read with another reader from now on."""
        self.reader, self._shapes = reader, Shapes(reader)

    def drawn(self) -> bool:
        """Whether the spans of this request are read both ways."""
        return self._rng.random() < self._verify_ratio

    def shapes(self, resource: Resource, scope: Scope) -> ScopeShapes:
        """The shapes known of a scope."""
        return self._shapes.of(resource, scope)

    def read(
        self,
        encoded: bytes,
        shapes: ScopeShapes,
        source: str,
        now_ns: int,
        told: Told,
        *,
        verify: bool,
    ) -> Known:
        """The step of a span and its attributes; no step where it cannot be read (counted). `told`
        is called with what was read in full.
        """
        try:
            known = shapes.known(encoded, now_ns)
            if known is not None and not verify:
                return known
            view = values.span(encoded, shapes.resource, shapes.scope)
            if not _is_valid(view.trace_id, 16) or not _is_valid(view.span_id, 8):
                self._tally["invalid_ids"] += 1
                return _NOTHING
            if source in self._untrusted:
                view = without_declared(view)
            if known is not None:
                return self._verified(known, view, now_ns)
            step = self._shapes.read(view, encoded, shapes, now_ns)
            told(view, step)
        except DecodeError:
            self._tally["unreadable_span"] += 1
        except Exception:  # noqa: BLE001 - a bug in a dialect must not stop forwarding
            self._faults.note("read", f"a span of scope {clean(shapes.scope.name)}")
        else:
            return step, view.attributes
        return _NOTHING

    def _verified(self, known: Known, view: SpanView, now_ns: int) -> Known:
        step = self.reader.step(view, now_ns)
        if step == known[0]:
            self._tally["read_same"] += 1
            return known
        self._tally["read_differs"] += 1
        self._shapes = Shapes(self.reader)
        return step, view.attributes


def _is_valid(ident: bytes, length: int) -> bool:
    return len(ident) == length and any(ident)
