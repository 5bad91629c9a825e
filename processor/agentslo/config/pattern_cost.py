"""How many ways a regular expression has to match one text: what backtracking multiplies.

In: an expression that compiles. Out: a number, at most `BEYOND`. No state. A repeat has one way to
end where what follows it begins otherwise than what it repeats (`[a-z]+-`); else it may end
anywhere, and so may the next: the ways multiply. Inside another repeat they multiply with every
turn of it. The estimate never is too low; it takes upper and lower case for one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The module `re` compiles with; there is no public way to an expression's structure.
from re import _parser as structure  # type: ignore[attr-defined]
from typing import Any

MAX_TEXT = 200
"""Characters of the longest text an expression is searched for in."""
MAX_WAYS = 1_000
"""One repeat that may end anywhere in such a text. Measured: the slowest expression found takes
60 ms for the worst text, most under 1 ms; with two such repeats, 1.4 s (decision 0013).
"""
BEYOND = MAX_WAYS + 1

_OTHER = 256
_ALL = frozenset(range(_OTHER + 1))
"""Characters that an item may begin with; those above Latin-1 are one."""
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_Item = tuple[Any, Any]


def ways(pattern: str) -> int:
    """The ways to match one text of `MAX_TEXT` characters from one place, at most `BEYOND`."""
    return _ways(structure.parse(pattern), frozenset())


@dataclass(frozen=True, slots=True)
class _Start:
    """What a part of an expression may begin with, and whether it may be nothing at all."""

    first: frozenset[int] = frozenset()
    empty: bool = True

    def before(self, follow: frozenset[int]) -> frozenset[int]:
        """What it may begin with where `follow` comes after it."""
        return self.first | follow if self.empty else self.first


def _ways(items: Iterable[_Item], follow: frozenset[int]) -> int:
    """The ways to match items one after another, before what `follow`s."""
    found = 1
    for item in reversed(list(items)):
        found = min(found * _item_ways(item, follow), BEYOND)
        follow = _item_start(item).before(follow)
    return found


def _item_ways(item: _Item, follow: frozenset[int]) -> int:
    match str(item[0]), item[1]:
        case (("MAX_REPEAT" | "MIN_REPEAT"), (least, most, body)):
            start, most = _start(body), min(int(most), MAX_TEXT)
            is_open = start.empty or start.first & follow
            ends = max(1, most - least + 1) if is_open else 1
            return ends * _turns(body, most, follow)
        case "POSSESSIVE_REPEAT", (_, most, body):
            return _turns(body, min(int(most), MAX_TEXT), follow)
        case "BRANCH", (_, bodies):
            starts = [_start(body).before(follow) for body in bodies]
            apart = sum(map(len, starts)) == len(frozenset[int]().union(*starts))
            found = [_ways(body, follow) for body in bodies]
            return max(found) if apart else sum(found)
        case _:
            return _ways(_body(item) or (), follow)


def _turns(body: Iterable[_Item], most: int, follow: frozenset[int]) -> int:
    """The ways to match what is repeated up to `most` times, ended where it is ended."""
    again = _start(body).first if most > 1 else frozenset[int]()
    # Where one turn has two ways, 16 turns have far more than MAX_WAYS.
    return int(_ways(body, follow | again) ** min(most, 16))


def _start(items: Iterable[_Item]) -> _Start:
    found = _Start()
    for item in items:
        start = _item_start(item)
        found = _Start(found.first | start.first, empty=start.empty)
        if not start.empty:
            break
    return found


def _item_start(item: _Item) -> _Start:
    match str(item[0]), item[1]:
        case (("MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT"), (least, _, body)):
            start = _start(body)
            return _Start(start.first, empty=start.empty or least == 0)
        case "BRANCH", (_, bodies):
            starts = [_start(body) for body in bodies]
            first = frozenset[int]().union(*(start.first for start in starts))
            return _Start(first, empty=any(start.empty for start in starts))
        case (("AT" | "ASSERT" | "ASSERT_NOT"), _):
            return _Start()
        case (("LITERAL" | "NOT_LITERAL" | "ANY" | "IN"), _):
            return _Start(_characters(item), empty=False)
        case _ if (body := _body(item)) is not None:
            return _start(body)
        case _:  # what refers back to a group: nothing is known of its text
            return _Start(_ALL)


def _body(item: _Item) -> Iterable[_Item] | None:
    """What a group or a look-around holds."""
    match str(item[0]), item[1]:
        case "SUBPATTERN", (_, _, _, body):
            return tuple(body)
        case (("ASSERT" | "ASSERT_NOT"), (_, body)):
            return tuple(body)
        case "ATOMIC_GROUP", body:
            return tuple(body)
        case _:
            return None


def _characters(item: _Item) -> frozenset[int]:
    """What one character an item may be, in lower and upper case."""
    match str(item[0]), item[1]:
        case "LITERAL", code:
            return _cased((min(int(code), _OTHER),))
        case "RANGE", (low, high):
            return _cased(range(min(int(low), _OTHER), min(int(high), _OTHER) + 1))
        case "CATEGORY", name:
            shown = re.compile(_CATEGORIES.get(str(name), "."))
            return frozenset(c for c in range(_OTHER) if shown.match(chr(c))) | {_OTHER}
        case "IN", items if str(items[0][0]) != "NEGATE":
            return frozenset[int]().union(*map(_characters, items))
        case _:
            return _ALL


def _cased(codes: Iterable[int]) -> frozenset[int]:
    return frozenset(
        min(ord(other[:1]), _OTHER)
        for code in codes
        for other in (chr(code), chr(code).lower(), chr(code).upper())
    )
