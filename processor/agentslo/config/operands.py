"""Options whose type is told by how they are written, not by the option: operands of conditions.

In: a node. Out: a word, number or boolean, or a tuple of them. No state. Without quotes `true`,
`12` and `0.5` are what they look like; in quotes everything is text, and so is `no` or `1:30`.
"""

import math
import re
from dataclasses import dataclass

from agentslo.config.agent_options import Scalar as Value
from agentslo.config.fields import FAULTY, Faulty, items_of
from agentslo.config.kinds import Fault, Text
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.yaml_node import Node, Scalar

_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?(?:\d{1,18}(?:\.\d{0,25})?|\.\d{1,25})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NOTHING = frozenset({"", "~", "null"})
_BOOLEANS = {"true": True, "false": False}


def typed(text: str) -> Value:
    """What a text without quotes stands for; raises `Fault` where it is no value."""
    if text in _NOTHING:
        raise Fault("is empty", "give it a value; quote it if the word itself is meant")
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise Fault(f"{text} is beyond any number", "quote it if the text is meant")
        return number
    return text


def is_plain_text(text: str) -> bool:
    """Whether a text means itself without quotes."""
    try:
        return typed(text) == text
    except Fault:
        return False


@dataclass(frozen=True, slots=True)
class Operand:
    """One value of whatever type it is written in."""

    name: str
    doc: str
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """The value."""
        return _operand(node, path, reading)


@dataclass(frozen=True, slots=True)
class OperandList:
    """A list of such values, each once; a single one is a list of one."""

    name: str
    doc: str
    required: bool = False

    @property
    def attribute(self) -> str:
        """The field it fills."""
        return self.name

    def read(self, node: Node, path: OptionPath, reading: Reading) -> object:
        """A tuple of the values that are sound; at least one."""
        items = (node,) if isinstance(node, Scalar) else items_of(node, path, reading)
        found: list[Value] = []
        for index, item in enumerate(items):
            where = (*path, index)
            reading.place(where, item.mark)
            value = _operand(item, where, reading)
            # 1, 1.0 and true are equal to Python, not to whoever wrote them.
            if any(value == other and type(value) is type(other) for other in found):
                reading.note(where, "is listed twice", "remove one of them")
            elif not isinstance(value, Faulty):
                found.append(value)
        if not found and reading.is_sound(*path):
            reading.note(path, "is empty", "list at least one value")
        return tuple(found) or FAULTY


def _operand(node: Node, path: OptionPath, reading: Reading) -> Value | Faulty:
    if not isinstance(node, Scalar):
        reading.note(path, "is not one value", "give one word, number, true or false")
        return FAULTY
    try:
        text = reading.text(node)
        return typed(text) if node.plain else Text(r".{0,1000}").parse(text)
    except Fault as fault:
        reading.note(path, fault.what, fault.fix)
        return FAULTY
