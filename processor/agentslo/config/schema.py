"""The shape of the service file as a table: groups and lists of groups that read themselves.

In: a node, where it stands, and the reading it belongs to. Out: options as dataclasses. No state. A
section module is one such table; parsing, `AGENTSLO_*` variables and docs/configuration.md are all
made from it.
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
    Key,
    SecretMap,
    TextList,
    entries_of,
    is_nothing,
    items_of,
)
from agentslo.config.problems import did_you_mean, quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.yaml_node import Entry, Mapping, Node, Scalar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """A mapping with known keys, read into the dataclass `make`.

    `start` holds the defaults of a group that may be absent; where it is None all of them are
    those of `make`. `finish` checks the whole and may complete it. A scalar in the place of the
    mapping is the value of `shorthand`.
    """

    name: str
    doc: str
    make: type[T]
    fields: tuple[Field, ...]
    start: T | None = None
    finish: Callable[[T, OptionPath, Reading], T] | None = None
    shorthand: str = ""
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> T | Faulty:
        """The group with defaults for what is absent or wrong; `FAULTY` if that cannot be."""
        if self.shorthand and isinstance(node, Scalar) and not is_nothing(node):
            node = Mapping((Entry(self.shorthand, node.mark, node),), node.mark)
        entries = entries_of(node, path, reading)
        values, seen = self._values(entries, path, reading)
        missing = [field for field in self.fields if field.required and field.name not in seen]
        for field in missing:
            reading.note((*path, field.name), "is missing", f"add '{field.name}:' here")
        if any(field.required and field.attribute not in values for field in self.fields):
            return FAULTY
        if self.start is None:
            made = self.make(**values)
        else:
            made = dataclasses.replace(self.start, **values)
        return self.finish(made, path, reading) if self.finish else made

    def _values(
        self, entries: tuple[Entry, ...], path: OptionPath, reading: Reading
    ) -> tuple[dict[str, object], set[str]]:
        known = {field.name: field for field in self.fields}
        values: dict[str, object] = {}
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


def leaves(
    field: Field, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Key | TextList | SecretMap]]:
    """Every option below `field` that holds a value, with its path; `*` stands for an index."""
    if isinstance(field, Group):
        for child in field.fields:
            yield from leaves(child, (*path, child.name))
    elif isinstance(field, GroupList):
        yield from leaves(field.item, (*path, "*"))
    elif isinstance(field, Key | TextList | SecretMap):
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
