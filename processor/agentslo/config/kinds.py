"""What one scalar option may hold: text to a typed value, or what is wrong with it.

In: the text of a scalar, after `${env:}`. Out: a value, or a `Fault`. No state. A kind also names
itself and writes its values back, so the reference page is made from the table that parses.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar, cast, get_args

from agentslo.config.addresses import MAX_PORT, endpoint_address, split_address
from agentslo.config.problems import did_you_mean, quoted

T_co = TypeVar("T_co", covariant=True)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DURATION = re.compile(r"(?P<number>\d{1,12}(?:\.\d{1,9})?)(?P<unit>ms|s|m|h|d)?", re.ASCII)
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_BYTES = re.compile(r"(?P<number>\d{1,15})(?P<unit>B|kB|KB|MB|GB|KiB|MiB|GiB)?", re.ASCII)
_BYTE_UNITS = {
    "B": 1,
    "kB": 1_000,
    "KB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_NUMBER = re.compile(r"-?(?:\d{1,15}(?:\.\d{0,25})?|\.\d{1,25})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DECIMAL = re.compile(r"\d{1,3}(?:\.\d{1,15})?|\.\d{1,15}", re.ASCII)


class Fault(Exception):
    """A text that is no value of its kind: what is wrong, how to mend it."""

    def __init__(self, what: str, fix: str) -> None:
        """Carries both halves of a problem."""
        super().__init__(what)
        self.what = what
        self.fix = fix


class Kind(Protocol[T_co]):
    """The values one option takes."""

    @property
    def words(self) -> str:
        """The kind in words, for the reference page."""

    def parse(self, text: str) -> T_co:
        """The value, or raises `Fault`."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text, kept as written."""

    pattern: str = r".{1,1000}"
    words: str = "text"

    def parse(self, text: str) -> str:
        """`text` itself where it fits the pattern."""
        if _CONTROL.search(text):
            raise Fault(f"{quoted(text)} holds a control character", "write it on one line")
        if not re.fullmatch(self.pattern, text):
            raise Fault(f"{quoted(text)} does not fit", f"write {self.words}")
        return text


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; the values are those of a `Literal`."""

    allowed: tuple[str, ...]

    @property
    def words(self) -> str:
        """The allowed words."""
        return " \\| ".join(f"`{word}`" for word in self.allowed)

    def parse(self, text: str) -> str:
        """`text` where it is allowed."""
        if text in self.allowed:
            return text
        near = did_you_mean(text, self.allowed)
        hint = f"did you mean {near}? " if near else ""
        raise Fault(f"{quoted(text)} is not allowed", f"{hint}use {one_of(self.allowed)}")


def choice_of(literal: object, without: frozenset[str] = frozenset()) -> Choice:
    """The words of a `Literal` type, so that they stand once."""
    words = cast("tuple[str, ...]", get_args(literal))
    return Choice(tuple(word for word in words if word not in without))


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`; not yes, on or 1."""

    words: str = "`true` \\| `false`"

    def parse(self, text: str) -> bool:
        """True or False."""
        if text not in ("true", "false"):
            raise Fault(f"{quoted(text)} is neither true nor false", "write true or false")
        return text == "true"


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in a range."""

    low: int
    high: int

    @property
    def words(self) -> str:
        """The range."""
        return f"whole number, {self.low} to {self.high}"

    def parse(self, text: str) -> int:
        """The number."""
        if not _INTEGER.fullmatch(text):
            raise Fault(f"{quoted(text)} is not a whole number", f"write a {self.words}")
        value = int(text)
        if not self.low <= value <= self.high:
            raise Fault(f"{value} is out of range", f"use {self.low} to {self.high}")
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a range."""

    low: float
    high: float

    @property
    def words(self) -> str:
        """The range."""
        return f"number, {self.low:.10g} to {self.high:.10g}"

    def parse(self, text: str) -> float:
        """The number."""
        if not _NUMBER.fullmatch(text):
            raise Fault(f"{quoted(text)} is not a number", f"write a {self.words}")
        value = float(text)
        if not self.low <= value <= self.high:
            raise Fault(f"{text} is out of range", f"use {self.low:.10g} to {self.high:.10g}")
        return value


@dataclass(frozen=True, slots=True)
class Objective:
    """A share strictly between 0 and 1, or the same in percent with its sign."""

    words: str = "ratio between 0 and 1, both excluded, or percent such as `95%`"

    def parse(self, text: str) -> float:
        """The ratio."""
        number, percent = text.removesuffix("%").rstrip(), text.endswith("%")
        if not _DECIMAL.fullmatch(number):
            raise Fault(f"{quoted(text)} is no share", "write a ratio such as 0.95, or 95%")
        # Decimal, because 99.9 / 100 is not 0.999 in floats.
        value = float(Decimal(number) / 100) if percent else float(number)
        if not percent and value > 1:
            raise Fault(f"{text} is out of range", f"write {text}% if percent is meant")
        if not 0 < value < 1:
            raise Fault(f"{text} is out of range", "use a share above 0 and below 1 (100%)")
        return value


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share strictly between 0 and 1; percent is refused."""

    words: str = "ratio between 0 and 1, both excluded"

    def parse(self, text: str) -> float:
        """The ratio."""
        if text.endswith("%") or (_DECIMAL.fullmatch(text) and float(text) > 1):
            raise Fault(f"{quoted(text)} looks like percent", "write a ratio, such as 0.95")
        if not _DECIMAL.fullmatch(text):
            raise Fault(f"{quoted(text)} is not a number", "write a ratio, such as 0.95")
        value = float(text)
        if not 0 < value < 1:
            raise Fault(f"{text} is out of range", "use a ratio above 0 and below 1")
        return value


@dataclass(frozen=True, slots=True)
class Duration:
    """A time in seconds, written `10`, `500ms`, `10s`, `5m`, `6h` or `28d`."""

    low_s: float
    high_s: float

    @property
    def words(self) -> str:
        """The range."""
        return f"duration, {show_duration(self.low_s)} to {show_duration(self.high_s)}"

    def parse(self, text: str) -> float:
        """Seconds."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise Fault(f"{quoted(text)} is not a duration", "write seconds, or 10s, 5m, 6h, 28d")
        value_s = float(match["number"]) * _DURATION_UNITS[match["unit"] or "s"]
        if not self.low_s <= value_s <= self.high_s:
            span = f"{show_duration(self.low_s)} to {show_duration(self.high_s)}"
            raise Fault(f"{text} is out of range", f"use {span}")
        return value_s


@dataclass(frozen=True, slots=True)
class ByteSize:
    """A size, written `4000000`, `64MiB` or `1GB`."""

    low: int
    high: int

    @property
    def words(self) -> str:
        """The range."""
        return f"size, {show_bytes(self.low)} to {show_bytes(self.high)}"

    def parse(self, text: str) -> int:
        """Bytes."""
        match = _BYTES.fullmatch(text)
        if match is None:
            raise Fault(f"{quoted(text)} is not a size", "write bytes, or 64MiB, 4MB")
        value = int(match["number"]) * _BYTE_UNITS[match["unit"] or "B"]
        if not self.low <= value <= self.high:
            fix = f"use {show_bytes(self.low)} to {show_bytes(self.high)}"
            raise Fault(f"{text} is out of range", fix)
        return value


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """`host:port` to listen on; port 0 takes a free one."""

    words: str = "`host:port`"

    def parse(self, text: str) -> str:
        """The address as written."""
        address = split_address(text)
        if address is None:
            raise Fault(f"{quoted(text)} is not host:port", "write it like 127.0.0.1:4317")
        _check_port(address.port)
        return text


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a destination listens: `host:port`, or an http or https URL."""

    words: str = "`host:port` (gRPC), `http://...` or `https://...`"

    def parse(self, text: str) -> str:
        """The endpoint as written."""
        if "@" in text or "?" in text or "#" in text:
            fix = "put credentials under headers, and only scheme, host, port and path here"
            raise Fault("the endpoint holds a credential, query or fragment", fix)
        Text().parse(text)
        address = endpoint_address(text)
        if address is None:
            fix = "write it like tempo:4317 or http://collector:4318"
            raise Fault(f"{quoted(text)} is not an endpoint with host and port", fix)
        _check_port(address.port)
        if address.port == 0:
            raise Fault("port 0 cannot be connected to", f"use 1 to {MAX_PORT}")
        return text


def one_of(words: tuple[str, ...]) -> str:
    """Allowed words for a message: `a, b or c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def show_duration(value_s: float) -> str:
    """Seconds as one writes them: `90s`, `10m`, `28d`."""
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if value_s >= seconds and math.isclose(value_s % seconds, 0):
            return f"{value_s / seconds:g}{unit}"
    return f"{value_s:g}s"


def exact_duration(value_s: float) -> str:
    """Seconds so that reading gives the same number again, to the nanosecond."""
    shown = show_duration(value_s)
    match = _DURATION.fullmatch(shown)
    if match and float(match["number"]) * _DURATION_UNITS[match["unit"] or "s"] == value_s:
        return shown
    return f"{value_s:.9f}".rstrip("0").rstrip(".") + "s"


def show_bytes(value: int) -> str:
    """Bytes as one writes them: `64MiB`, `4000000`."""
    for unit in ("GiB", "MiB", "KiB"):
        if value and value % _BYTE_UNITS[unit] == 0:
            return f"{value // _BYTE_UNITS[unit]}{unit}"
    return str(value)


def _check_port(port: int) -> None:
    if port > MAX_PORT:
        raise Fault(f"port {port} is out of range", f"use 0 to {MAX_PORT}")
