"""Every requirement has a row; what a row names is there."""

import re
from collections.abc import Iterator

from agentslo.cli.main import COMMANDS, parser
from support import tools

PAGE = (tools.PROJECT_ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
ASKED = {
    "S": 17,
    "T": 21,
    "H": 5,
    "D": 16,
    "R": 17,
    "I": 17,
    "O": 7,
    "B": 4,
    "M": 11,
    "G": 9,
    "C": 12,
}
_ID = re.compile(r"([A-Z])(\d+)(?:-[A-Z](\d+))?")


def rows() -> Iterator[list[str]]:
    """The cells of every row that begins with numbers of requirements."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and _ID.match(cells[0]):
            yield cells


def ids(cell: str) -> set[str]:
    """The requirements a row is for."""
    return {
        f"{letter}{number}"
        for letter, first, last in _ID.findall(cell)
        for number in range(int(first), int(last or first) + 1)
    }


def test_every_requirement_has_exactly_one_row() -> None:
    found = [ident for cells in rows() for ident in sorted(ids(cells[0]))]
    asked = [f"{letter}{n}" for letter, count in ASKED.items() for n in range(1, count + 1)]
    assert sorted(found) == sorted(asked)


def test_every_file_a_row_names_is_there() -> None:
    named = re.findall(r"`((?:tests|examples|benchmarks|docs)/[\w./-]+)`", PAGE)
    assert [name for name in named if not (tools.PROJECT_ROOT / name).exists()] == []
    modules = re.findall(r"`(respond/\w+\.py)`", PAGE)
    package = tools.PROJECT_ROOT / "processor" / "agentslo"
    assert [name for name in modules if not (package / name).exists()] == []


def test_every_command_a_row_names_is_one() -> None:
    known = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    named = set(re.findall(r"`agentslo ([a-z]+)", PAGE))
    assert named <= known
    assert parser().prog == "agentslo"


def test_a_row_without_a_check_says_that_it_is_not_met() -> None:
    unchecked = [cells for cells in rows() if not re.search(r"`tests|\[drift\]", cells[-1])]
    assert all("not met" in " ".join(cells).lower() for cells in unchecked), unchecked
