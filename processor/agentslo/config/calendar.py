"""When releases may go out: weekly change windows and closed days, as text and as times.

In: `mon-thu 09:00-16:00`, `2026-12-20..2027-01-03`, a time zone's name, a moment. Out: whether
that moment is open, in words. No state. Windows are local time, so clock changes move with people.
"""

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from agentslo.config.kinds import Fault
from agentslo.config.problems import quoted

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? "
    r"(?P<from>[0-2]\d:[0-5]\d)-(?P<to>[0-2]\d:[0-5]\d)"
)
_CLOSED = re.compile(r"(?P<first>\d{4}-\d\d-\d\d)(?:\.\.(?P<last>\d{4}-\d\d-\d\d))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Weekly: on these weekdays (0 is Monday), from and until a minute of the day."""

    weekdays: frozenset[int]
    from_min: int
    to_min: int


def window(text: str) -> Window:
    """A change window; raises `Fault`."""
    found = _WINDOW.fullmatch(text)
    fix = "write it like 'mon-thu 09:00-16:00' or 'sat 10:00-12:00'"
    if not found or not {found["first"], found["last"] or "mon"} <= set(DAYS):
        raise Fault(f"{quoted(text)} is no change window", fix)
    first = DAYS.index(found["first"])
    last = DAYS.index(found["last"] or found["first"])
    start, end = _minute(found["from"]), _minute(found["to"])
    if not start < end <= 24 * 60:
        raise Fault(
            f"{quoted(text)} ends before it begins", "split it at midnight; 24:00 is an end"
        )
    span = (last - first) % 7
    days = frozenset((first + day) % 7 for day in range(span + 1))
    return Window(weekdays=days, from_min=start, to_min=end)


def closed(text: str) -> tuple[date, date]:
    """First and last day of a closed time, both included; raises `Fault`."""
    found = _CLOSED.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        first = date.fromisoformat(found["first"])
        last = date.fromisoformat(found["last"] or found["first"])
    except ValueError as error:
        fix = "write it like 2026-12-24 or 2026-12-20..2027-01-03"
        raise Fault(f"{quoted(text)} names no days", fix) from error
    if last < first:
        raise Fault(f"{quoted(text)} ends before it begins", "give the earlier day first")
    return first, last


def zone(name: str) -> zoneinfo.ZoneInfo:
    """A time zone; raises `Fault`."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        what = f"{quoted(name)} is no time zone of this machine"
        raise Fault(what, "write a name such as Europe/Berlin or UTC") from error


def why_not(now_ns: int, timezone: str, windows: Sequence[str], days: Sequence[str]) -> str:
    """Why no release may go out at a moment; empty where one may."""
    local = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).astimezone(zone(timezone))
    for text in days:
        first, last = closed(text)
        if first <= local.date() <= last:
            return f"{local:%Y-%m-%d} is closed to releases ({text})"
    minute = local.hour * 60 + local.minute
    for text in windows:
        at = window(text)
        if local.weekday() in at.weekdays and at.from_min <= minute < at.to_min:
            return ""
    if not windows:
        return ""
    return f"{local:%a %H:%M} {timezone} is in no change window ({'; '.join(windows)})"


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


@dataclass(frozen=True, slots=True)
class WindowText:
    """A weekly change window."""

    words: str = "weekdays and times such as `mon-thu 09:00-16:00`"

    def parse(self, text: str) -> str:
        """`text` itself where it is one."""
        window(text)
        return text


@dataclass(frozen=True, slots=True)
class ClosedText:
    """A day or a range of days."""

    words: str = "a day such as `2026-12-24`, or days such as `2026-12-20..2027-01-03`"

    def parse(self, text: str) -> str:
        """`text` itself where it is one."""
        closed(text)
        return text


@dataclass(frozen=True, slots=True)
class ZoneText:
    """The name of a time zone."""

    words: str = "a time zone such as `Europe/Berlin`"

    def parse(self, text: str) -> str:
        """`text` itself where it is one."""
        zone(text)
        return text
