"""The commands and files of a page, so that a test can do what the page tells.

In: a page's text, a heading. Out: its blocks, in order. A block behind the comment
`<!-- not run here: WHY -->` is left out.
"""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_LINES = re.MULTILINE | re.DOTALL
_BLOCK = re.compile(r"(<!-- not run here: [^>]+-->\n)?```(bash|yaml)\n(.*?)^```", _LINES)


def blocks(page: str, title: str) -> list[tuple[str, str]]:
    """(language, text) of the blocks under a heading that are to be run."""
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    if not section:
        raise ValueError(f"no heading {title!r}")
    return [(kind, text) for skipped, kind, text in _BLOCK.findall(section) if not skipped]


def lines_typed(text: str) -> list[str]:
    """The command lines of a block, what they read from it (`<<`) left out."""
    plain = re.sub(r"<<'YAML'\n.*?^YAML$", "", text, flags=_LINES)
    return [line for line in plain.splitlines() if shlex.split(line, comments=True)]


def merge(file: Path, more: Mapping[str, Any]) -> None:
    """Puts lists and mappings of a file of a page behind or into those of a file."""
    tree = yaml.safe_load(file.read_text())
    for key, value in more.items():
        if isinstance(value, list):
            tree[key] = [*tree.get(key, []), *value]
        else:
            tree[key] = {**tree.get(key, {}), **value}
    file.write_text(yaml.safe_dump(tree))


def merge_block(folder: Path, block: str) -> None:
    """The same for a YAML block whose first line names the file (`# NAME`)."""
    name, _, text = block.removeprefix("# ").partition("\n")
    merge(folder / name, yaml.safe_load(text))
