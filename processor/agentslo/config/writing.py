"""Options back to the file they came from: dataclasses to YAML, by the table that reads them.

In: a group, what it made, and notes. Out: YAML text that reads to the same value. What is as by
default is left out unless there is a note on it; notes are comments above their key. No state.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from agentslo.config.fields import Field, Key
from agentslo.config.kinds import Duration, exact_duration
from agentslo.config.operands import is_plain_text
from agentslo.config.schema import Group, GroupList, GroupMap, T, Values

Plain = str | bool | int | float | Sequence["Plain"] | Mapping[str, "Plain"]
"""What a file holds: scalars, lists, mappings."""
Path = tuple[str | int, ...]
Notes = Mapping[Path, str]
"""Comments by the path of the key they stand above."""

_SAFE = re.compile(
    r"[A-Za-z_/][\w./()$%-]*(?: [\w./()$%-]+)*|\d{1,12}(?:\.\d{1,9})?(?:ms|[smhd])", re.ASCII
)
# Words to this reader, booleans to others that may look at the file.
_BOOLEAN_ELSEWHERE = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})
_ESCAPES = {'"': '\\"', "\\": "\\\\"}
_FLOW_COLUMNS = 100


def written(group: Group[T], made: T, notes: Notes | None = None) -> str:
    """The file that reads to `made`."""
    known = notes or {}
    return "".join(f"{line}\n" for line in _mapping(_plain(group, made, (), known), (), 0, known))


def _plain(group: Group[T], made: T, path: Path, notes: Notes) -> dict[str, Plain]:
    """What is written of a group: its fields in the order of the table."""
    names = type(made).__dataclass_fields__
    values: Values = group.unfold(made) if group.unfold else {n: getattr(made, n) for n in names}
    defaults = group.defaults()
    found: dict[str, Plain] = {}
    for field in group.fields:
        if field.attribute not in values:
            continue
        where, value = (*path, field.name), values[field.attribute]
        has_default = field.attribute in defaults
        as_default = has_default and value == defaults[field.attribute]
        if as_default and not field.required and where not in notes:
            continue
        text = _value(field, value, where, notes)
        # What only stands in the file, such as `evidence`, has no default to compare with.
        if has_default or field.required or text != {}:
            found[field.name] = text
    return found


def _value(field: Field, value: object, path: Path, notes: Notes) -> Plain:
    if isinstance(field, Group):
        return _short(field, _plain(field, value, path, notes))
    if isinstance(field, GroupList) and isinstance(value, tuple):
        return [_plain(field.item, item, (*path, i), notes) for i, item in enumerate(value)]
    if isinstance(field, GroupMap) and isinstance(value, tuple):
        return {
            item.name: _short(field.item, _plain(field.item, item, (*path, item.name), notes))
            for item in value
        }
    if isinstance(field, Key) and isinstance(field.kind, Duration) and isinstance(value, float):
        return exact_duration(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"{field.name}: {value!r} cannot be written")


def _short(group: Group[T], values: dict[str, Plain]) -> Plain:
    if group.shorthand and list(values) == [group.shorthand]:
        return values[group.shorthand]
    return values


def _mapping(values: Mapping[str, Plain], path: Path, indent: int, notes: Notes) -> Iterator[str]:
    pad = " " * indent
    for key, value in values.items():
        where = (*path, key)
        if where in notes:
            yield from (f"{pad}# {line}".rstrip() for line in notes[where].splitlines())
        head = f"{pad}{scalar(key)}:"
        if isinstance(value, Mapping) and value:
            yield head
            yield from _mapping(value, where, indent + 2, notes)
        elif items := _mappings(value):
            yield head
            yield from _items(items, where, indent + 2, notes)
        else:
            yield from _leaf(head, value, indent)


def _items(
    items: Sequence[Mapping[str, Plain]], path: Path, indent: int, notes: Notes
) -> Iterator[str]:
    pad = " " * indent
    for index, item in enumerate(items):
        lines = list(_mapping(item, (*path, index), indent + 2, notes))
        first = next(i for i, line in enumerate(lines) if not line.lstrip().startswith("#"))
        # Comments above the first key would stand between the dash and it.
        yield from (f"{pad}{line.lstrip()}" for line in lines[:first])
        yield f"{pad}- {lines[first].lstrip()}"
        yield from lines[first + 1 :]


def _leaf(head: str, value: Plain, indent: int) -> Iterator[str]:
    line = f"{head} {_flow(value)}"
    if isinstance(value, str) or not isinstance(value, Sequence) or len(line) <= _FLOW_COLUMNS:
        yield line
        return
    yield head
    yield from (f"{' ' * (indent + 2)}- {_flow(item)}" for item in value)


def _mappings(value: Plain) -> list[Mapping[str, Plain]]:
    """The items of a list of mappings; none where it is anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return []
    return [item for item in value if isinstance(item, Mapping) and item]


def _flow(value: Plain) -> str:
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_flow, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def scalar(text: str) -> str:
    """One text as it stands in a file, in quotes where it would be taken for something else."""
    text = text.replace("${", "$${")
    safe = _SAFE.fullmatch(text) and text.lower() not in _BOOLEAN_ELSEWHERE
    if safe and is_plain_text(text):
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    return f"\\U{ord(letter):08x}"
