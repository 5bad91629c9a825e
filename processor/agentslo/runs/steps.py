"""A step as bytes, and back: what the journal keeps of an agent span.

In: a `Step`. Out: a protobuf message of only those fields that differ from their default; the way
back needs the resource and scope it came under. No state. `FIELDS` is the format and is described
in docs/journal.md: a number is never given to another field, a field that is no longer known is
skipped. Nothing in a record is content: a step holds hashes, flags and what agent files ask about.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from agentslo.model import Evaluation, Fault, Finish, Resource, Role, Scope, Step, ToldCall
from agentslo.step import READING_FIELDS, Reading

_FIELD = descriptor_pb2.FieldDescriptorProto
_KINDS: Mapping[str, "_FIELD.Type.ValueType"] = {
    "bytes": _FIELD.TYPE_BYTES,
    "text": _FIELD.TYPE_STRING,
    "flag": _FIELD.TYPE_BOOL,
    "time": _FIELD.TYPE_FIXED64,
    "count": _FIELD.TYPE_SINT64,
    "number": _FIELD.TYPE_DOUBLE,
    "json": _FIELD.TYPE_BYTES,
    "texts": _FIELD.TYPE_STRING,
    "counts": _FIELD.TYPE_SINT64,
}
FIELDS: Mapping[str, tuple[int, str]] = {
    "trace_id": (1, "bytes"),
    "span_id": (2, "bytes"),
    "parent_id": (3, "bytes"),
    "name": (4, "text"),
    "role": (5, "text"),
    "start_ns": (6, "time"),
    "end_ns": (7, "time"),
    "arrival_ns": (8, "time"),
    "client": (9, "flag"),
    "status": (10, "count"),
    "parent_remote": (11, "flag"),
    "dialect": (12, "text"),
    "agent": (13, "text"),
    "agent_version": (14, "text"),
    "workflow": (15, "text"),
    "tool": (16, "text"),
    "model": (17, "text"),
    "provider": (18, "text"),
    "conversation_id": (19, "text"),
    "task_type": (20, "text"),
    "finish": (21, "text"),
    "answered": (22, "flag"),
    "fault": (23, "text"),
    "error_type": (24, "text"),
    "failed": (25, "flag"),
    "has_args": (26, "flag"),
    "has_result": (27, "flag"),
    "args_hash": (28, "count"),
    "result_hash": (29, "count"),
    "response_id": (30, "text"),
    "usage_in": (31, "count"),
    "usage_out": (32, "count"),
    "usage_cached": (33, "count"),
    "cost_usd": (34, "number"),
    "triggered": (35, "flag"),
    "documents": (36, "count"),
    "ttft_s": (37, "number"),
    "prompt_version": (38, "text"),
    "tools_version": (39, "text"),
    "arm": (40, "text"),
    "evaluations": (41, "json"),
    "declared": (42, "json"),
    "facts": (43, "json"),
    "effect_key": (44, "count"),
    "said": (45, "counts"),
    "instructed": (46, "counts"),
    "carried": (47, "counts"),
    "retrieved_ids": (48, "texts"),
    "cited_ids": (49, "texts"),
    "source": (50, "text"),
    "enriched": (51, "flag"),
    "carries_message": (52, "flag"),
    "call_id": (53, "text"),
    "max_steps": (54, "count"),
    "asked": (55, "json"),
    "told": (56, "json"),
    "unseen": (57, "flag"),
    "links": (58, "texts"),
    "request": (59, "bytes"),
    "result_shape": (60, "text"),
}
"""Every field of a `Step` but its resource and scope: number and kind."""

_UNTOLD = Step.made(
    **dict.fromkeys(("trace_id", "span_id", "parent_id"), b""),
    **dict.fromkeys(("start_ns", "end_ns", "arrival_ns"), 0),
    name="",
    role=None,
    resource=Resource(),
    scope=Scope(),
)
_BACK: Mapping[str, Any] = {
    "role": Role,
    "finish": Finish,
    "fault": Fault,
    **dict.fromkeys(("said", "instructed", "carried", "retrieved_ids", "cited_ids"), frozenset),
    "links": tuple,
    "declared": json.loads,
    "facts": json.loads,
    "evaluations": lambda encoded: _values_of(Evaluation, encoded),
    "asked": lambda encoded: _values_of(ToldCall, encoded),
    "told": lambda encoded: _values_of(ToldCall, encoded),
}
_JSON = {name for name, (_, kind) in FIELDS.items() if kind == "json"}
_MAX_COUNT = 2**63 - 1
Value = TypeVar("Value", Evaluation, ToldCall)


class StepError(ValueError):
    """Bytes that are no step record."""


def _schema() -> Any:  # noqa: ANN401 - message classes made at run time have no static type
    file = descriptor_pb2.FileDescriptorProto(
        name="agentslo/step.proto", package="agentslo.journal", syntax="proto2"
    )
    message = file.message_type.add(name="Step")
    for name, (number, kind) in FIELDS.items():
        repeated = kind in ("texts", "counts")
        field = message.field.add(name=name, number=number, type=_KINDS[kind])
        field.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
        if kind == "counts":
            field.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("agentslo.journal.Step"))


_Record = _schema()


class _Part:
    """Some fields of a record."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._values = attrgetter(*self._names)
        self._untold = self._values(_UNTOLD)

    def pack(self, holder: Step | Reading) -> bytes:
        """The record of those fields. Records joined are the record of all their fields."""
        all_values = zip(self._names, self._values(holder), self._untold, strict=True)
        return _packed({name: value for name, value, untold in all_values if value != untold})


_READING = _Part(name for name in FIELDS if name in READING_FIELDS)
_OWN = _Part(name for name in FIELDS if name not in READING_FIELDS)


def pack(step: Step) -> bytes:
    """The record of a step. That of its reading is made once."""
    reading = step.reading
    if not reading.record:
        reading.record = _READING.pack(reading)
    return reading.record + _OWN.pack(step)


def _packed(told: dict[str, Any]) -> bytes:
    if not told.keys().isdisjoint(_JSON):
        _as_json(told)
    try:
        packed: bytes = _Record(**told).SerializeToString()
    except (UnicodeEncodeError, ValueError):
        packed = _Record(**{k: _storable(k, v) for k, v in told.items()}).SerializeToString()
    return packed


def unpack(record: bytes, resource: Resource, scope: Scope) -> Step:
    """The step of a record. Raises `StepError`."""
    try:
        message = _Record.FromString(record)
        told = {f.name: value for f, value in message.ListFields()}
        for name in _BACK.keys() & told.keys():
            told[name] = _BACK[name](told[name])
        return Step.made(
            **{"parent_id": b"", "name": "", "start_ns": 0, "end_ns": 0, "arrival_ns": 0, **told},
            resource=resource,
            scope=scope,
        )
    except (DecodeError, TypeError, ValueError) as error:
        raise StepError(str(error)) from error


def _as_json(told: dict[str, Any]) -> None:
    for name in _JSON & told.keys():
        value = told[name]
        if isinstance(value, tuple):
            value = [list(_fields(one)) for one in value]
        told[name] = json.dumps(value, separators=(",", ":")).encode()


def _fields(value: Evaluation | ToldCall) -> Iterator[Any]:
    return (getattr(value, field.name) for field in fields(value))


def _values_of(kind: type[Value], encoded: bytes) -> tuple[Value, ...]:
    names = [field.name for field in fields(kind)]
    return tuple(kind(**dict(zip(names, row, strict=True))) for row in json.loads(encoded))


def _storable(name: str, value: Any) -> Any:  # noqa: ANN401 - any field of a step
    """The value as it can be kept: senders also write half characters and absurd numbers."""
    kind = FIELDS[name][1]
    if kind == "count":
        return max(-_MAX_COUNT, min(_MAX_COUNT, value))
    if kind == "text":
        return str(value).encode("utf-8", "replace").decode()
    if kind == "texts":
        return [_storable("name", one) for one in value]
    if kind == "time":
        return max(0, min(2**64 - 1, value))
    return value
