"""What the journal keeps of one request, and of one closed run, as bytes.

In: steps, the spans held, parents of other spans; or a `Run`. Out: protobuf messages (`_SCHEMA`,
described in docs/journal.md) and back. No state. Steps are grouped by who sent them, so that a
resource is written once a request.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from agentslo.dialects import values
from agentslo.dialects.ids import Ids
from agentslo.model import Resource, Run, Scope, Step
from agentslo.runs.forest import Edge
from agentslo.runs.marks import marked
from agentslo.runs.steps import StepError, pack, unpack

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCHEMA: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Hold": (("trace_id", "bytes"), ("span_id", "bytes"), ("since_ns", "time"), ("span", "bytes")),
    "Group": (
        *(("resource", "bytes"), ("scope_name", "text"), ("scope_version", "text")),
        ("steps", "bytes*"),
    ),
    "Row": (
        *(("arrived_ns", "time"), ("groups", "Group*"), ("edges", "bytes"), ("holds", "Hold*")),
        ("left", "bytes"),
    ),
    "Run": (("about", "bytes"), ("root", "bytes"), ("parents", "bytes"), ("groups", "Group*")),
}
"""Fields of each message; their numbers are 1, 2, 3 ... in this order."""

_EDGE_BYTES, _TRACE_BYTES, _ID_BYTES = 33, 16, 8
_REMOTE: tuple[bool | None, ...] = (None, False, True)
_REMOTE_BYTE = {told: bytes((place,)) for place, told in enumerate(_REMOTE)}
_NO_ID = bytes(8)
_PLACED = frozenset({"root", "steps", "parents", "marks"})
_ABOUT = tuple(f.name for f in fields(Run) if f.name not in _PLACED)

Place = tuple[bytes, bytes]
"""Trace id and span id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A span that is held: an export request with it alone."""

    trace_id: bytes
    span_id: bytes
    since_ns: int
    span: bytes


@dataclass(slots=True, kw_only=True)
class Row:
    """What one request left behind. `left`: held spans of earlier rows that have gone since."""

    arrived_ns: int
    steps: list[Step] = field(default_factory=list)
    edges: list[bytes] = field(default_factory=list)
    """Each from `edge`."""
    holds: list[Kept] = field(default_factory=list)
    left: list[Place] = field(default_factory=list)


def _schema() -> Mapping[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="agentslo/journal.proto", package="agentslo.journal", syntax="proto2"
    )
    kinds = {"bytes": _FIELD.TYPE_BYTES, "text": _FIELD.TYPE_STRING, "time": _FIELD.TYPE_FIXED64}
    for message_name, described in _SCHEMA.items():
        message = file.message_type.add(name=message_name)
        for number, (name, told) in enumerate(described, start=1):
            kind = told.removesuffix("*")
            message.field.add(
                name=name,
                number=number,
                label=_FIELD.LABEL_REPEATED if told.endswith("*") else _FIELD.LABEL_OPTIONAL,
                type=kinds.get(kind, _FIELD.TYPE_MESSAGE),
                type_name=None if kind in kinds else f".agentslo.journal.{kind}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = {name: pool.FindMessageTypeByName(f"agentslo.journal.{name}") for name in _SCHEMA}
    return {name: message_factory.GetMessageClass(found) for name, found in names.items()}


_MESSAGES = _schema()


def edge_of(ids: Ids) -> bytes:
    """The parent of a span that is no agent span, from its ids."""
    above = ids.parent_id or _NO_ID
    return b"%b%b%b%b" % (ids.trace_id, ids.span_id, above, _REMOTE_BYTE[ids.parent_remote])


def edge(trace_id: bytes, span_id: bytes, parent: Edge) -> bytes:
    """The parent of a span that is no agent span."""
    above = parent.parent_id or bytes(_ID_BYTES)
    return trace_id + span_id + above + bytes((_REMOTE.index(parent.remote),))


def edges(encoded: bytes) -> Iterator[tuple[bytes, bytes, Edge]]:
    """Trace id, span id and parent of every edge in a run of them."""
    for start in range(0, len(encoded) - _EDGE_BYTES + 1, _EDGE_BYTES):
        one = encoded[start : start + _EDGE_BYTES]
        parent = one[24:32] if any(one[24:32]) else b""
        yield one[:16], one[16:24], Edge(parent, _REMOTE[min(one[32], 2)])


def pack_row(row: Row) -> bytes:
    """The row as bytes."""
    packed: bytes = _MESSAGES["Row"](
        arrived_ns=row.arrived_ns,
        groups=_groups(row.steps),
        edges=b"".join(row.edges),
        holds=[
            _MESSAGES["Hold"](
                trace_id=k.trace_id, span_id=k.span_id, since_ns=k.since_ns, span=k.span
            )
            for k in row.holds
        ],
        left=b"".join(trace_id + span_id for trace_id, span_id in row.left),
    ).SerializeToString()
    return packed


def unpack_row(encoded: bytes) -> Row:
    """The row of some bytes. Raises `StepError`."""
    message = _message("Row", encoded)
    whole = _TRACE_BYTES + _ID_BYTES
    left = [message.left[at : at + whole] for at in range(0, len(message.left), whole)]
    return Row(
        arrived_ns=message.arrived_ns,
        steps=_steps(message.groups),
        edges=[message.edges],
        holds=[
            Kept(trace_id=h.trace_id, span_id=h.span_id, since_ns=h.since_ns, span=h.span)
            for h in message.holds
        ],
        left=[(place[:_TRACE_BYTES], place[_TRACE_BYTES:]) for place in left],
    )


def pack_run(run: Run) -> bytes:
    """A closed run as bytes."""
    about = {name: getattr(run, name) for name in _ABOUT}
    parents = b"".join(c + (p or bytes(_ID_BYTES)) for c, p in run.parents.items())
    packed: bytes = _MESSAGES["Run"](
        about=json.dumps(about, separators=(",", ":")).encode(),
        root=run.root.span_id if run.root else b"",
        parents=parents,
        groups=_groups(run.steps),
    ).SerializeToString()
    return packed


def unpack_run(encoded: bytes) -> Run:
    """The run of some bytes. Raises `StepError`."""
    message = _message("Run", encoded)
    steps = sorted(_steps(message.groups), key=lambda s: (s.start_ns, s.end_ns, s.span_id))
    parents = {}
    for at in range(0, len(message.parents), 2 * _ID_BYTES):
        child, parent = message.parents[at : at + 8], message.parents[at + 8 : at + 16]
        parents[child] = parent if any(parent) else b""
    try:
        about = json.loads(message.about)
        about["models"], about["trace_ids"] = tuple(about["models"]), tuple(about["trace_ids"])
        root = next((s for s in steps if s.span_id == message.root), None)
        marks = marked(steps, parents, root)
        return Run(**about, root=root, steps=tuple(steps), parents=parents, marks=marks)
    except (KeyError, TypeError, ValueError) as error:
        raise StepError(f"no run: {error}") from error


def _message(name: str, encoded: bytes) -> Any:  # noqa: ANN401 - made at run time
    try:
        return _MESSAGES[name].FromString(encoded)
    except DecodeError as error:
        raise StepError(f"no {name}: {error}") from error


def _groups(steps: Iterable[Step]) -> list[Any]:
    packed: dict[tuple[int, Scope], tuple[Step, list[bytes]]] = {}
    for step in steps:
        sender = packed.setdefault((id(step.resource), step.scope), (step, []))
        if not step.record:
            # Its run is packed again when it closes.
            step.record = pack(step)
        sender[1].append(step.record)
    return [
        _MESSAGES["Group"](
            resource=first.resource.encoded,
            scope_name=first.scope.name,
            scope_version=first.scope.version,
            steps=records,
        )
        for first, records in packed.values()
    ]


def _steps(groups: Iterable[Any]) -> list[Step]:
    found = []
    resources: dict[bytes, Resource] = {}
    for group in groups:
        resource = resources.get(group.resource)
        if resource is None:
            resource = resources[group.resource] = values.resource(group.resource)
        scope = Scope(name=group.scope_name, version=group.scope_version)
        found += [unpack(record, resource, scope) for record in group.steps]
    return found
