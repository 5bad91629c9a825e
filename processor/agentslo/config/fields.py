"""The options of a section that hold values: one scalar, a list of them, names with a value each.

In: a node, where it stands, and the reading it belongs to. Out: a typed value, or `FAULTY` with its
problems noted. No state. `schema.py` puts these into groups.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from agentslo.config.kinds import Fault, Kind
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.secret import Secret
from agentslo.config.yaml_node import Entry, Mapping, Node, Scalar, Sequence


class Faulty(Enum):
    """The absence of a value that was written and is wrong; the problem is noted."""

    FAULTY = "faulty"


FAULTY = Faulty.FAULTY


class Field(Protocol):
    """One key of a mapping, with everything below it."""

    @property
    def name(self) -> str:
        """The key."""

    @property
    def doc(self) -> str:
        """What it is for, in one sentence."""

    @property
    def required(self) -> bool:
        """Whether the mapping is useless without it."""

    @property
    def attribute(self) -> str:
        """The field of the options it fills."""

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """The value, or `FAULTY`."""


@dataclass(frozen=True, slots=True)
class Key:
    """A scalar option; `into` names the field it fills where that is not the key."""

    name: str
    kind: Kind[object]
    doc: str
    required: bool = False
    into: str = ""

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.into or self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """The value of one scalar."""
        return read_scalar(self.kind, node, path, reading)


@dataclass(frozen=True, slots=True)
class TextList:
    """A list of scalars of one kind, each once; a single scalar is a list of one."""

    name: str
    kind: Kind[object]
    doc: str
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """A tuple of the values that are sound."""
        items = (node,) if isinstance(node, Scalar) else items_of(node, path, reading)
        values: dict[object, None] = {}
        for index, item in enumerate(items):
            where = (*path, index)
            reading.place(where, item.mark)
            value = read_scalar(self.kind, item, where, reading)
            if value in values and value is not FAULTY:
                reading.note(where, "is listed twice", "remove one of them")
            values[value] = None
        return tuple(value for value in values if value is not FAULTY)


@dataclass(frozen=True, slots=True)
class SecretMap:
    """A mapping of free names to credentials; the values are never shown."""

    name: str
    key_kind: Kind[str]
    value_kind: Kind[str]
    doc: str
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """A tuple of (name, Secret) pairs."""
        pairs: dict[str, Secret] = {}
        for entry in entries_of(node, path, reading):
            reading.hide(entry.key_mark)
            reading.hide(entry.value.mark)
            where = (*path, entry.key)
            reading.place(where, entry.value.mark)
            name = read_scalar(self.key_kind, Scalar(entry.key, entry.key_mark), where, reading)
            value = read_scalar(self.value_kind, entry.value, where, reading)
            if name in pairs:
                reading.note(where, "stands twice, in another case", "remove one of them")
            elif isinstance(name, str) and isinstance(value, str):
                pairs[name] = Secret(value)
        return tuple(pairs.items())


@dataclass(frozen=True, slots=True)
class WordMap:
    """A mapping of free names to values of one kind."""

    name: str
    key_kind: Kind[str]
    value_kind: Kind[str]
    doc: str
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """A tuple of (name, value) pairs."""
        pairs: list[tuple[str, str]] = []
        for entry in entries_of(node, path, reading):
            where = (*path, entry.key)
            reading.place(where, entry.value.mark)
            name = read_scalar(self.key_kind, Scalar(entry.key, entry.key_mark), where, reading)
            value = read_scalar(self.value_kind, entry.value, where, reading)
            if isinstance(name, str) and isinstance(value, str):
                pairs.append((name, value))
        return tuple(pairs)


def is_nothing(node: Node) -> bool:
    """Whether a node is what YAML leaves when everything below a key is commented out."""
    return isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null")


def read_scalar(kind: Kind[object], node: Node, path: OptionPath, reading: Reading) -> object:
    """The value of one scalar, or `FAULTY`."""
    if not isinstance(node, Scalar):
        reading.note(path, f"is {_shape(node)}, not one value", f"give one: {_bare(kind.words)}")
        return FAULTY
    try:
        text = reading.text(node)
        if text == "":
            raise Fault("is empty", "give it a value, or remove it")
        return kind.parse(text)
    except Fault as fault:
        reading.note(path, fault.what, fault.fix)
        return FAULTY


def entries_of(node: Node, path: OptionPath, reading: Reading) -> tuple[Entry, ...]:
    """The entries of what must be a mapping; none, with a problem, where it is not."""
    if isinstance(node, Mapping):
        return node.entries
    if not is_nothing(node):
        reading.note(path, f"is {_shape(node)}, not a mapping", "write 'key: value' lines below it")
    return ()


def items_of(node: Node, path: OptionPath, reading: Reading) -> tuple[Node, ...]:
    """The items of what must be a list; none, with a problem, where it is not."""
    if isinstance(node, Sequence):
        return node.items
    if not is_nothing(node):
        reading.note(path, f"is {_shape(node)}, not a list", "start each item with '- '")
    return ()


def _shape(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    return "a list" if isinstance(node, Sequence) else "one value"


def _bare(words: str) -> str:
    return re.sub(r"[`\\]", "", words)
