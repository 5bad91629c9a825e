"""A YAML document as nodes that know their line and column, and nothing of types.

In: nothing. Out: `Scalar`, `Mapping`, `Sequence` with a `Mark` each, and `Document`. No state.
Scalars stay text: the option they are for gives them a type, so `no`, `1:30` and `1e3` mean what
they look like. `yaml_reader.py` makes these from a file, `env.py` from environment variables.
"""

from dataclasses import dataclass

from agentslo.config.problems import Problem, Severity


@dataclass(frozen=True, slots=True)
class Mark:
    """A place: a file (or environment variable), line and column from 1."""

    file: str
    line: int = 1
    col: int = 1


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; `plain` where it stands without quotes, `literal` where `${env:}` is not read."""

    text: str
    mark: Mark
    plain: bool = True
    literal: bool = False
    size: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping with its value."""

    key: str
    key_mark: Mark
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with values, each key once, in file order."""

    entries: tuple[Entry, ...]
    mark: Mark
    size: int = 1

    def get(self, key: str) -> "Node | None":
        """The value of `key`, or None."""
        return next((entry.value for entry in self.entries if entry.key == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple["Node", ...]
    mark: Mark
    size: int = 1


Node = Scalar | Mapping | Sequence


@dataclass(frozen=True, slots=True)
class Document:
    """A file as read: `root` is None where it is empty or broken (then `problems` says why)."""

    root: Node | None
    lines: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether nothing of it can be read."""
        return self.root is None and bool(self.problems)


def problem_at(
    mark: Mark, what: str, fix: str, path: str = "", severity: Severity = "error"
) -> Problem:
    """A problem at a place."""
    return Problem(
        file=mark.file,
        line=mark.line,
        col=mark.col,
        path=path,
        what=what,
        fix=fix,
        severity=severity,
    )
