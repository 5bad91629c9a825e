"""The house rules that no linter holds: sizes, documented names, nothing of one machine.

Sizes are limits on what a reader must hold in mind, not goals.
"""

import ast
import os
import re
import statistics
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.tools import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "processor" / "agentslo"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES_MAX = 350
MODULE_LINES_MEDIAN_MAX = 140
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_P90_MAX = 25

# Home and work folders of one machine; recorded data may name the machine it was recorded on.
MACHINE_PATH = re.compile(r"(?<![\w.}*-])/(?:root|work|home/\w+|Users/\w+)/")
RECORDED = ("tests/data/", "tests/golden/", "examples/recorded/")
TEXT_SUFFIXES = frozenset(
    {"", ".cfg", ".ini", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _place(module: Path, line: int) -> str:
    return f"{module.relative_to(PROJECT_ROOT)}:{line}"


def _lines(module: Path) -> int:
    return len(module.read_text(encoding="utf-8").splitlines())


def _functions() -> Iterator[tuple[str, int]]:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                yield f"{_place(module, node.lineno)} {node.name}", lines


def _public(body: list[ast.stmt]) -> Iterator[Documented]:
    """Public functions and classes, and what is public in those classes."""
    for node in body:
        if not isinstance(node, Documented) or node.name.startswith("_"):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body)


def _overrides(node: Documented) -> bool:
    """Whether the docstring is the base's: `@override` and `@overload` repeat a name."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"override", "overload", "setter"})


def _tracked_text() -> Iterator[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git clone")
    for name in filter(None, listing.stdout.split("\0")):
        path = PROJECT_ROOT / name
        if path.suffix in TEXT_SUFFIXES and path.is_file() and not name.startswith(RECORDED):
            yield path


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {str(m.relative_to(PACKAGE)): n for m in MODULES if (n := _lines(m)) > MODULE_LINES_MAX}
    assert not long, f"split these modules (at most {MODULE_LINES_MAX} lines): {long}"


def test_half_of_the_modules_are_short() -> None:
    lines = [n for module in MODULES if (n := _lines(module)) > 0]
    assert statistics.median(lines) < MODULE_LINES_MEDIAN_MAX


def test_no_function_is_longer_than_a_page() -> None:
    long = [f"{name} ({n} lines)" for name, n in _functions() if n > FUNCTION_LINES_MAX]
    assert not long, f"split these functions (at most {FUNCTION_LINES_MAX} lines): {long}"


def test_nine_of_ten_functions_are_short() -> None:
    lines = [n for _, n in _functions()]
    assert statistics.quantiles(lines, n=10)[-1] <= FUNCTION_LINES_P90_MAX


def test_every_module_says_what_it_is() -> None:
    silent = [
        _place(module, 1)
        for module in MODULES
        if (tree := ast.parse(module.read_text(encoding="utf-8"))).body
        and ast.get_docstring(tree) is None
    ]
    assert not silent


def test_every_public_name_has_a_docstring() -> None:
    silent = [
        f"{_place(module, node.lineno)} {node.name}"
        for module in MODULES
        for node in _public(ast.parse(module.read_text(encoding="utf-8")).body)
        if ast.get_docstring(node) is None and not _overrides(node)
    ]
    assert not silent


def test_no_file_names_a_folder_of_one_machine() -> None:
    named = [
        f"{path.relative_to(PROJECT_ROOT)}:{number}"
        for path in _tracked_text()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert not named


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(f"cd /{'work'}/main", True, id="a work folder"),
        pytest.param(f'"/{"root"}/.cache"', True, id="a home folder of root"),
        pytest.param(f"see /{'home'}/ann/x", True, id="a home folder"),
        pytest.param(f"https://example.org/{'work'}/in", False, id="an address"),
        pytest.param("/var/lib/agentslo/", False, id="a folder every machine has"),
    ],
)
def test_the_search_for_machine_folders_finds(text: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is found


def test_scripts_may_be_run() -> None:
    scripts = [*PROJECT_ROOT.glob("scripts/*.sh"), PROJECT_ROOT / ".ci" / "run"]
    assert [s.name for s in scripts if not os.access(s, os.X_OK)] == []
    for script in scripts:
        subprocess.run(["bash", "-n", script], check=True)


def _package_name(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0].rstrip(".-")).lower()


def test_every_package_asked_for_has_a_pinned_version() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    lines = (PROJECT_ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {_package_name(line) for line in lines if "==" in line}
    assert {_package_name(requirement) for requirement in wanted} - pinned == set()
