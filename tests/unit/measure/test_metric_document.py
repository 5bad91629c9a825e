"""`docs/metrics.md` is what the catalogue says."""

import subprocess
import sys
from pathlib import Path

from agentslo.measure.catalogue import CATALOGUE
from agentslo.measure.document import document

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_committed_page_is_fresh() -> None:
    stale = "stale: run `python -m agentslo.measure.document docs/metrics.md`"

    assert PAGE.read_text(encoding="utf-8") == document(), stale


def test_every_family_and_each_of_its_labels_is_in_its_section() -> None:
    sections = dict(part.split("`\n", 1) for part in document().split("### `")[1:])

    assert list(sections) == list(CATALOGUE)
    for name, family in CATALOGUE.items():
        assert all(f"- `{label}`" in sections[name] for label in family.label_names), name


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    target = tmp_path / "metrics.md"

    subprocess.run([sys.executable, "-m", "agentslo.measure.document", str(target)], check=True)

    assert target.read_text(encoding="utf-8") == document()
