"""`AGENTSLO_*` variables laid over the file: the environment wins.

In: the root of a document, the table of options, the environment. Out: the root with the values of
variables in place, each marked with its variable; problems for variables that name no option. No
state. A variable is the path in upper case, `_` between its parts, an index in a list:
`AGENTSLO_DESTINATIONS_0_ENDPOINT`. An empty variable counts as absent.
"""

import re
from collections.abc import Mapping as MappingType

from agentslo.config.fields import Field, SecretMap, TextList, WordMap, is_nothing
from agentslo.config.problems import did_you_mean
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import NAME, Group, GroupList, T, leaves
from agentslo.config.yaml_node import Entry, Mapping, Mark, Node, Scalar, Sequence

PREFIX = "AGENTSLO_"

# Read elsewhere: by the command line, the build file and the tests.
RESERVED = frozenset(
    {
        "AGENTSLO_CONFIG",
        "AGENTSLO_GITHUB_API",
        "AGENTSLO_GITHUB_TOKEN",
        "AGENTSLO_PROMETHEUS_TOKEN",
        "AGENTSLO_REQUIRE_TOOLS",
        "AGENTSLO_SHARED",
        "AGENTSLO_TOKEN",
        "AGENTSLO_TOOLS_DIR",
        "AGENTSLO_WEBHOOK_SECRET",
    }
)

_INDEX = re.compile(r"_(\d{1,4})(?=_)")
# Kubernetes gives every pod of a namespace variables named for its Services: a Service called
# agentslo or agentslo-page makes these, and they are none of ours.
_SERVICE_LINK = re.compile(
    r"AGENTSLO_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?"
    r"|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def variable_name(path: tuple[str, ...]) -> str:
    """The variable of an option; the index of a list is `N` (`*` in the path)."""
    return PREFIX + "_".join("N" if part == "*" else part.upper() for part in path)


def variables(root: Field) -> dict[str, tuple[tuple[str, ...], Field]]:
    """Every variable with its path and option; mappings of free names have none."""
    return {
        variable_name(path): (path, option)
        for path, option in leaves(root)
        if not isinstance(option, SecretMap | WordMap) and NAME not in path
    }


def overlay(node: Node, root: Field, environ: MappingType[str, str], reading: Reading) -> Node:
    """The document's root with every variable in its place."""
    known = variables(root)
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value}
    for name in sorted(ours, key=_natural):
        if name in RESERVED:
            continue
        indexes = [int(digits) for digits in _INDEX.findall(name)]
        found = known.get(_INDEX.sub("_N", name))
        if found is not None:
            path, option = found
            reading.add_source(name, (ours[name],))
            value = _value(name, ours[name], option)
            node = _put(node, _with_indexes(path, indexes), value, root, reading)
        elif not _SERVICE_LINK.fullmatch(name):
            near = did_you_mean(name, tuple(known))
            fix = f"did you mean {near}?" if near else "see docs/configuration.md, or unset it"
            reading.note((), "no option has this variable", fix, Mark(name))
    return node


def _natural(name: str) -> tuple[str, list[int]]:
    """Sorts index 2 before 10, so that a list grows in order."""
    return _INDEX.sub("_N", name), [int(digits) for digits in _INDEX.findall(name)]


def _with_indexes(path: tuple[str, ...], indexes: list[int]) -> OptionPath:
    rest = iter(indexes)
    return tuple(next(rest) if part == "*" else part for part in path)


def _value(name: str, text: str, option: Field) -> Node:
    mark = Mark(name)
    if isinstance(option, TextList):
        parts = [part.strip() for part in text.split(",")]
        return Sequence(
            tuple(Scalar(part, mark, plain=False, literal=True) for part in parts), mark
        )
    return Scalar(text, mark, plain=False, literal=True)


def _put(node: Node | None, path: OptionPath, value: Node, field: Field, reading: Reading) -> Node:
    """`node` with `value` at `path`; where `node` has another shape it is left to be refused."""
    if not path:
        return value
    if node is None or is_nothing(node):
        is_list = isinstance(field, GroupList)
        node = Sequence((), value.mark) if is_list else Mapping((), value.mark)
    if isinstance(field, GroupList) and isinstance(node, Sequence):
        return _put_item(node, path, value, field, reading)
    if isinstance(field, Group):
        return _put_key(node, path, value, field, reading)
    return node


def _put_key(node: Node, path: OptionPath, value: Node, group: Group[T], reading: Reading) -> Node:
    if isinstance(node, Scalar) and group.shorthand:
        node = Mapping((Entry(group.shorthand, node.mark, node),), node.mark)
    if not isinstance(node, Mapping):
        return node
    child = next(child for child in group.fields if child.name == path[0])
    put = _put(node.get(child.name), path[1:], value, child, reading)
    if node.get(child.name) is None:
        return Mapping((*node.entries, Entry(child.name, value.mark, put)), node.mark)
    entries = tuple(
        Entry(entry.key, entry.key_mark, put) if entry.key == child.name else entry
        for entry in node.entries
    )
    return Mapping(entries, node.mark)


def _put_item(
    node: Sequence, path: OptionPath, value: Node, field: GroupList[T], reading: Reading
) -> Node:
    """The same for an item of a list, which may be the next one."""
    index = int(path[0])
    items = list(node.items)
    if index > len(items):
        what = f"there is no {field.name}[{len(items)}] before it"
        reading.note((field.name, index), what, "number them from 0 without gaps", value.mark)
        return node
    old = items[index] if index < len(items) else None
    items[index : index + 1] = [_put(old, path[1:], value, field.item, reading)]
    return Sequence(tuple(items), node.mark)
