"""A YAML file to nodes with line and column.

In: a path or bytes. Out: a `Document` and every problem of YAML itself; never raises. State: the
open collections and anchors of the document being read. Read from PyYAML's events, one level below
its `compose`, because only there are tags, aliases and depth seen before they are acted upon.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

import yaml

from agentslo.config.problems import Problem, quoted
from agentslo.config.yaml_node import (
    Document,
    Entry,
    Mapping,
    Mark,
    Node,
    Scalar,
    Sequence,
    problem_at,
)
from agentslo.config.yaml_syntax import decode, split_lines, syntax_problem

MAX_FILE_BYTES = 1024 * 1024
MAX_NODES = 20_000
MAX_ALIASES = 100
MAX_DEPTH = 32


class _YamlMark(Protocol):
    """What PyYAML's two kinds of mark have in common; both count from 0."""

    line: int
    column: int


def read_file(path: Path) -> tuple[Document, bytes]:
    """The document at `path` and its bytes; a file that cannot be read is a problem like others."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            # One byte beyond the limit shows that there is more, whatever the file is.
            data = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = problem_at(Mark(file), f"cannot be read: {reason}", "correct the path")
        return Document(None, problems=(problem,)), b""
    return read_document(file, data), data


def read_document(file: str, data: bytes) -> Document:
    """Reads one YAML document; its `root` is None where it is empty or broken."""
    if len(data) > MAX_FILE_BYTES:
        what = f"the file is larger than {MAX_FILE_BYTES} bytes"
        fix = "give the configuration file, or shorten it"
        return Document(None, problems=(problem_at(Mark(file), what, fix),))
    text = decode(file, data)
    if isinstance(text, Problem):
        return Document(None, split_lines(data.decode(errors="replace")), (text,))
    lines = split_lines(text)
    builder = _Builder(file)
    try:
        builder.read(text)
    except _StopError:
        return Document(None, lines, tuple(builder.problems))
    except yaml.MarkedYAMLError as error:
        builder.problems.append(syntax_problem(file, error, lines))
        return Document(None, lines, tuple(builder.problems))
    return Document(builder.root, lines, tuple(builder.problems))


class _StopError(Exception):
    """Reading cannot go on; the problem is already noted."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen."""

    mark: Mark
    anchor: str | None
    is_mapping: bool
    children: list[Node] = field(default_factory=list)


class _Builder:
    """Turns events into nodes; a stack instead of recursion, so depth cannot break it."""

    def __init__(self, file: str) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._aliases = 0
        self._documents = 0

    def read(self, text: str) -> None:
        """Reads all events of `text`; raises `_StopError` or PyYAML's own errors."""
        loader = yaml.SafeLoader(text)
        try:
            for event in _events(loader):
                self._take(event)
        except (ValueError, OverflowError):
            # An escape such as "\UFFFFFFFF" or a directive with a huge number: PyYAML lets these
            # through as they are.
            mark = self._mark(loader.get_mark())
            self._stop(mark, "not valid YAML: a number or escape out of range", "correct it")
        finally:
            loader.dispose()

    def _take(self, event: yaml.Event) -> None:
        mark = self._mark(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(mark)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor or "", mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            self._start_node(event, mark)

    def _start_document(self, mark: Mark) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(mark, "a second document starts here", "keep one document per file")

    def _start_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, mark: Mark) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            what = f"tag {quoted(tag)} has no meaning here"
            self._note(mark, what, "remove it; the option gives the value its type")
        self._count(1, mark)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None
            self._add(Scalar(event.value, mark, plain=plain), event.anchor)
            return
        if len(self._stack) >= MAX_DEPTH:
            self._stop(mark, f"more than {MAX_DEPTH} levels deep", "flatten this part")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._stack.append(_Open(mark, event.anchor, is_mapping))

    def _alias(self, anchor: str, mark: Mark) -> None:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._stop(mark, f"more than {MAX_ALIASES} aliases", "write the values out")
        if any(frame.anchor == anchor for frame in self._stack):
            self._stop(mark, f"alias {quoted(anchor)} stands inside its own anchor", "remove it")
        node = self._anchors.get(anchor)
        if node is None:
            self._stop(mark, f"alias {quoted(anchor)} has no anchor", "define it before this line")
        self._count(node.size, mark)
        self._add(node, None)

    def _close(self) -> None:
        frame = self._stack.pop()
        size = 1 + sum(child.size for child in frame.children)
        node: Node
        if frame.is_mapping:
            node = Mapping(tuple(self._entries(frame.children)), frame.mark, size)
        else:
            node = Sequence(tuple(frame.children), frame.mark, size)
        self._add(node, frame.anchor)

    def _entries(self, children: list[Node]) -> Iterator[Entry]:
        first: dict[str, Mark] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._note(key.mark, "a key must be a plain word", "write 'key: value'")
            elif key.text == "<<" and key.plain:
                self._note(key.mark, "merge keys (<<) are not read", "write the options out")
            elif key.text in first:
                what = f"key {quoted(key.text)} stands twice, first on line {first[key.text].line}"
                self._note(key.mark, what, "remove one of them")
            else:
                first[key.text] = key.mark
                yield Entry(key.text, key.mark, value)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if self._stack:
            self._stack[-1].children.append(node)
        else:
            self.root = node

    def _count(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._stop(mark, f"more than {MAX_NODES} values, aliases expanded", "shorten the file")

    def _mark(self, mark: _YamlMark | None) -> Mark:
        return Mark(self._file, mark.line + 1, mark.column + 1) if mark else Mark(self._file)

    def _note(self, mark: Mark, what: str, fix: str) -> None:
        self.problems.append(problem_at(mark, what, fix))

    def _stop(self, mark: Mark, what: str, fix: str) -> NoReturn:
        self._note(mark, what, fix)
        raise _StopError


def _events(loader: yaml.SafeLoader) -> Iterator[yaml.Event]:
    while loader.check_event():
        yield loader.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
