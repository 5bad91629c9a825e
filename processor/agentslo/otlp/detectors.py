"""Finds what looks like personal data or a credential in a text.

In: a text and the names of detectors. Out: where each of them found something. Pure. Every
expression is bounded in what it repeats, so the time grows with the text; numbers that look like a
card or an account count only where their check digits are right.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from agentslo.config.transport import Detector


def _always(_text: str) -> bool:
    return True


def luhn(text: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1)."""
    digits = [int(c) for c in text if c.isdecimal()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def mod97(text: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 13616)."""
    plain = text.replace(" ", "")
    number = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return int(number) % 97 == 1


@dataclass(frozen=True, slots=True)
class _Shape:
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = _always

    def replaced(self, text: str, by: Callable[[str], str]) -> str:
        return self.pattern.sub(lambda m: by(m[0]) if self.holds(m[0]) else m[0], text)


_SHAPES: Mapping[Detector, _Shape] = {
    "email": _Shape(
        re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
    ),
    "card": _Shape(re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])"), luhn),
    "iban": _Shape(
        re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])"), mod97
    ),
    "credential": _Shape(
        re.compile(
            r"(?<![A-Za-z0-9])(?:(?:[Bb]earer|[Bb]asic) [A-Za-z0-9._~+/=-]{8,4000}"
            r"|sk-[A-Za-z0-9_-]{16,200}|AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,255}"
            r"|xox[abprs]-[A-Za-z0-9-]{10,200}"
            r"|eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000})"
        )
    ),
}


def replaced(text: str, detectors: Iterable[Detector], by: Callable[[str], str]) -> str:
    """The text with everything the detectors find replaced."""
    for name in detectors:
        text = _SHAPES[name].replaced(text, by)
    return text
