"""The contract of a dialect, as a function that any package can call in its tests.

In: a dialect and spans it must know. Out: nothing, or an `AssertionError` that lists every broken
rule. No state. The built-in dialects pass it too (tests/contract).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.config.dialect_options import CONCEPTS
from agentslo.dialects.base import Dialect, Event, SpanView, Value
from agentslo.dialects.read import Reader
from agentslo.model import Resource, Role, Scope

SLOWEST_ROLE_S = 20e-6
"""`role` is asked of every span that passes, most of which are not of its convention."""

_SHORTEST_MARKER = 4
_STRANGE: tuple[Value, ...] = (None, True, 7, -1.5, "", "{", b"\xff", [], [1, "a"], {"a": None})


def span(
    name: str = "work",
    attributes: Mapping[str, Value] | None = None,
    *,
    scope: str = "",
    events: Sequence[tuple[str, Mapping[str, Value]]] = (),
    status: int = 0,
    message: str = "",
    kind: int = 1,
    at_s: tuple[float, float] = (0.0, 1.0),
) -> SpanView:
    """A span to read; `status` is 0 unset, 1 ok, 2 error."""
    return SpanView(
        trace_id=bytes(15) + b"\x01",
        span_id=bytes(7) + b"\x01",
        parent_id=b"",
        name=name,
        kind=kind,
        flags=0,
        start_ns=round(at_s[0] * 1e9),
        end_ns=round(at_s[1] * 1e9),
        status=status,
        message=message,
        attributes=dict(attributes or {}),
        events=tuple(Event(name=n, attributes=dict(found)) for n, found in events),
        resource=Resource(),
        scope=Scope(name=scope),
    )


FOREIGN = (
    span("GET /orders", {"http.request.method": "GET", "url.path": "/orders"}, kind=2),
    span("SELECT shop.orders", {"db.system.name": "postgresql"}, kind=3),
    span(),
)
"""Spans that belong to no agent."""


def check_dialect(dialect: Dialect, examples: Iterable[SpanView] = ()) -> None:
    """Raises `AssertionError` with every rule the dialect breaks. `examples`: spans of its
    convention, each of which it must give a role (a dialect that only refines needs none).
    """
    known = tuple(examples)
    broken = [*_shape(dialect), *_manners(dialect, (*FOREIGN, *known))]
    if not any(rule.startswith("raises") for rule in broken):
        broken += [*_knowledge(dialect, known), *_speed(dialect)]
    if broken:
        listed = "\n".join(f"  - {rule}" for rule in broken)
        raise AssertionError(f"dialect {dialect.name!r}:\n{listed}")


def _shape(dialect: Dialect) -> Iterator[str]:
    if not dialect.name or dialect.name != dialect.name.strip().lower():
        yield "name must be lower-case text"
    # Nobody checks the types of a package that is not type-checked.
    given: Mapping[str, object] = dialect.keys
    for concept, keys in given.items():
        if concept not in CONCEPTS:
            yield f"keys: there is no concept {concept!r}; known: {', '.join(CONCEPTS)}"
        if not isinstance(keys, tuple) or not all(isinstance(k, str) and k for k in keys):
            yield f"keys of {concept!r} must be a tuple of attribute keys, with a comma if only one"
    markers: tuple[object, ...] = dialect.markers
    for marker in markers:
        if not isinstance(marker, bytes) or len(marker) < _SHORTEST_MARKER:
            yield f"marker {marker!r} must be at least {_SHORTEST_MARKER} bytes: shorter fits all"
    scopes: tuple[object, ...] = (
        *dialect.scopes,
        *dialect.tool_scopes,
        *dialect.answer_scopes,
        *dialect.status_scopes,
    )
    for scope in scopes:
        if not isinstance(scope, str) or not scope:
            yield f"scope {scope!r} must be the beginning of a scope's name"


def _manners(dialect: Dialect, spans: Sequence[SpanView]) -> Iterator[str]:
    """It never raises, whatever the attributes hold, and always says the same."""
    keys = sorted({key for view in spans for key in view.attributes} | _own_keys(dialect))
    strange = [span("work", dict.fromkeys(keys, value)) for value in _STRANGE]
    reader = Reader((dialect,))
    for view in (*spans, *strange):
        try:
            first, second = dialect.role(view), dialect.role(view)
            reader.step(view, 0)
        except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
            yield f"raises {error!r} on {view.name!r} {dict(view.attributes)!r:.200}"
            continue
        if first is not second:
            yield f"role of {view.name!r} changes from call to call"
        given: object = first
        if not (given is None or isinstance(given, Role)):
            yield f"role of {view.name!r} is {given!r}, neither a Role nor None"


def _knowledge(dialect: Dialect, examples: Sequence[SpanView]) -> Iterator[str]:
    for view in FOREIGN:
        if dialect.role(view) is not None:
            yield f"takes the foreign span {view.name!r} for its own"
    for view in examples:
        if dialect.role(view) is None:
            yield f"does not know its own span {view.name!r}"
        elif not _reaches(dialect, view):
            yield (
                f"span {view.name!r} holds none of its markers {dialect.markers!r} and comes from "
                f"none of its scopes {dialect.scopes!r}, so it is never shown to it"
            )


def _speed(dialect: Dialect) -> Iterator[str]:
    view = span("GET /orders", {f"http.header.{i}": "value" for i in range(30)})
    took_s = min(_timed(lambda: dialect.role(view)) for _ in range(20))
    if took_s > SLOWEST_ROLE_S:
        yield f"role takes {took_s * 1e6:.0f} us on a foreign span; look up keys, do not search"


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(50):
        call()
    return (time.perf_counter() - start) / 50


def _own_keys(dialect: Dialect) -> set[str]:
    named = {key for keys in dialect.keys.values() for key in keys}
    return named | {marker.decode("utf-8", "ignore") for marker in dialect.markers}


def _reaches(dialect: Dialect, view: SpanView) -> bool:
    if dialect.scopes and view.scope.name.startswith(dialect.scopes):
        return True
    encoded = Span(name=view.name)
    for key, value in view.attributes.items():
        text = value if isinstance(value, str) else repr(value)
        encoded.attributes.append(KeyValue(key=key, value=AnyValue(string_value=text)))
    content = encoded.SerializeToString()
    return any(marker in content for marker in dialect.markers)
