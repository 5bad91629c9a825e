"""Takes what must not leave out of the copy that goes to one destination.

In: an export request of traces or logs, and the rules of the destination. Out: the request with
values dropped, hashed or cut where a rule says so; spans no rule touches are byte for byte as they
came. Pure but for one count. Rules hold for attributes of resources, scopes, spans, events, links
and log records, for log bodies, and for `name` and `status.message` as if they were attributes;
inside lists and mappings, and inside texts that are JSON. A span that cannot be parsed cannot be
searched: it does not leave. Bytes values and metrics are not searched.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentslo.config.transport import RedactRule
from agentslo.otlp.answer import Signal
from agentslo.otlp.cut import Request
from agentslo.otlp.detectors import replaced
from agentslo.otlp.json_codec import nests_deeper_than
from agentslo.otlp.send import Sender, SendResult

GONE = "[redacted]"
KEY_CHARS = 200
"""Longer keys are compared by their begin."""
JSON_DEPTH = 64
JSON_IN_JSON = 4

Change = Callable[[str], str]
Json = Any


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule ready for use; `change` gives what stands in the place of a text."""

    keys: re.Pattern[str] | None
    rule: RedactRule
    change: Change


class Redactor:
    """The rules of one destination. `unreadable` counts spans that did not leave."""

    def __init__(self, rules: Sequence[RedactRule]) -> None:
        self._rules = tuple(_ready(rule) for rule in rules)
        self.unreadable = 0

    def request(self, signal: Signal, body: bytes) -> bytes:
        """The request as it may leave."""
        if signal is Signal.METRICS:
            return body
        kind: type[Span | LogRecord] = Span if signal is Signal.TRACES else LogRecord
        request = Request(body)
        changed = False
        for batch in request.batches:
            before = batch.group.resource, batch.holder.scope, batch.items
            batch.group.resource = self._part(Resource, before[0])
            batch.holder.scope = self._part(InstrumentationScope, before[1])
            batch.items = [new for item in before[2] if (new := self._item(kind, item)) is not None]
            changed |= before != (batch.group.resource, batch.holder.scope, batch.items)
        return request.join() if changed else body

    def _part(self, kind: type[Resource | InstrumentationScope], encoded: bytes) -> bytes:
        try:
            found: Any = kind.FromString(encoded)
        except DecodeError:
            return b""
        return found.SerializeToString() if self._attributes(found.attributes) else encoded

    def _item(self, kind: type[Span | LogRecord], encoded: bytes) -> bytes | None:
        try:
            found: Span | LogRecord = kind.FromString(encoded)
        except DecodeError:
            self.unreadable += 1
            return None
        changed = self._attributes(found.attributes)
        if isinstance(found, Span):
            changed |= self._field(found, "name", "name")
            changed |= self._field(found.status, "message", "status.message")
            for event in found.events:
                changed |= self._attributes(event.attributes)
            for link in found.links:
                changed |= self._attributes(link.attributes)
        else:
            changed |= self._value("body", found.body) is not False
        return found.SerializeToString() if changed else encoded

    def _field(self, holder: Message, field: str, key: str) -> bool:
        text = getattr(holder, field)
        new = self._text(key, text) if text else text
        if new == text:
            return False
        setattr(holder, field, new or "")
        return True

    def _attributes(self, pairs: Any) -> bool:  # noqa: ANN401 - protobuf's own list type
        """Apply the rules to attributes in place; whether anything changed."""
        kept: list[KeyValue] = []
        changed = False
        for pair in pairs:
            found = self._value(pair.key, pair.value)
            changed |= found is not False
            if found is not None:
                kept.append(pair)
        if len(kept) != len(pairs):
            copies = [KeyValue.FromString(pair.SerializeToString()) for pair in kept]
            del pairs[:]
            pairs.extend(copies)
        return changed

    def _value(self, key: str, value: AnyValue) -> bool | None:
        """Apply the rules to one value in place: whether it changed, None where it must go."""
        kind = value.WhichOneof("value")
        if kind == "string_value":
            new = self._text(key, value.string_value)
            changed = new != value.string_value
            value.string_value = new or ""
            return None if new is None else changed
        if (named := self._named(key)) is not None:
            if named.rule.action == "drop":
                value.Clear()
                return None
            if named.rule.action == "hash":
                value.string_value = named.change(value.SerializeToString().hex())
                return True
        if kind == "kvlist_value":
            return self._attributes(value.kvlist_value.values)
        if kind == "array_value":
            # Each of them, also after one that changed.
            return sum(self._value(key, v) is not False for v in value.array_value.values) > 0
        return False

    def _named(self, key: str) -> _Rule | None:
        shown = key[:KEY_CHARS].lower()
        return next((r for r in self._rules if r.keys and r.keys.fullmatch(shown)), None)

    def _text(self, key: str, text: str, depth: int = 0) -> str | None:
        """A text as it may leave; None where it must not."""
        named = self._named(key)
        if named is not None:
            return None if named.rule.action == "drop" else named.change(text)
        if text.lstrip()[:1] in ("{", "["):
            text = self._of_json(text, depth)
        for one in self._rules:
            text = replaced(text, one.rule.detect, one.change)
        return text

    def _of_json(self, text: str, depth: int) -> str:
        inside = _json(text) if depth < JSON_IN_JSON else _NOTHING
        if inside is _NOTHING:
            # SDKs cut long attributes: what is left is searched member by member.
            return _MEMBER.sub(self._cut_member, text)
        new = self._inside(inside, depth)
        return text if new == inside else json.dumps(new, ensure_ascii=False)

    def _cut_member(self, member: re.Match[str]) -> str:
        named = self._named(member["key"])
        return (
            member[0] if named is None else f'"{member["key"]}": "{named.change(member["value"])}"'
        )

    def _inside(self, node: Json, depth: int, key: str = "") -> Json:
        if isinstance(node, dict):
            found = {k: self._member(k, v, depth) for k, v in node.items()}
            return {k: v for k, v in found.items() if v is not _NOTHING}
        if isinstance(node, list):
            return [self._inside(v, depth, key) for v in node]
        return self._text(key, node, depth + 1) if isinstance(node, str) else node

    def _member(self, key: str, value: Json, depth: int) -> Json:
        named = self._named(key)
        if named is None or named.rule.action == "truncate":
            return self._inside(value, depth, key)
        if named.rule.action == "drop":
            return _NOTHING
        return named.change(value if isinstance(value, str) else json.dumps(value))


class RedactingSender:
    """A sender that sends what the rules leave; nothing reaches the network beside it."""

    def __init__(self, sender: Sender, rules: Sequence[RedactRule]) -> None:
        self._sender, self._redactor = sender, Redactor(rules)

    async def send(self, signal: Signal, body: bytes, timeout_s: float) -> SendResult:
        """One try, of the redacted request."""
        return await self._sender.send(signal, self._redactor.request(signal, body), timeout_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()


_NOTHING = object()
_MEMBER = re.compile(
    r'"(?P<key>[^"\\]{1,200})"\s{0,20}:\s{0,20}(?P<value>"(?:[^"\\]|\\.)*+"?|[^",{\[\]}]*)',
    re.DOTALL,
)


def _ready(rule: RedactRule) -> _Rule:
    # `*` is any text; keys are cut at KEY_CHARS, and a rule's patterns have few stars.
    patterns = [re.escape(key.lower()).replace(r"\*", ".*") for key in rule.keys]
    keys = re.compile("|".join(patterns), re.DOTALL) if patterns else None
    return _Rule(keys, rule, _change(rule))


def _change(rule: RedactRule) -> Change:
    if rule.action == "drop":
        return lambda _text: GONE
    if rule.action == "truncate":
        return lambda text: text[: rule.length]
    secret = Path(rule.key_file).read_bytes().strip()

    def hashed(text: str) -> str:
        digest = hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"hmac:{digest.hexdigest()[:24]}"

    return hashed


def _json(text: str) -> Json:
    """What a text holds that is JSON; `_NOTHING` where it is not, or nests too deep."""
    try:
        if nests_deeper_than(text.encode("utf-8", "surrogatepass"), JSON_DEPTH):
            return _NOTHING
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOTHING
