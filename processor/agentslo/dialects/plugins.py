"""Dialects that other packages bring, found by the entry point group `agentslo.dialects`.

In: entry points. Out: the dialects that could be loaded, each guarded, and what was wrong with the
others, as sentences to log. State: what is installed, and per plug-in its failures while reading.
A broken plug-in never stops the start; one that fails on a span only loses its say on that span.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Role, Step

GROUP = "agentslo.dialects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """What was found. `failures` counts, per dialect, spans on which its code raised."""

    dialects: tuple[Dialect, ...] = ()
    problems: tuple[str, ...] = ()
    failures: Counter[str] = field(default_factory=Counter)


@cache
def installed() -> Plugins:
    """All dialects of the installed packages; looked up once a process."""
    return load(entry_points(group=GROUP))


def load(points: Iterable[EntryPoint]) -> Plugins:
    """The dialects behind `points`, by entry point name."""
    dialects: list[Dialect] = []
    problems: list[str] = []
    for point in sorted(points, key=lambda p: (p.name, p.value)):
        given = _given(point)
        if isinstance(given, str):
            problems.append(f"dialect plug-in {_named(point)} is left out: {given}")
        else:
            dialects.extend(given)
    failures: Counter[str] = Counter()
    guarded = tuple(_guarded(dialect, failures) for dialect in dialects)
    return Plugins(dialects=guarded, problems=tuple(problems), failures=failures)


def _named(point: EntryPoint) -> str:
    package = f" of {point.dist.name} {point.dist.version}" if point.dist is not None else ""
    return f"{point.name!r} ({point.value}{package})"


def _given(point: EntryPoint) -> tuple[Dialect, ...] | str:
    """The dialects behind an entry point, or why there are none."""
    try:
        value = point.load()
    except Exception as error:  # noqa: BLE001 - whatever its import raises, we start without it
        return f"loading it raised {type(error).__name__}: {error}"
    values = value if isinstance(value, tuple | list) else (value,)
    for one in values:
        if not isinstance(one, Dialect):
            return (
                f"it is a {type(one).__name__}, not a Dialect; let the entry point name an object "
                "made by agentslo.dialects.base.Dialect(...), or a tuple of them"
            )
        functions: tuple[object, object] = (one.role, one.refine or one.role)
        if not all(callable(function) for function in functions):
            return f"role and refine of {one.name!r} must be functions"
    return tuple(values)


def _guarded(dialect: Dialect, failures: Counter[str]) -> Dialect:
    """The dialect with its code fenced in: a failure is counted, the span is read without it."""
    own_role, own_refine = dialect.role, dialect.refine

    def role(view: SpanView) -> Role | None:
        try:
            return own_role(view)
        except Exception:  # noqa: BLE001 - somebody else's code
            failures[dialect.name] += 1
            return None

    def refine(view: SpanView, step: Step) -> None:
        try:
            if own_refine is not None:
                own_refine(view, step)
        except Exception:  # noqa: BLE001 - somebody else's code
            failures[dialect.name] += 1

    return replace(dialect, role=role, refine=None if own_refine is None else refine)
