"""The documentation is an interface: what the code can do and say stands in it, and it is fresh."""

import argparse
import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentslo.cli import reference
from agentslo.cli.main import parser
from agentslo.model import Evidence, Outcome
from agentslo.service.feedback import KINDS
from support.tools import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
PACKAGE = PROJECT_ROOT / "processor" / "agentslo"
PAGES = sorted([*DOCS.rglob("*.md"), *PROJECT_ROOT.glob("*.md")])
REASON = re.compile(r"[a-z]+(_[a-z]+)*")
LINK = re.compile(r"\]\(([^)\s]+)\)")
DECISION_LINES_MAX = 40

# ---- the command line


def test_the_page_of_the_command_line_is_fresh() -> None:
    page = DOCS / "cli.md"

    assert page.read_text() == reference.markdown(), "run: python -m agentslo.cli.reference > " + (
        str(page.relative_to(PROJECT_ROOT))
    )


def commands(
    of: argparse.ArgumentParser, above: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield f"{above}{name}", command
                yield from commands(command, f"{above}{name} ")


def test_every_command_and_option_is_in_the_page() -> None:
    page = (DOCS / "cli.md").read_text()

    for name, command in commands(parser()):
        section = page.partition(f"# `agentslo {name}`")[2].partition("\n#")[0]
        assert section, name
        for action in command._actions:
            for option in set(action.option_strings) - {"-h", "--help"}:
                assert f"`{option}" in section, f"{name} {option}"


def test_every_argument_says_what_it_is() -> None:
    silent = [
        f"{name} {reference.title(action)}"
        for name, command in commands(parser())
        for action in reference.arguments(command)
        if not action.help
        and reference.title(action) not in reference.NOTES[name.split()[0]].arguments
    ]

    assert not silent, "give these help="


def test_every_command_says_how_it_ends() -> None:
    assert {name for name, _ in commands(parser()) if " " not in name} == set(reference.NOTES), (
        "each command needs its exit codes and an example in cli/reference.py"
    )


def test_every_example_of_the_page_parses() -> None:
    for name, notes in reference.NOTES.items():
        words = notes.example.split()
        assert words[:2] == ["agentslo", name]
        assert parser().parse_args(words[1:]).command == name


# ---- outcomes


def findings_modules() -> list[Path]:
    """Every module that makes findings."""
    found = [PACKAGE / "service" / "verdicts.py"]
    for module in sorted((PACKAGE / "outcomes").glob("*.py")):
        text = module.read_text()
        if "Finding" in text or "Outcome." in text or "_unsafe" in text:
            found.append(module)
    return found


def words(node: ast.AST | None) -> Iterator[str]:
    """The texts a value may be; parts of an f-string that are filled in stand as NAME."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "NAME" for p in node.values)
        yield "".join(str(p) for p in parts)
    elif isinstance(node, ast.IfExp):
        yield from words(node.body)
        yield from words(node.orelse)
    elif isinstance(node, ast.Tuple):
        for part in node.elts:
            yield from words(part)


def reasons(module: Path) -> Iterator[str]:
    """What may become a reason: beside an `Outcome`, named `reason`, or returned by a rule."""
    tree = ast.parse(module.read_text())
    takes = {
        node.name: [a.arg for a in node.args.args].index("reason")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and "reason" in [a.arg for a in node.args.args]
    }
    for node in ast.walk(tree):
        named = isinstance(node, ast.keyword) and node.arg == "reason"
        kept = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason"
        if named or kept:
            yield from words(node.value)
        elif isinstance(node, ast.Call):
            yield from beside_outcome(node.args)
            if isinstance(node.func, ast.Name) and node.func.id in takes:
                place = takes[node.func.id]
                yield from words(node.args[place] if place < len(node.args) else None)
        elif isinstance(node, ast.Tuple):
            yield from beside_outcome(node.elts)
            # The table of limits: (reason, used, allowed).
            if module.name == "limits.py" and len(node.elts) == 3:
                yield from words(node.elts[0])
        elif isinstance(node, ast.FunctionDef) and returns_reason(node):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return | ast.Yield):
                    yield from words(inner.value)


def beside_outcome(values: list[ast.expr]) -> Iterator[str]:
    for first, second in itertools.pairwise(values):
        if ast.unparse(first).startswith("Outcome."):
            yield from words(second)


def returns_reason(function: ast.FunctionDef) -> bool:
    if function.returns is None:
        return False
    told = ("str", "Iterator[tuple[Step, str]]", "tuple[Outcome, str] | None")
    return ast.unparse(function.returns) in told


def all_reasons() -> dict[str, str]:
    return {
        reason: module.name
        for module in findings_modules()
        for reason in reasons(module)
        if REASON.fullmatch(reason.replace("NAME", "name"))
    }


def documented() -> set[str]:
    """The first column of every table with the header `reason`."""
    found: set[str] = set()
    table = False
    for line in (DOCS / "outcomes.md").read_text().splitlines():
        if not line.startswith("|"):
            table = False
        elif line.startswith("| reason |"):
            table = True
        elif table and (name := re.match(r"\| `(\w+)` \|", line)):
            found.add(name[1])
    return found


def test_the_search_for_reasons_finds_those_of_every_kind() -> None:
    known = {"ended_normally", "late", "not_permitted", "injected_argument", "step_limit", "loop"}
    known |= {"expect_NAME", "policy_NAME", "partial_commit", "resumed", "missed"}

    assert known <= set(all_reasons())


def test_every_reason_is_documented() -> None:
    missing = {r: module for r, module in all_reasons().items() if r not in documented()}

    assert not missing, "say in docs/outcomes.md what these mean"


def test_every_documented_reason_can_be_given() -> None:
    assert documented() - set(all_reasons()) == set()


def test_outcomes_stand_in_the_page_in_the_order_in_which_they_win() -> None:
    page = (DOCS / "outcomes.md").read_text()
    rows = re.findall(
        r"^\| `(\w+)` \|", page.partition("| outcome |")[2].partition("\n\n")[0], re.MULTILINE
    )

    assert rows == [outcome.value for outcome in Outcome]


def test_ranks_of_evidence_stand_in_the_page_strongest_first() -> None:
    page = (DOCS / "outcomes.md").read_text()
    rows = re.findall(
        r"^\| `(\w+)` \|", page.partition("| evidence |")[2].partition("\n\n")[0], re.MULTILINE
    )

    assert rows == [rank.label for rank in sorted(Evidence, reverse=True)]


def test_every_kind_of_feedback_is_documented() -> None:
    page = (DOCS / "outcomes.md").read_text()

    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []


# ---- pages


def anchors(page: Path) -> set[str]:
    """The anchors a forge gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(PROJECT_ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.exists(), target
        if anchor:
            assert anchor in anchors(leads_to), target


def test_decisions_are_numbered_dated_and_short() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))

    assert [p.name[:4] for p in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    for page in pages:
        lines = page.read_text().splitlines()
        assert re.fullmatch(rf"# {page.name[:4]} .+", lines[0]), page.name
        assert re.fullmatch(r"20\d\d-\d\d", lines[2]), page.name
        assert len(lines) <= DECISION_LINES_MAX, page.name
        for part in ("Context", "Choice", "Consequence"):
            assert f"**{part}.**" in page.read_text(), f"{page.name}: {part}"
