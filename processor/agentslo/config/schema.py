"""The shape of a file as a table: groups, lists and maps of groups that read themselves.

In: a node, where it stands, and the reading it belongs to. Out: options as dataclasses. No state. A
section module is one such table; parsing, `AGENTSLO_*` variables, the reference pages and the JSON
Schemas for editors are all made from it.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from agentslo.config.fields import (
    FAULTY,
    Faulty,
    Field,
    TextList,
    entries_of,
    is_nothing,
    items_of,
    read_scalar,
)
from agentslo.config.kinds import Kind
from agentslo.config.problems import did_you_mean, quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.yaml_node import Entry, Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

Values = dict[str, object]

NAME = "NAME"
"""Stands for a free name in the path of an option."""


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """A mapping with known keys, read into the dataclass `make`.

    `start` holds the defaults of a group that may be absent; where it is None all of them are
    those of `make`. `fold` turns values as written into those `make` takes, where they differ,
    and `unfold` turns them back; `finish` checks the whole and may complete it. A scalar in the
    place of the mapping, or a list where that is what it takes, is the value of `shorthand`. `into`
    names the field it fills where that is not the key.
    """

    name: str
    doc: str
    make: type[T]
    fields: tuple[Field, ...]
    start: T | None = None
    finish: Callable[[T, OptionPath, Reading], T] | None = None
    shorthand: str = ""
    required: bool = False
    fold: Callable[[Values, OptionPath, Reading], Values] | None = None
    into: str = ""
    unfold: Callable[[T], Values] | None = None

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.into or self.name

    def defaults(self) -> Values:
        """The value of every field that may be absent, by the field it fills."""
        if self.start is not None:
            start = self.start
            return {f.name: getattr(start, f.name) for f in dataclasses.fields(start)}
        found: Values = {}
        for field in dataclasses.fields(self.make):
            if field.default is not dataclasses.MISSING:
                found[field.name] = field.default
            elif field.default_factory is not dataclasses.MISSING:
                found[field.name] = field.default_factory()
        return found

    def read(self, node: Node, path: OptionPath, reading: Reading) -> T | Faulty:
        """The group with defaults for what is absent or wrong; `FAULTY` if that cannot be."""
        return self.read_with({}, node, path, reading)

    def read_with(
        self, given: Values, node: Node, path: OptionPath, reading: Reading
    ) -> T | Faulty:
        """The same with values that stand elsewhere, such as its own name."""
        if self._is_short(node):
            node = Mapping((Entry(self.shorthand, node.mark, node),), node.mark)
        entries = entries_of(node, path, reading)
        values, seen = self._values(entries, path, reading)
        missing = [field for field in self.fields if field.required and field.name not in seen]
        for field in missing:
            reading.note((*path, field.name), "is missing", f"add '{field.name}:' here")
        if any(field.required and field.attribute not in values for field in self.fields):
            return FAULTY
        values = {**given, **(self.fold(values, path, reading) if self.fold else values)}
        if self.start is None:
            made = self.make(**values)
        else:
            made = dataclasses.replace(self.start, **values)
        return self.finish(made, path, reading) if self.finish else made

    def _is_short(self, node: Node) -> bool:
        if not self.shorthand or is_nothing(node):
            return False
        takes_list = any(
            isinstance(field, TextList) for field in self.fields if field.name == self.shorthand
        )
        return isinstance(node, Scalar) or (takes_list and isinstance(node, Sequence))

    def _values(
        self, entries: tuple[Entry, ...], path: OptionPath, reading: Reading
    ) -> tuple[Values, set[str]]:
        known = {field.name: field for field in self.fields}
        values: Values = {}
        for entry in entries:
            where = (*path, entry.key)
            field = known.get(entry.key)
            if field is None:
                self._note_unknown(entry, where, reading)
                continue
            reading.place(where, entry.value.mark)
            value = field.read(entry.value, where, reading)
            if value is not FAULTY:
                values[field.attribute] = value
        return values, {entry.key for entry in entries}

    def _note_unknown(self, entry: Entry, where: OptionPath, reading: Reading) -> None:
        known = [field.name for field in self.fields]
        if near := did_you_mean(entry.key, known):
            fix = f"did you mean {near}?"
        elif home := reading.homes.get(entry.key):
            fix = f"did you mean {home}?"
        else:
            fix = f"known here: {', '.join(known)}"
        path = where[:-1]
        reading.note(path, f"unknown key {quoted(entry.key)}", fix, entry.key_mark)


@dataclass(frozen=True, slots=True)
class GroupList(Generic[T]):
    """A list of mappings of one shape.

    `finish` checks those that could be read, by their index, against each other.
    """

    name: str
    doc: str
    item: Group[T]
    finish: Callable[[dict[int, T], OptionPath, Reading], tuple[T, ...]] | None = None
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """A tuple of the items that could be read."""
        made: dict[int, T] = {}
        for index, item in enumerate(items_of(node, path, reading)):
            where = (*path, index)
            reading.place(where, item.mark)
            value = self.item.read(item, where, reading)
            if not isinstance(value, Faulty):
                made[index] = value
        return self.finish(made, path, reading) if self.finish else tuple(made.values())


@dataclass(frozen=True, slots=True)
class GroupMap(Generic[T]):
    """A mapping of free names to mappings of one shape; the name fills the field `name` of each."""

    name: str
    doc: str
    key_kind: Kind[str]
    item: Group[T]
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """A tuple of the items that could be read."""
        made: list[T] = []
        for entry in entries_of(node, path, reading):
            where = (*path, entry.key)
            reading.place(where, entry.key_mark)
            name = read_scalar(self.key_kind, Scalar(entry.key, entry.key_mark), where, reading)
            value = self.item.read_with({"name": name}, entry.value, where, reading)
            if not isinstance(value, Faulty) and name is not FAULTY:
                made.append(value)
        return tuple(made)


def leaves(field: Field, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Field]]:
    """Every option below `field` that holds a value, with its path.

    `*` stands for an index, `NAME` for a name.
    """
    if isinstance(field, Group):
        for child in field.fields:
            yield from leaves(child, (*path, child.name))
    elif isinstance(field, GroupList):
        yield from leaves(field.item, (*path, "*"))
    elif isinstance(field, GroupMap):
        yield from leaves(field.item, (*path, NAME))
    else:
        yield path, field


def homes(root: Field) -> dict[str, str]:
    """The full path of every key that stands in one place only, for keys found elsewhere."""
    paths = [path for path, _ in leaves(root)]
    counts = Counter(path[-1] for path in paths)
    return {
        path[-1]: ".".join(path).replace(".*", "[]")
        for path in paths
        if counts[path[-1]] == 1 and len(path) > 1
    }
