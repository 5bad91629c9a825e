"""Waiting for something to become true, with a deadline. A predicate in, its value out."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.05


class DeadlineError(AssertionError):
    """What was waited for did not come in time."""


def until(predicate: Callable[[], T | None], *, timeout_s: float = 60.0, what: str = "it") -> T:
    """The first true value of `predicate`; fails when `timeout_s` have passed without one.

    The default is generous: a slow, shared machine is no reason to fail.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline_s:
            message = f"waited {timeout_s:g} s for {what}; last value: {value!r}"
            raise DeadlineError(message)
        time.sleep(POLL_S)
