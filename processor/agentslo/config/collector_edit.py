"""A Collector's file with agentslo as a tap: one exporter more, in its trace and log pipelines.

In: the file's text. Out: the changed text, comments and order kept, or `CollectorError`. No state.
Edits lines at the places the YAML reader gives, and reads the result again before it is believed.
"""

import re

from agentslo.config.yaml_node import Mapping, Node, Scalar, Sequence
from agentslo.config.yaml_reader import read_document

EXPORTER = "otlp_grpc/agentslo"
_TAPPED = re.compile(r"(?:traces|logs)(?:/.*)?")


class CollectorError(Exception):
    """The file cannot be changed; the message says why, and what to write by hand."""


def with_tap(file: str, text: str, endpoint: str) -> str:
    """`text` with the exporter defined and listed in every pipeline of traces and logs."""
    root = _root(file, text)
    exporters = _at(root, "exporters")
    pipelines = _at(root, "service", "pipelines")
    if not isinstance(exporters, Mapping) or not isinstance(pipelines, Mapping):
        raise CollectorError(f"{file} is no Collector file: no exporters, or no service.pipelines")
    lists = [_list_of(file, entry.key, entry.value) for entry in pipelines.entries]
    edits: dict[int, Sequence | None] = {names.mark.line: names for names in lists if names}
    if exporters.get(EXPORTER) is None:
        edits[_line_of(root)] = None
    lines = text.splitlines(keepends=True)
    # From the last line to the first, so that an edit moves no place that is still to come.
    for _, names in sorted(edits.items(), reverse=True):
        if names is None:
            _define(file, lines, root, exporters, endpoint)
        else:
            _append(lines, names)
    changed = "".join(lines)
    if not _is_tapped(_root(file, changed)):
        raise CollectorError(_by_hand(file, "its form is unusual"))
    return changed


def _root(file: str, text: str) -> Mapping:
    document = read_document(file, text.encode())
    if not isinstance(document.root, Mapping):
        what = document.problems[0].what if document.problems else "it is empty"
        raise CollectorError(f"{file} cannot be read: {what}")
    return document.root


def _at(node: Node | None, *keys: str) -> Node | None:
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def _list_of(file: str, pipeline: str, node: Node) -> Sequence | None:
    """The exporters of a pipeline that lacks ours; None where there is nothing to do."""
    names = _at(node, "exporters")
    if not _TAPPED.fullmatch(pipeline):
        return None
    if not isinstance(names, Sequence) or not names.items:
        raise CollectorError(_by_hand(file, f"pipeline {pipeline} has no list of exporters"))
    return None if EXPORTER in _texts(names) else names


def _texts(names: Sequence) -> list[str]:
    return [item.text for item in names.items if isinstance(item, Scalar)]


def _append(lines: list[str], names: Sequence) -> None:
    """One item more, in the form the list has."""
    item = names.items[-1]
    number, col0 = item.mark.line - 1, item.mark.col - 1
    line = lines[number]
    if lines[names.mark.line - 1][names.mark.col - 1] == "[":
        length = len(item.text) if isinstance(item, Scalar) else 0
        quote = line[col0] if line[col0] in "\"'" else ""
        end = line.index(quote, col0 + 1) + 1 if quote else col0 + length
        lines[number] = f"{line[:end]}, {EXPORTER}{line[end:]}"
    elif line[:col0].strip() == "-":
        lines[number] = line if line.endswith("\n") else f"{line}\n"
        lines.insert(number + 1, f"{line[:col0]}{EXPORTER}\n")


def _define(file: str, lines: list[str], root: Mapping, exporters: Mapping, endpoint: str) -> None:
    """The exporter's own block, first among the exporters."""
    if not exporters.entries:
        raise CollectorError(_by_hand(file, "exporters is empty"))
    first = exporters.entries[0].key_mark
    line = _line_of(root)
    if first.line == line:
        raise CollectorError(_by_hand(file, "exporters stands on one line"))
    pad = " " * (first.col - 1)
    block = (
        f"{pad}# A copy of every span; where agentslo is slow or gone, the copy is dropped.",
        f"{pad}{EXPORTER}:",
        f"{pad}  endpoint: {endpoint}",
        f"{pad}  tls:",
        f"{pad}    insecure: true",
        f"{pad}  sending_queue:",
        f"{pad}    block_on_overflow: false",
    )
    lines[line:line] = [f"{text}\n" for text in block]


def _line_of(root: Mapping) -> int:
    return next(entry.key_mark.line for entry in root.entries if entry.key == "exporters")


def _is_tapped(root: Mapping) -> bool:
    pipelines = _at(root, "service", "pipelines")
    entries = pipelines.entries if isinstance(pipelines, Mapping) else ()
    lists = [_at(entry.value, "exporters") for entry in entries if _TAPPED.fullmatch(entry.key)]
    return _at(root, "exporters", EXPORTER) is not None and all(
        isinstance(names, Sequence) and _texts(names).count(EXPORTER) == 1 for names in lists
    )


def _by_hand(file: str, why: str) -> str:
    return (
        f"{file}: {why}; add the exporter {EXPORTER} by hand, and its name to the exporters of "
        "every pipeline of traces and logs"
    )
