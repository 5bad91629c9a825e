"""The same colour for the same thing on every board; red only where somebody should act.

In: nothing. Out: Grafana's mappings, thresholds and overrides. No state. Source: design.md 3 (the
outcomes), prometheus-grafana.md 8.7.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from agentslo.model import Outcome

Step = tuple[float | None, str]
Steps = tuple[Step, ...]
Words = Mapping[int, tuple[str, str]]

GREEN, AMBER, ORANGE, RED = "green", "#EAB839", "orange", "red"
BLUE, GREY, DIM = "blue", "#8e8e8e", "#6e6e6e"

PLAIN: Final[Steps] = ((None, "text"),)
ANY_IS_BAD: Final[Steps] = ((None, GREEN), (0.5, RED))
ANY_IS_ODD: Final[Steps] = ((None, GREEN), (0.5, ORANGE))
BUDGET_LEFT: Final[Steps] = ((None, RED), (0.0000001, ORANGE), (0.25, AMBER), (0.5, GREEN))
BURN: Final[Steps] = ((None, GREEN), (1.0, AMBER), (5.6, ORANGE), (13.44, RED))
COVERAGE: Final[Steps] = ((None, ORANGE), (0.5, AMBER), (0.9, GREEN))

OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Outcome.SUCCESS: GREEN,
        Outcome.SAFE_ESCALATION: "super-light-green",
        Outcome.COMPLETED: BLUE,
        Outcome.UNSAFE_ACTION: "dark-red",
        Outcome.DATA_CORRUPTION: "red",
        Outcome.HALLUCINATION: "light-red",
        Outcome.TOOL_FAILURE: "dark-orange",
        Outcome.LIMIT: "orange",
        Outcome.ERROR: "light-orange",
        Outcome.WRONG_RESULT: "dark-yellow",
        Outcome.BAD_ESCALATION: "yellow",
        Outcome.REFUSED: "light-yellow",
        Outcome.UNKNOWN: "purple",
        Outcome.BLOCKED: "light-purple",
        Outcome.CANCELLED: GREY,
        Outcome.EXCLUDED: DIM,
        Outcome.WAITING: "light-blue",
    }
)
RESULTS: Final[Mapping[str, str]] = MappingProxyType(
    {"good": GREEN, "bad": RED, "unknown": "purple"}
)

SAFE: Final[Words] = {1: ("yes", GREEN), 0: ("NO", RED), -1: ("cannot tell", "purple")}
FIRING: Final[Words] = {1: ("pages", RED), 2: ("ticket", ORANGE), 3: ("watch", BLUE)}
DRIFT: Final[Words] = {
    0: ("as before", GREEN),
    1: ("watch", AMBER),
    2: ("DRIFT", RED),
    3: ("learning", BLUE),
}
KEPT: Final[Words] = {1: ("kept", GREEN), 0: ("LOWERED", RED)}


def thresholds(steps: Steps) -> dict[str, Any]:
    """Absolute thresholds."""
    return {
        "mode": "absolute",
        "steps": [{"color": colour, "value": value} for value, colour in steps],
    }


def mappings(words: Words) -> list[dict[str, Any]]:
    """Words and colours in place of numbers."""
    options = {
        str(value): {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def painted(colours: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """Series of these names in these colours."""
    return tuple(
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in colours.items()
    )


def word_steps(words: Words) -> Steps:
    """Thresholds that give each word's number its colour."""
    ordered = sorted(words.items())
    first = ordered[0][1][1]
    return ((None, first), *((value - 0.5, colour) for value, (_, colour) in ordered[1:]))
