"""What is known of a trace while it is open, and what comes of it.

Values that the assembler fills; no behaviour of their own beyond keeping held spans together.
"""

from dataclasses import dataclass, field
from enum import Enum

from agentslo.dialects.base import Attributes
from agentslo.dialects.request import hashed_request
from agentslo.model import Role, Step
from agentslo.runs.forest import Edge, Forest, Tree
from agentslo.runs.holds import Held, TraceHolds

STEP_BYTES = 2_000
EDGE_BYTES = 200
"""What a step and an edge take of memory, about: on recorded runs a step with its share of a trace
took 2,190 bytes, encoded spans that are held included.
"""


@dataclass(slots=True)
class StateSize:
    """How much is kept for open traces."""

    steps: int = 0
    edges: int = 0
    held: int = 0
    held_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """What it takes of memory, about."""
        return self.steps * STEP_BYTES + self.edges * EDGE_BYTES + self.held_bytes


class Arrival(Enum):
    """What became of a step."""

    NEW = "new"
    DUPLICATE = "duplicate"
    LATE = "late"
    OVER_BOUND = "over_bound"


@dataclass(slots=True)
class Closed:
    """A run's tree that is over, how it closed, its root if it is still held."""

    tree: Tree
    forest: Forest
    finalized_by: str
    held: Held | None = None

    @property
    def start(self) -> tuple[int, bytes]:
        """When its first step started, and which that is."""
        first = self.tree.members[0]
        return first.start_ns, first.span_id


@dataclass(slots=True)
class OpenTrace:
    """Everything known of a trace that is not closed yet."""

    trace_id: bytes
    last_ns: int
    due_ns: int = 0
    steps: dict[bytes, Step] = field(default_factory=dict)
    edges: dict[bytes, Edge] = field(default_factory=dict)
    holds: TraceHolds = field(init=False)
    asked: Step | None = None
    """A model call of the trace that holds what a person asked."""

    def __post_init__(self) -> None:
        self.holds = TraceHolds(self.steps, self.edges)

    def hash_request(self, step: Step, sent: Attributes) -> None:
        """Note on a step what a person asked. Of a run only the root's and the first step's words
        count: a model call beside an earlier one that has them needs none.
        """
        if self.steps.get(step.span_id) is not step:
            return
        if step.role is not Role.LLM:
            step.request = hashed_request(sent)
        elif not (self.asked and _goes_before(self.asked, step)):
            step.request = hashed_request(sent)
            self.asked = step if step.request else self.asked


def _goes_before(one: Step, other: Step) -> bool:
    """Whether both surely are of one run, and which is earlier."""
    beside = bool(one.parent_id) and one.parent_id == other.parent_id
    earlier = (one.start_ns, one.end_ns, one.span_id) < (
        other.start_ns,
        other.end_ns,
        other.span_id,
    )
    return beside and earlier and one.span_id != other.span_id
