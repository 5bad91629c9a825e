"""One broken service file a rule, and beside it what `agentslo check` says about it.

`NAME.yaml` is the file; comments at its top set the scene: `# env: NAME=value` an environment
variable (with escapes), `# file: NAME` an empty file beside it. `NAME.txt` is what is printed.
`python tests/golden/config/test_broken_files.py --update` writes all NAME.txt anew.
"""

import argparse
import re
import tempfile
from pathlib import Path

import pytest

from agentslo.config.checking import check
from agentslo.config.problems import render

FOLDER = Path(__file__).parent
BROKEN = sorted(FOLDER.glob("*.yaml"))

_ENV = re.compile(r"^# env: (\w+)=(.*)$", re.MULTILINE)
_FILE = re.compile(r"^# file: (\S+)$", re.MULTILINE)


def said_about(broken: Path, folder: Path) -> str:
    """What is printed about a copy of the file in an empty folder."""
    content = broken.read_bytes()
    scene = content.decode("latin-1")
    environ = {name: _unescaped(value) for name, value in _ENV.findall(scene)}
    for name in _FILE.findall(scene):
        (folder / name).touch()
    copy = folder / broken.name
    copy.write_bytes(content)
    printed = "".join(f"{render(problem)}\n" for problem in check([copy], environ))
    return printed.replace(f"{folder}/", "")


def _unescaped(value: str) -> str:
    return value.encode().decode("unicode_escape")


def update() -> None:
    """Writes every expectation anew, and removes those whose file is gone."""
    for stale in FOLDER.glob("*.txt"):
        stale.unlink()
    for broken in BROKEN:
        with tempfile.TemporaryDirectory() as folder:
            broken.with_suffix(".txt").write_text(said_about(broken, Path(folder)))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_answered_with_exactly_the_expected_words(
    broken: Path, tmp_path: Path
) -> None:
    expected = broken.with_suffix(".txt").read_text()

    assert expected == said_about(broken, tmp_path)
    assert expected != ""


def test_every_expectation_has_its_file() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in BROKEN}


def test_no_expectation_shows_a_credential() -> None:
    for path in FOLDER.glob("*.txt"):
        assert not re.search("sesame|hush", path.read_text()), path.name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", required=True)
    parser.parse_args()
    update()
