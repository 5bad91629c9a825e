"""What is known of a trace while it is open, and what comes of it.

Values that the assembler fills; no behaviour of their own beyond keeping held spans together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from agentslo.dialects.base import Attributes
from agentslo.dialects.request import hashed_request
from agentslo.model import Role, Step
from agentslo.runs.asleep import Asleep
from agentslo.runs.edges import EDGE_SIZE, pack_edge, unpack_edges
from agentslo.runs.forest import Edge, Forest, Tree
from agentslo.runs.holds import Held, TraceHolds

AWAKE_TRACES = 2_000
"""More open traces than that are packed."""
STEP_BYTES = 2_000
"""What a step that is awake takes of memory at most, about, with its share of a trace."""


@dataclass(slots=True)
class StateSize:
    """How much is kept for open traces."""

    steps: int = 0
    edges: int = 0
    held: int = 0
    held_bytes: int = 0

    def total_bytes(self, asleep: Asleep) -> int:
        """What it takes of memory, about."""
        packed = asleep.bytes + self.edges * EDGE_SIZE
        return (self.steps - asleep.steps) * STEP_BYTES + packed + self.held_bytes


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


class OpenTrace:
    """Everything known of a trace that is not closed yet; asleep, it takes as little as it can."""

    __slots__ = (
        *("trace_id", "last_ns", "due_ns", "_steps", "_packed", "_asleep"),
        *("_edges", "_packed_edges", "_holds", "_asked", "instanced"),
    )

    def __init__(self, trace_id: bytes, last_ns: int, asleep: Asleep) -> None:
        self.trace_id, self.last_ns, self.due_ns = trace_id, last_ns, 0
        self._asleep, self._packed, self._asked = asleep, b"", b""
        self._steps: dict[bytes, Step] = {}
        self._edges: dict[bytes, Edge] | None = None
        self._packed_edges = bytearray()
        self._holds: TraceHolds | None = None
        # Without a span that names its process no run of it may close after `quiet_single_s`.
        self.instanced = False
        asleep.awake.append(trace_id)

    @property
    def steps(self) -> dict[bytes, Step]:
        """Its agent steps by span id."""
        if self._packed:
            found = self._asleep.unpack(self._packed, self.trace_id)
            self._steps = {step.span_id: step for step in found}
            self._packed = b""
            self._asleep.awake.append(self.trace_id)
        return self._steps

    @property
    def edges(self) -> Mapping[bytes, Edge]:
        """The parents of its other spans."""
        if self._edges is None:
            self._edges = unpack_edges(self._packed_edges)
        return self._edges

    @property
    def edges_above(self) -> Mapping[bytes, Edge]:
        """The same, where one of them may be above a step; else none."""
        steps = self.steps
        above = (step.parent_id for step in steps.values())
        return self.edges if any(i and i not in steps for i in above) else {}

    @property
    def edge_count(self) -> int:
        """How many edges were noted."""
        return len(self._packed_edges) // EDGE_SIZE

    @property
    def holds(self) -> TraceHolds:
        """Its spans that are held."""
        if self._holds is None:
            self._holds = TraceHolds(self)
        return self._holds

    @property
    def awaits(self) -> bool:
        """Whether a span that comes may decide a held one."""
        return self._holds is not None and bool(self._holds.below)

    def note(self, span_id: bytes, edge: Edge) -> None:
        """Note the parent of a span that is no agent span."""
        self._packed_edges += pack_edge(span_id, edge)
        if self._edges is not None:
            self._edges[span_id] = edge

    def sleep(self) -> None:
        """Pack what it holds, until somebody asks for it."""
        packed = self._asleep.pack(self._steps.values()) if self._steps else None
        if packed is not None:
            self._packed, self._steps = packed, {}
        self._edges = None
        if self._holds is not None and not self._holds.spans:
            self._holds = None

    def drop(self) -> None:
        """Let go of what refers back to it."""
        self._holds = None

    def hash_request(self, step: Step, sent: Attributes) -> None:
        """Note on a step what a person asked. Of a run only the root's and the first step's words
        count: a model call beside an earlier one that has them needs none.
        """
        if self.steps.get(step.span_id) is not step:
            return
        if step.role is not Role.LLM:
            step.request = hashed_request(sent)
            return
        asked, place = self._asked, _place(step)
        beside = bool(step.parent_id) and asked[:8] == place[:8]
        if not (beside and asked < place and step.span_id != asked[-8:]):
            step.request = hashed_request(sent)
            if step.request:
                later = self.steps.get(asked[-8:]) if beside else None
                if later is not None and later is not step:
                    later.request, later.record = b"", b""
                self._asked = place


def _place(step: Step) -> bytes:
    """The step's parent and when it came below it, in order."""
    times = step.start_ns.to_bytes(8, "big") + step.end_ns.to_bytes(8, "big")
    return step.parent_id.rjust(8, b"\0") + times + step.span_id


def lull(traces: Mapping[bytes, OpenTrace], asleep: Asleep) -> None:
    """Pack the traces that woke first, where many are awake."""
    while len(asleep.awake) > AWAKE_TRACES:
        trace = traces.get(asleep.awake.popleft())
        if trace is not None:
            trace.sleep()
