"""docs/configuration.md, made from the table that parses; the tables of docs/agent-file.md too.

In: a table of options. Out: Markdown. No state. `python -m agentslo.config.reference`
prints it; a test compares it with the committed page.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from agentslo.config.env import variable_name
from agentslo.config.fields import Field, Key, SecretMap, TextList, WordMap
from agentslo.config.kinds import ByteSize, Duration, show_bytes, show_duration
from agentslo.config.operands import OperandList
from agentslo.config.schema import NAME, Group, GroupList, GroupMap, T
from agentslo.config.service_file import ROOT

_GROUPS = (Group, GroupList, GroupMap)

_INTRODUCTION = """\
# Configuration

<!-- Made by `python -m agentslo.config.reference`; edit the tables in the code instead. -->

`agentslo run --config agentslo.yaml` reads one YAML file; `agentslo check` names every problem in
it. Without a file everything has its default. A commented file is in `examples/agentslo.yaml`.

- **Values are typed by the option**: `no` is a word where a word is expected, and booleans are
  `true` or `false` alone. Durations are seconds (`10`) or `500ms`, `10s`, `5m`, `6h`, `28d`; sizes
  are bytes (`4000000`) or `64MiB`, `4MB`.
- **References**: `${env:NAME}` and `${env:NAME:-default}` in any value; `$${` is `${` itself. The
  default also stands for an empty variable.
- **Variables**: every option but headers and roles is also an environment variable, and wins over
  the file. In lists `N` is the place of the item, from 0: `AGENTSLO_DESTINATIONS_0_ENDPOINT`. Lists
  of words are written with commas. An empty variable counts as absent. An `AGENTSLO_` variable that
  names no option is a problem, except those Kubernetes makes for Services
  (`AGENTSLO_..._SERVICE_HOST` and the like).
- **Files** (`cert_file` and so on) are looked up beside the configuration file.
- Unknown and repeated keys, tags, merge keys and a second document are problems; anchors and
  aliases are read.
"""


def markdown() -> str:
    """The whole page."""
    return page(ROOT, _INTRODUCTION, Tables(variables=True))


@dataclass(frozen=True, slots=True)
class Tables:
    """How options are shown; `variables`: with their environment variables."""

    variables: bool

    def sections(self, field: Field, path: tuple[str, ...], level: str) -> Iterator[str]:
        """A heading with its table, then the groups inside, each with its own."""
        path = (*path, field.name)
        if isinstance(field, GroupList):
            yield from self._group(field.item, (*path, "*"), level, field.doc)
        elif isinstance(field, GroupMap):
            yield from self._group(field.item, (*path, NAME), level, field.doc)
        elif isinstance(field, Group):
            yield from self._group(field, path, level, field.doc)

    def _group(self, group: Group[T], path: tuple[str, ...], level: str, doc: str) -> Iterator[str]:
        title = ".".join(path).replace(".*", "[]")
        yield "\n".join([f"{level} `{title}`", "", doc, "", *self.rows(group, path)])
        for field in group.fields:
            yield from self.sections(field, path, level + "#")

    def rows(self, group: Group[T], path: tuple[str, ...]) -> Iterator[str]:
        """The table of a group's options; those that are groups have their own."""
        fields = [field for field in group.fields if not isinstance(field, _GROUPS)]
        if not fields:
            return
        # A name may hold anything, so what is below one has no variable.
        variables = self.variables and NAME not in path
        head = ["key", "value", "default", *(["variable"] if variables else []), ""]
        yield f"| {' | '.join(head)} |".replace("|  |", "| |")
        yield "|---" * len(head) + "|"
        for field in fields:
            cells = [f"`{field.name}`", _words(field), _default(field, group)]
            if variables:
                named = isinstance(field, SecretMap | WordMap)
                cells.append("" if named else f"`{variable_name((*path, field.name))}`")
            yield f"| {' | '.join([*cells, field.doc])} |"


def page(root: Group[T], introduction: str, tables: Tables) -> str:
    """A reference page: its introduction, then a table for every group."""
    parts = [introduction, "\n".join(["## Top level", "", *tables.rows(root, ())])]
    for field in root.fields:
        parts.extend(tables.sections(field, (), "##"))
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _words(field: Field) -> str:
    if isinstance(field, Key):
        return field.kind.words
    if isinstance(field, TextList):
        return f"list of: {field.kind.words}"
    if isinstance(field, WordMap):
        return f"mapping of {field.key_kind.words} to: {field.value_kind.words}"
    if isinstance(field, SecretMap):
        return "mapping of names to text, never shown"
    if isinstance(field, OperandList):
        return "list of: word, number, `true` \\| `false`"
    return "word, number, `true` \\| `false`"


def _default(field: Field, group: Group[T]) -> str:
    if field.required:
        return "required"
    value = group.defaults().get(field.attribute)
    return "" if value in (None, "", ()) else f"`{_shown(value, field)}`"


def _shown(value: object, field: Field) -> str:
    """A value as one writes it in the file."""
    kind = field.kind if isinstance(field, Key) else None
    if isinstance(kind, Duration) and isinstance(value, float):
        return show_duration(value)
    if isinstance(kind, ByteSize) and isinstance(value, int):
        return show_bytes(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.write(markdown())
