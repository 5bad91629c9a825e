"""Expressions of agent files: those that pass are fast on every text, the others are refused."""

import random
import re
import time

import pytest

from agentslo.config.agent_sections.words import Pattern
from agentslo.config.kinds import Fault
from agentslo.config.pattern_cost import MAX_TEXT
from agentslo.config.wants import Wants
from agentslo.dialects import facts

SOUND = (
    r"KB-\d+",
    r"^P[1-4]$",
    r"^(legal|tax)",
    r".*timeout.*",
    r"^\w+@\w+\.com$",
    r"[A-Z]+-\d+",
    r"(?:[a-z]+-)*[a-z]+$",
    r"(foo|bar)+baz",
    r"^(?!.*secret).*$",
    r"[^/]+/[^/]+$",
    r"(error|err|e)x",
    r"(a++)+b",
)
ENDLESS = (
    r"(a+)+b",
    r"([a-z]+)*$",
    r"(a|aa)+$",
    r"(a|a)+b",
    r"(\w+\s?)*$",
    r"(x+x+)+y",
    r"(a?){30}a{30}",
    "a?" * 30 + "a" * 30,
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(?=(a+)+b)",
    r"(?:(?P<x>a)|a)+b",
    r"\d+\d+\d+$",
)


def hostile() -> list[str]:
    """Texts that make expressions like these backtrack most."""
    pieces = ("a", "ab", "x", "1", "a-", "A", "foo", "foobar", "timeout", "w@w", "e", "a b ", "/a")
    texts = [(piece * MAX_TEXT)[: MAX_TEXT - 1] + "!" for piece in pieces]
    picked = random.Random(1)
    return texts + ["".join(picked.choices("ab1-", k=MAX_TEXT)) for _ in range(20)]


@pytest.mark.parametrize("pattern", SOUND)
def test_what_teams_write_passes_and_is_fast_on_hostile_text(pattern: str) -> None:
    assert Pattern().parse(pattern) == pattern
    compiled, started = re.compile(pattern), time.perf_counter()
    for text in hostile():
        compiled.search(text)
    # 33 texts; the slowest takes about 1 ms each. The bound is loose for a busy machine.
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize("pattern", ENDLESS)
def test_what_would_backtrack_without_bound_is_refused(pattern: str) -> None:
    with pytest.raises(Fault, match="takes too long"):
        Pattern().parse(pattern)


def test_an_expression_nested_as_deep_as_it_may_be_is_refused_in_time() -> None:
    started = time.perf_counter()
    with pytest.raises(Fault):
        Pattern().parse("(" * 160 + "a" + ")*" * 160)
    assert time.perf_counter() - started < 10


def ids(pattern: str, text: str) -> frozenset[str]:
    return facts._ids(Wants(citation_patterns=(pattern,)), text)


def test_document_ids_are_found_wherever_a_window_ends() -> None:
    for gap in range(180, 420):
        text = "." * gap + "KB-1234 " + "x" * gap + "-KB-77."
        assert ids(r"[A-Z]+-\d+", text) == {"KB-1234", "KB-77"}


def test_looking_for_document_ids_takes_time_that_grows_with_the_text() -> None:
    started = time.perf_counter()
    assert ids(r"[A-Z]+-\d+", "A" * 300_000) == frozenset()
    assert time.perf_counter() - started < 5
