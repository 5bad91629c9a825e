"""Cut an export request into spans without building them.

In: the bytes of an ExportTraceServiceRequest (or logs request). Out: `Batch`es: one per scope, its
resource, scope and spans still encoded. A lazy schema, the OTLP messages with the same field
numbers but inner messages declared `bytes`, lets the protobuf library split by length only;
unknown fields survive (performance.md 3, "Lazy schema"). No state. Raises `CutError` on bytes that
are no request.
"""

from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_FIELD = descriptor_pb2.FieldDescriptorProto


class CutError(ValueError):
    """The bytes are not an export request."""


def _schema() -> Any:  # noqa: ANN401 - message classes made at run time have no static type
    file = descriptor_pb2.FileDescriptorProto(
        name="agentslo/lazy_otlp.proto", package="agentslo.lazy", syntax="proto3"
    )
    layout = {
        "Request": (("groups", 1, "Group"),),
        "Group": (("resource", 1, ""), ("scopes", 2, "Scope"), ("schema_url", 3, "")),
        "Scope": (("scope", 1, ""), ("items", 2, "*"), ("schema_url", 3, "")),
    }
    for name, fields in layout.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            inner = kind not in ("", "*")
            message.field.add(
                name=field,
                number=number,
                label=_FIELD.LABEL_REPEATED if kind else _FIELD.LABEL_OPTIONAL,
                type=_FIELD.TYPE_MESSAGE if inner else _FIELD.TYPE_BYTES,
                type_name=f".agentslo.lazy.{kind}" if inner else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("agentslo.lazy.Request"))


_Request = _schema()


@dataclass(slots=True)
class Batch:
    """The spans (or log records) of one scope. `items` may be replaced before joining again."""

    resource: bytes
    scope: bytes
    items: list[bytes]
    group: Any
    holder: Any


class Request:
    """A cut request: its batches, and the way back to bytes."""

    def __init__(self, body: bytes) -> None:
        try:
            self._message = _Request.FromString(body)
        except DecodeError as error:
            raise CutError(str(error)) from error
        self.batches = [
            Batch(group.resource, holder.scope, list(holder.items), group, holder)
            for group in self._message.groups
            for holder in group.scopes
        ]

    def join(self) -> bytes:
        """The request with each batch's items as they are now; empty scopes stay as they came."""
        for batch in self.batches:
            del batch.holder.items[:]
            batch.holder.items.extend(batch.items)
        encoded: bytes = self._message.SerializeToString()
        return encoded


def origin(batch: Batch) -> bytes:
    """Where spans came from: a request of their resource, scope and schemas, without items."""
    message = _Request()
    group = message.groups.add()
    group.resource, group.schema_url = batch.group.resource, batch.group.schema_url
    holder = group.scopes.add()
    holder.scope, holder.schema_url = batch.holder.scope, batch.holder.schema_url
    encoded: bytes = message.SerializeToString()
    return encoded


def enveloped(came_from: bytes, items: list[bytes]) -> bytes:
    """A whole request that holds only `items`; `came_from`: their `origin`."""
    message = _Request.FromString(came_from)
    message.groups[0].scopes[0].items.extend(items)
    encoded: bytes = message.SerializeToString()
    return encoded


def envelope(batch: Batch, items: list[bytes]) -> bytes:
    """A whole request that holds only `items`, under the batch's resource, scope and schemas."""
    return enveloped(origin(batch), items)
