"""Loops: the same thing done again with the same result.

In: the tool calls of a run in order. Out: `Repeats`. Pure. Rule of methods.md 2.5, measured there:
a cycle of (tool, arguments, result) at least four times over, ignoring results that are declared
pending, or the same tool failing at least five times in a row; 0.0 % false positives on 3,000
legitimate synthetic runs, full recall of repeat, AB and ABC loops. The result is part of the key:
polling changes it. Without captured content only the failing rule is left, and `loop` is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentslo.model import Step

MIN_CYCLES = 4
MAX_PERIOD = 4
MIN_FAILURES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Whether the run looped (None: content was not captured, so it cannot be told), and where."""

    loop: bool | None
    span_ids: tuple[bytes, ...] = ()


_NONE, _UNKNOWN = Repeats(loop=False), Repeats(loop=None)


def _key(step: Step) -> tuple[str, int | None, int | None]:
    return step.tool or step.name, step.args_hash, step.result_hash


def _failing(tools: Sequence[Step]) -> tuple[bytes, ...]:
    streak: list[Step] = []
    for step in tools:
        same = streak and (streak[-1].tool or streak[-1].name) == (step.tool or step.name)
        streak = [*(streak if same else []), step] if step.failed else []
        if len(streak) >= MIN_FAILURES:
            return tuple(s.span_id for s in streak)
    return ()


def _cycle(tools: Sequence[Step]) -> tuple[bytes, ...]:
    keys = [_key(s) for s in tools]
    if len(keys) - len(set(keys)) < MIN_CYCLES - 1:
        # Nothing occurs so often.
        return ()
    for period in range(1, min(MAX_PERIOD, len(keys) // MIN_CYCLES) + 1):
        run = period
        for i in range(period, len(keys)):
            run = run + 1 if keys[i] == keys[i - period] else period
            if run >= period * MIN_CYCLES:
                return tuple(s.span_id for s in tools[i - run + 1 : i + 1])
    return ()


def repeats(tools: Sequence[Step], pending: frozenset[bytes] = frozenset()) -> Repeats:
    """The loop finding of a run's tool calls, in order of start. `pending`: span ids of calls whose
    result said that the work goes on: asking again is no loop.
    """
    failing = _failing(tools) if len(tools) >= MIN_FAILURES else ()
    if failing:
        return Repeats(loop=True, span_ids=failing)
    asked = [s for s in tools if s.span_id not in pending] if pending else tools
    captured = [s for s in asked if s.args_hash is not None or s.result_hash is not None]
    found = _cycle(captured) if len(captured) >= MIN_CYCLES else ()
    if found:
        return Repeats(loop=True, span_ids=found)
    return _NONE if len(captured) == len(asked) else _UNKNOWN
