"""Text that is not YAML, in the words of someone who has to mend it.

In: bytes, or PyYAML's error. Out: text with its lines, or a `Problem`. No state.
"""

import codecs
import re

import yaml

from agentslo.config.problems import Problem
from agentslo.config.yaml_node import Mark, problem_at

# The breaks PyYAML counts lines by, so that a mark's line is the same line here.
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(file: str, data: bytes) -> str | Problem:
    """The text of a file, or the first place that cannot be text."""
    body = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        mark = _mark_at(file, body[: error.start].decode())
        return problem_at(mark, f"byte 0x{body[error.start]:02x} is not UTF-8", "save it as UTF-8")
    if bad := _NOT_YAML.search(text):
        mark = _mark_at(file, text[: bad.start()])
        return problem_at(mark, f"control character U+{ord(bad.group()):04X}", "remove it")
    return text


def split_lines(text: str) -> tuple[str, ...]:
    """The lines of a text, broken where PyYAML breaks them."""
    return tuple(_LINE_BREAK.split(text))


_SYNTAX: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed here",
        "a second ': ' where one value is expected",
        "quote the value, or correct the indentation of this line",
    ),
    (
        "expected <block end>",
        "this line does not line up with the lines above it",
        "indent it like its neighbours",
    ),
    ("could not find expected ':'", "a key without a value", "write 'key: value'"),
    ("found unexpected end of stream", "a quote is opened and never closed", "close the quote"),
    ("expected ',' or", "a bracket is not closed or a comma is missing", "close it or add it"),
    (
        "cannot start any token",
        "a value starts with a character YAML reserves",
        "put the value in quotes",
    ),
)


# What is left open is mended where it starts, not where PyYAML gives up.
_SHOWN_AT_THE_START = ("found unexpected end of stream", "expected ',' or", "could not find")


def syntax_problem(file: str, error: yaml.MarkedYAMLError, lines: tuple[str, ...]) -> Problem:
    """PyYAML's complaint in the words of someone who has to mend it."""
    complaint = error.problem or error.context or "cannot be read"
    place = error.problem_mark or error.context_mark
    if error.context_mark and any(sign in complaint for sign in _SHOWN_AT_THE_START):
        place = error.context_mark
    mark = Mark(file, place.line + 1, place.column + 1) if place else Mark(file)
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        tab = Mark(file, mark.line, indent.index("\t") + 1)
        return problem_at(tab, "a tab in the indentation", "indent with spaces")
    for sign, what, fix in _SYNTAX:
        if sign in complaint:
            return problem_at(mark, f"not valid YAML: {what}", fix)
    return problem_at(mark, f"not valid YAML: {complaint}", "correct this line")


def _mark_at(file: str, before: str) -> Mark:
    lines = split_lines(before)
    return Mark(file, len(lines), len(lines[-1]) + 1)
