"""Bugs of ours, noted one by one so that each costs one span or one run and no more.

In: the exception being handled, the stage and what it was about. Out: counts and log lines. State:
the counts. A log line gives the kind of the exception and where it was raised, never its message:
that may quote what a person wrote (design.md 8, promise 5).
"""

import logging
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")
Made = TypeVar("Made")


class Faults:
    """Counts what failed, by stage, in `tally` as `<stage>_error`."""

    def __init__(self, tally: Counter[str]) -> None:
        self._tally = tally

    def note(self, stage: str, about: str) -> None:
        """Count the exception being handled; the 1st, 10th, 100th ... of a stage is logged."""
        count = self._tally[f"{stage}_error"] = self._tally[f"{stage}_error"] + 1
        if str(count).rstrip("0") == "1":
            logger.error("%s failed for %s (%d so far): %s", stage, about, count, place())

    def each(
        self,
        stage: str,
        items: Iterable[T],
        about: Callable[[T], str],
        make: Callable[[T], Iterable[Made]],
    ) -> Iterator[Made]:
        """What `make` gives for each item; an item it fails on is noted and passed over."""
        for item in items:
            try:
                yield from list(make(item))
            except Exception:  # noqa: BLE001 - one bad item must not stop the others
                self.note(stage, about(item))


def place() -> str:
    """The exception being handled: its kind and where it was raised, without its message."""
    kind, error, _ = sys.exc_info()
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    at = frames[-1] if frames else None
    where = f" at {Path(at.filename).name}:{at.lineno} in {at.name}" if at else ""
    return f"{kind.__name__ if kind else 'no exception'}{where}"
