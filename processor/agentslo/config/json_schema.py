"""JSON Schemas of the service file and the agent file, for editors, made from the parsing tables.

In: a table. Out: JSON Schema (draft 2020-12). No state. Run as a module with the name of one of
them (`agent.schema.json`, `service.schema.json`) it prints that; a test compares them with the
committed ones. They say less than `agentslo check`: what keys must say together is left out.
"""

import json
import re
import sys

from agentslo.config.agent_schema import AGENT
from agentslo.config.fields import Field, Key, SecretMap, TextList, WordMap
from agentslo.config.kinds import (
    Boolean,
    ByteSize,
    Choice,
    Duration,
    Integer,
    Kind,
    Number,
    Objective,
    Ratio,
)
from agentslo.config.operands import Operand, OperandList
from agentslo.config.schema import Group, GroupList, GroupMap, T
from agentslo.config.service_file import ROOT

Schema = dict[str, object]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{env:[A-Za-z_]"}
_OPERAND: Schema = {"type": ["string", "number", "boolean"]}
_SHARE: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_PERCENT: Schema = {"type": "string", "pattern": r"^\d{1,3}(\.\d+)?\s*%$"}
_TITLES = {
    "agent.schema.json": "An agent file of agentslo",
    "service.schema.json": "The service file of agentslo",
}


def schema(file: str) -> Schema:
    """The schema of that name."""
    title = {"$schema": _DIALECT, "title": _TITLES[file]}
    return {**title, **(_group(AGENT) if file == "agent.schema.json" else _group(ROOT))}


def document(file: str) -> str:
    """The schema as the committed file holds it."""
    return json.dumps(schema(file), indent=2, ensure_ascii=False) + "\n"


def _group(group: Group[T]) -> Schema:
    found: Schema = {
        "type": "object",
        "properties": {field.name: _field(field) for field in group.fields},
        "additionalProperties": False,
    }
    if required := [field.name for field in group.fields if field.required]:
        found["required"] = required
    return found


def _field(field: Field) -> Schema:
    return {"description": _words(field.doc), **_value(field)}


def _value(field: Field) -> Schema:
    """What may stand below a key; nothing at all is as if the key were absent."""
    if isinstance(field, Group):
        return _or_short(field)
    if isinstance(field, GroupList):
        return {"type": ["array", "null"], "items": _group(field.item)}
    if isinstance(field, GroupMap):
        return {"type": ["object", "null"], "additionalProperties": _or_short(field.item)}
    if isinstance(field, TextList):
        one = kind_schema(field.kind)
        return {"anyOf": [one, {"type": "array", "items": one, "uniqueItems": True}]}
    if isinstance(field, Operand):
        return _OPERAND
    if isinstance(field, OperandList):
        return {"anyOf": [_OPERAND, {"type": "array", "items": _OPERAND, "minItems": 1}]}
    if isinstance(field, SecretMap):
        return {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
    if isinstance(field, WordMap):
        values = kind_schema(field.value_kind)
        return {"type": ["object", "null"], "additionalProperties": values}
    return kind_schema(field.kind) if isinstance(field, Key) else {}


def _or_short(group: Group[T]) -> Schema:
    full = _group(group)
    short = next((field for field in group.fields if field.name == group.shorthand), None)
    nothing = {"type": "null"}
    return {"anyOf": [full, _value(short), nothing] if short else [full, nothing]}


def kind_schema(kind: Kind[object]) -> Schema:
    """What one scalar may be; a reference to the environment may stand for any of them."""
    if isinstance(kind, Choice):
        return {"enum": list(kind.allowed)}
    if isinstance(kind, Boolean):
        return {"anyOf": [{"type": "boolean"}, _REFERENCE]}
    if isinstance(kind, Integer | Number):
        name = "integer" if isinstance(kind, Integer) else "number"
        bounds = {"type": name, "minimum": kind.low, "maximum": kind.high}
        return {"anyOf": [bounds, _REFERENCE]}
    if isinstance(kind, Ratio | Objective):
        return {"anyOf": [_SHARE, *([_PERCENT] if isinstance(kind, Objective) else []), _REFERENCE]}
    if isinstance(kind, Duration):
        return _measure(r"^\d+(\.\d+)?(ms|s|m|h|d)?$")
    if isinstance(kind, ByteSize):
        return _measure(r"^\d+(B|kB|KB|MB|GB|KiB|MiB|GiB)?$")
    # Everything else is read as the text it is, `007` and `no` too; `check` says the rest.
    return {"type": ["string", "number", "boolean"]}


def _measure(pattern: str) -> Schema:
    text = {"type": "string", "pattern": pattern}
    return {"anyOf": [{"type": "number", "minimum": 0}, text, _REFERENCE]}


def _words(doc: str) -> str:
    return re.sub(r"[`\\]", "", doc)


if __name__ == "__main__":
    sys.stdout.write(document(sys.argv[1]))
