"""docs/attributes.md: fresh, and its table holds what the code reads and sends."""

import re

from agentslo.measure.attributes import ATTRIBUTES, document
from support.tools import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "processor" / "agentslo"
DECLARED = "agent_slo.declared."


def named(where: str) -> set[str]:
    return {found.name for found in ATTRIBUTES if found.where == where}


def source() -> str:
    """All code but the table itself."""
    return "\n".join(
        path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "attributes.py"
    )


def test_the_page_is_fresh() -> None:
    page = PROJECT_ROOT / "docs" / "attributes.md"

    assert page.read_text() == document().rstrip("\n") + "\n"


def test_every_attribute_the_code_adds_is_in_the_table() -> None:
    written = set(re.findall(r'"(agent_slo\.(?:run|slo|step|drift|verdict)\.\w+)"', source()))
    written.add("agent_slo.release")

    assert named("root") | named("step") | named("verdict") == written


def test_every_declared_attribute_the_code_reads_is_in_the_table() -> None:
    code = source()
    read = set(re.findall(r'declared\.get\("(\w+)"\)', code))
    read |= set(re.findall(r'_declared\([\w, ]+"(\w+)"\)', code))
    read |= set(re.findall(r'"(\w+)" in (?:step|s)\.declared', code))
    read |= set(re.findall(rf"{re.escape(DECLARED)}(\w+)", code)) - {""}

    assert {f"{DECLARED}{key}" for key in read} <= named("input")


def test_every_declared_attribute_of_the_table_is_read() -> None:
    code = source()
    keys = [name.removeprefix(DECLARED) for name in named("input")]

    assert [key for key in keys if not re.search(rf'["\']{key}["\']|declared\.{key}', code)] == []


def test_a_root_gets_at_most_twenty() -> None:
    assert len(named("root")) <= 20


def test_names_are_no_prefixes_of_each_other() -> None:
    names = [found.name for found in ATTRIBUTES]

    assert [(a, b) for a in names for b in names if b.startswith(f"{a}.")] == []
