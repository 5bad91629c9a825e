"""One broken agent file a rule, and beside it what `agentslo check` says about it.

`NAME.yaml` is the file, or `NAME/` a folder of files that do not get on with each other; `NAME.txt`
is what is printed. A name that starts with `warning-` stops nothing.
`python tests/golden/agents/test_broken_agents.py --update` writes all NAME.txt anew.
"""

import argparse
from pathlib import Path

import pytest

from agentslo.config.checking import check
from agentslo.config.problems import render

FOLDER = Path(__file__).parent
BROKEN = sorted([*FOLDER.glob("*.yaml"), *(p for p in FOLDER.glob("[!_]*") if p.is_dir())])


def said_about(broken: Path) -> str:
    """What is printed, with names relative to this folder."""
    printed = "".join(f"{render(problem)}\n" for problem in check([broken], {}))
    return printed.replace(f"{FOLDER}/", "")


def update() -> None:
    """Writes every expectation anew, and removes those whose file is gone."""
    for stale in FOLDER.glob("*.txt"):
        stale.unlink()
    for broken in BROKEN:
        broken.with_suffix(".txt").write_text(said_about(broken))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda path: path.stem)
def test_a_broken_agent_file_is_answered_with_exactly_the_expected_words(broken: Path) -> None:
    expected = broken.with_suffix(".txt").read_text()

    assert expected == said_about(broken)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda path: path.stem)
def test_warnings_are_warnings_and_errors_are_errors(broken: Path) -> None:
    errors = [problem for problem in check([broken], {}) if problem.is_error]

    assert bool(errors) is not broken.stem.startswith("warning-")
    assert check([broken], {})


def test_every_expectation_has_its_file() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in BROKEN}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", required=True)
    parser.parse_args()
    update()
