"""docs/frameworks.md says what the tests show, and no more."""

import re

import pytest

from agentslo.dialects.registry import BUILT_IN
from support import frameworks
from support.tools import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "frameworks.md"


def test_the_page_is_fresh() -> None:
    made = frameworks.page(frameworks.table())

    assert PAGE.read_text() == made, "run in tests/: python -m support.frameworks page"


def test_the_table_says_what_is_told_on_the_shared_recordings(shared_dir) -> None:
    committed = {row["capture"]: row for row in frameworks.table()}
    measured = list(frameworks.measure(shared_dir / "captures"))

    assert len(measured) >= 18
    changed = [row for row in measured if row != committed.get(row["capture"])]
    assert changed == [], "if this is better: python -m support.frameworks measure FOLDER"


def test_every_dialect_is_on_the_page() -> None:
    words = re.sub(r"[^a-z]+", "", PAGE.read_text().lower())
    other_words = {"openllmetry": "traceloop", "genai": "otelgenai", "vercel-legacy": "vercel"}
    general = {"declared", "genai-old"}

    for name in {d.name for d in BUILT_IN} - general:
        assert re.sub(r"[^a-z]+", "", other_words.get(name, name)) in words, name


@pytest.mark.parametrize("entry", frameworks.DOCUMENTED, ids=lambda e: e[0])
def test_what_was_never_recorded_is_marked_so(entry) -> None:
    unverified = PAGE.read_text().partition("## From documentation, not verified")[2]

    assert entry[0] in unverified
