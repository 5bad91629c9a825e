"""What a team changes of the playbook for its agent: the words of incidents, and one change a kind.

Values, no behaviour. In: nothing. Out: the closed sets, `PlayChange`. Source: requirements.md I1,
I2, I5, I9.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Category = Literal[
    "hallucination_low_impact",
    "hallucination_customer_impact",
    "unsafe_action",
    "tool_failure",
    "data_corruption",
    "widespread_drift",
    "undetermined",
]
Severity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]
Action = Literal[
    "disable_tool", "fallback", "safer_prompt", "reduce_autonomy", "to_humans", "kill_switch"
]
CATEGORIES: tuple[Category, ...] = get_args(Category)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayChange:
    """How one kind of incident is met for this agent; what is empty stays as in the playbook."""

    name: Category
    severity: Severity | None = None
    pages: str = ""
    """Who is called: an owner's role, or a team's name."""
    example: str = ""
    contain: tuple[Action, ...] = ()
    """What on-call may do at once, best first."""
    steps: tuple[str, ...] = ()
    """The decision tree: questions in order, each with what follows from yes."""
    roll_back_when: str = ""
