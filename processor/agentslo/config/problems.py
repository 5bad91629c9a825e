"""Configuration problems as values, and their rendering.

In: where something is wrong, what, and how to mend it. Out: `file:line:col: path: what; fix`, with
the source line and a caret on request; a warning, which stops nothing, says so. No state. The form
follows rustc and pint: a result is a value, rendered elsewhere; `ConfigError` carries all problems
of a load at once.
"""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

_EXCERPT_COLUMNS = 100
_LONGEST_GUESSED_KEY = 64
_SECRET_LINE = re.compile(r"(?i)authorization|password|secret|token|api[-_]?key|bearer|://[^/\s]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a file or an environment variable; `line` and `col` count from 1.

    `path` is the dotted option, empty where no option is concerned. `source` is the line itself,
    empty where there is none or where it may hold a credential.
    """

    file: str
    line: int
    col: int
    path: str
    what: str
    fix: str
    source: str = ""
    severity: Severity = "error"

    @property
    def is_error(self) -> bool:
        """Whether the configuration cannot be used because of it."""
        return self.severity == "error"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Carries `problems` in the order they are to be read."""
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(render(problem, short=True) for problem in self.problems))


def render(problem: Problem, *, short: bool = False) -> str:
    """One line, and unless `short` the source line with a caret below it."""
    where = f"{problem.file}:{problem.line}:{problem.col}: "
    where += "" if problem.is_error else "warning: "
    path = f"{problem.path}: " if problem.path else ""
    headline = _safe(f"{where}{path}{problem.what}; {problem.fix}")
    if short or not problem.source:
        return headline
    excerpt, caret = _excerpt(problem.source, problem.col - 1)
    return f"{headline}\n    {excerpt}\n    {' ' * caret}^"


def as_json(problem: Problem) -> dict[str, str | int]:
    """The fields a program wants; the source line stays in the file."""
    return {
        "file": problem.file,
        "line": problem.line,
        "col": problem.col,
        "path": problem.path,
        "what": problem.what,
        "fix": problem.fix,
        "severity": problem.severity,
    }


def quoted(text: str) -> str:
    """`text` in quotes for a message: escaped, and cut where it is long."""
    cut = text if len(text) <= 60 else text[:57] + "..."
    return json.dumps(_safe(cut), ensure_ascii=False)


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """The known word nearest to `word`, or None where none is near."""
    if len(word) > _LONGEST_GUESSED_KEY:
        return None
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return near[0] if near else None


def may_hold_secret(source: str) -> bool:
    """Whether a line looks as if it held a credential, so that it is not to be shown."""
    return _SECRET_LINE.search(source) is not None


def _excerpt(source: str, col0: int) -> tuple[str, int]:
    """A terminal-safe window of the line around the caret, and the caret's place in it."""
    start = max(0, col0 - _EXCERPT_COLUMNS * 2 // 3) if len(source) > _EXCERPT_COLUMNS else 0
    window = source[start : start + _EXCERPT_COLUMNS].replace("\t", " ")
    return _safe(window), col0 - start


def _safe(text: str) -> str:
    """`text` without what could steer a terminal or cannot be encoded."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
