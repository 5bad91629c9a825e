"""Every alert has a runbook, and what a runbook tells people to ask and to type exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest

from agentslo.bundle.catalogue import AWAITED, alerts, groups, records
from agentslo.bundle.rules import Options, rule_file
from agentslo.cli.main import parser
from agentslo.measure.catalogue import CATALOGUE
from support.tools import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "alert-rules" / "runbooks"
RUNBOOKS = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("*.md"))]
BY_NAME = {alert.name: alert for alert in alerts()}
HEADINGS = [
    *("Meaning", "Impact", "Diagnosis", "Containment", "Recovery", "Escalation", "Follow-up"),
]
RECORDED = {record.name: record for record in records()}
# Of Prometheus itself.
ITS_OWN = {"ALERTS", "up", "prometheus_rule_evaluation_failures_total"}
OTHER_TOOLS = {"amtool", "curl", "export"}
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(path.read_text()) if kind == language]


def commands(path: Path) -> Iterator[list[str]]:
    for block in blocks(path, "sh"):
        for line in block.strip().splitlines():
            yield shlex.split(line)


def selectors(node: object) -> list[promql_parser.VectorSelector]:
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    if isinstance(node, promql_parser.MatrixSelector):
        return [node.vector_selector]
    parts = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
    parts += list(getattr(node, "args", None) or [])
    return [found for part in parts if part is not None for found in selectors(part)]


def family(name: str) -> str:
    return name.removesuffix("_bucket") if name not in CATALOGUE else name


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(BY_NAME)


@pytest.mark.parametrize("path", RUNBOOKS)
def test_a_runbook_has_every_section_and_none_is_empty(path: Path) -> None:
    title, *sections = re.split(r"^## ", path.read_text(), flags=re.MULTILINE)
    assert title.strip() == f"# {path.stem}"
    assert [section.splitlines()[0] for section in sections] == HEADINGS
    assert all(len(section.split("\n", 1)[1].strip()) > 4 for section in sections)


@pytest.mark.parametrize("path", RUNBOOKS)
def test_its_queries_parse_and_read_series_that_exist(path: Path) -> None:
    read = [s for text in blocks(path, "promql") for s in selectors(promql_parser.parse(text))]
    assert read
    names = {selector.name for selector in read}
    known = ITS_OWN | set(RECORDED) | AWAITED
    assert {n for n in names - known if family(n) not in CATALOGUE} == set()


@pytest.mark.parametrize("path", RUNBOOKS)
def test_its_queries_match_labels_the_family_has(path: Path) -> None:
    wrong = [
        (selector.name, matcher.name)
        for text in blocks(path, "promql")
        for selector in selectors(promql_parser.parse(text))
        if (found := CATALOGUE.get(family(selector.name)))
        for matcher in selector.matchers.matchers
        if matcher.name not in found.label_names
    ]
    assert wrong == []


@pytest.mark.parametrize("path", RUNBOOKS)
def test_its_commands_are_ones_the_program_takes(path: Path) -> None:
    for words in commands(path):
        if words[0] == "agentslo":
            typed = ["1" if word == "CONTAINMENT" else word for word in words[1:]]
            parser().parse_args(typed)
        else:
            assert words[0] in OTHER_TOOLS, words


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_annotated_command_is_one_the_program_takes(name: str) -> None:
    line = BY_NAME[name].command.replace("{{ $labels.agent }}", "a").replace("[live]", "http://x")
    program, *rest = shlex.split(line)
    assert program == "agentslo"
    parser().parse_args(rest)


def test_the_annotated_containment_is_one_the_program_takes() -> None:
    rules = rule_file(groups(), Options())["groups"]
    lines = {r["annotations"].get("contain") for g in rules for r in g["rules"] if "alert" in r}
    assert len(lines) > 2
    for line in lines - {None}:
        filled = re.sub(r"{{ \$labels.(\w+) }}", r"\1", line)
        parser().parse_args(shlex.split(filled)[1:])


@pytest.mark.parametrize("path", RUNBOOKS)
def test_it_says_that_an_alert_is_inert_exactly_while_it_is(path: Path) -> None:
    said = set(re.findall(r"does not expose `(\w+)` yet", " ".join(path.read_text().split())))
    assert said <= set(BY_NAME[path.stem].needs)
    assert bool(said) == bool(BY_NAME[path.stem].needs)
