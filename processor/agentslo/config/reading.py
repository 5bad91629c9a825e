"""One reading of the configuration: what it may look up, what it found wrong, where things stand.

In: notes from the schema and the checks. Out: `problems` in reading order, with source lines.
State: the problems, the place of every option read, and the lines whose text is not to be shown.
"""

from collections.abc import Mapping as MappingType
from collections.abc import Sequence as SequenceType
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from agentslo.config.problems import Problem, may_hold_secret
from agentslo.config.substitution import substitute
from agentslo.config.yaml_node import Mark, Scalar, problem_at

OptionPath = tuple[str | int, ...]


def dotted(path: OptionPath) -> str:
    """`destinations[0].endpoint` for a message."""
    text = ""
    for part in path:
        # A key that somebody else chose may be of any length.
        text += f"[{part}]" if isinstance(part, int) else f".{part[:60]}"
    return text.removeprefix(".")


class Reading:
    """What the parsing of one file shares; made for one load, then dropped."""

    def __init__(
        self,
        file: str,
        *,
        environ: MappingType[str, str],
        base: Path,
        homes: MappingType[str, str] = MappingProxyType({}),
    ) -> None:
        """`base` is where relative files are looked up; `homes` is the section of each key."""
        self.base = base
        self.homes = homes
        self._environ = environ
        self._file = file
        self._problems: list[tuple[OptionPath, Problem]] = []
        self._marks: dict[OptionPath, Mark] = {}
        self._lines: dict[str, SequenceType[str]] = {}
        self._hidden: set[tuple[str, int]] = set()

    def add_source(self, file: str, lines: SequenceType[str]) -> None:
        """Gives the lines of a file or environment variable, to be shown below problems."""
        self._lines[file] = lines

    def place(self, path: OptionPath, mark: Mark) -> None:
        """Notes where an option stands."""
        self._marks[path] = mark

    def hide(self, mark: Mark) -> None:
        """Keeps the line at `mark` out of every message: it holds a credential."""
        self._hidden.add((mark.file, mark.line))

    def text(self, node: Scalar) -> str:
        """The text of a scalar with `${env:}` replaced; raises `Fault`."""
        return node.text if node.literal else substitute(node.text, self._environ)

    def mark(self, path: OptionPath) -> Mark:
        """Where an option stands, or the nearest part of it that is written down."""
        for end in range(len(path), 0, -1):
            if path[:end] in self._marks:
                return self._marks[path[:end]]
        return Mark(self._file)

    def is_written(self, path: OptionPath) -> bool:
        """Whether an option is given, in the file or by the environment."""
        return path in self._marks

    def note(self, path: OptionPath, what: str, fix: str, mark: Mark | None = None) -> None:
        """Notes a problem of an option, at `mark` or where the option stands."""
        problem = problem_at(mark or self.mark(path), what, fix, dotted(path))
        self._problems.append((path, problem))

    def warn(self, path: OptionPath, what: str, fix: str, mark: Mark | None = None) -> None:
        """Notes what is allowed and probably not meant."""
        place = mark or self.mark(path)
        self._problems.append((path, problem_at(place, what, fix, dotted(path), "warning")))

    def note_all(self, problems: SequenceType[Problem]) -> None:
        """Notes problems that belong to no option."""
        self._problems.extend(((), problem) for problem in problems)

    def is_sound(self, *path: str | int) -> bool:
        """Whether nothing is wrong at an option or below it, so that it can be compared."""
        return all(
            where[: len(path)] != path
            for where, problem in self._problems
            if where and problem.is_error
        )

    def problems(self) -> tuple[Problem, ...]:
        """All problems: the file's by line, then the environment's."""
        found = dict.fromkeys(self._with_source(problem) for _, problem in self._problems)
        return tuple(sorted(found, key=lambda p: (p.file != self._file, p.file, p.line, p.col)))

    def _with_source(self, problem: Problem) -> Problem:
        lines = self._lines.get(problem.file, ())
        if problem.line > len(lines) or (problem.file, problem.line) in self._hidden:
            return problem
        source = lines[problem.line - 1]
        return problem if may_hold_secret(source) else replace(problem, source=source)
