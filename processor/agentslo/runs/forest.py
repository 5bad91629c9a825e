"""Which runs a trace holds: from loose steps to trees.

In: the agent steps of one trace and the parent edges of its other spans. Out: `Tree`s, one per run,
and the steps that belong to none. Pure; any order of the input gives the same trees.

Rules (design.md 2): the root is the topmost agent-like span below infrastructure; several such in a
trace are several runs; a step-like span on top of models or tools is a workflow; steps whose local
parents never came are one run, unless an agent-like span among them heads its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from agentslo.model import AGENT_LIKE, Role, Step

MAX_DEPTH = 10_000
Splits = Callable[[Sequence[Step]], bool]
_WORKING = frozenset({Role.AGENT, Role.LLM, Role.TOOL, Role.GUARDRAIL})
_INDEXING = frozenset({Role.EMBEDDING, Role.RETRIEVAL, Role.ADMIN})


def never(_steps: Sequence[Step]) -> bool:
    """The default for `splits`: a workflow with all its agents is one run."""
    return False


@dataclass(frozen=True, slots=True)
class Edge:
    """The parent of a span that is no agent span; `remote` follows the OTLP flags."""

    parent_id: bytes
    remote: bool | None


class End(Enum):
    """How the known chain of ancestors above a step ends."""

    TOP = "top"
    REMOTE = "remote"
    MISSING = "missing"


@dataclass(slots=True)
class Tree:
    """One run's structure. `root` is None where it never came. `missing_parent` is the id at which
    the known ancestors end without a root (b"" where they do not).

    `settled`: the root cannot turn out to be nested in a span that is still to come.
    """

    root: Step | None
    missing_parent: bytes
    settled: bool
    members: list[Step] = field(default_factory=list)

    @property
    def root_id(self) -> bytes:
        """The root's span id; empty where it never came."""
        return self.root.span_id if self.root else b""

    @property
    def last_arrival_ns(self) -> int:
        """When the newest member came."""
        return max(s.arrival_ns for s in self.members)

    @property
    def first_arrival_ns(self) -> int:
        """When the oldest member came."""
        return min(s.arrival_ns for s in self.members)


@dataclass(slots=True)
class Forest:
    """All trees of a trace, the steps outside any, and each step's nearest step ancestor."""

    trees: list[Tree]
    loose: list[Step]
    parents: dict[bytes, bytes]


def climb(
    step: Step, steps: Mapping[bytes, Step], edges: Mapping[bytes, Edge]
) -> tuple[bytes, End, bytes]:
    """(nearest step ancestor or b"", how the chain ends, the id at which it ends)."""
    parent, remote = step.parent_id, step.parent_remote
    seen = {step.span_id}
    for _ in range(MAX_DEPTH):
        if not parent:
            return b"", End.TOP, b""
        if parent in seen:
            return b"", End.TOP, b""
        if parent in steps:
            return parent, End.TOP, b""
        edge = edges.get(parent)
        if edge is None:
            return b"", End.REMOTE if remote else End.MISSING, parent
        seen.add(parent)
        parent, remote = edge.parent_id, edge.remote
    return b"", End.TOP, b""


def grow(
    steps: Mapping[bytes, Step], edges: Mapping[bytes, Edge], splits: Splits = never
) -> Forest:
    """The forest of one trace's steps (by span id) and other spans' edges.

    `splits`: says of a workflow's steps whether the agents among them are runs of their own.
    """
    parents: dict[bytes, bytes] = {}
    ends: dict[bytes, tuple[End, bytes]] = {}
    children: dict[bytes, list[Step]] = {}
    for step in steps.values():
        above, end, at = climb(step, steps, edges)
        parents[step.span_id] = above
        children.setdefault(above, []).append(step)
        if not above:
            ends[step.span_id] = (end, at)
    _break_cycles(steps, parents, children, ends)
    forest = Forest(trees=[], loose=[], parents=parents)
    orphans: list[tuple[Step, bytes]] = []
    pending = [(s, *ends[s.span_id]) for s in children.get(b"", ())]
    while pending:
        top, end, at = pending.pop()
        if _heads(top, end, children) and not _is_split(top, children, splits):
            settled = end is not End.MISSING
            forest.trees.append(Tree(top, b"" if settled else at, settled, _below(top, children)))
        elif end is End.MISSING:
            orphans.append((top, at))
        else:
            forest.loose.append(top)
            pending.extend((c, end, at) for c in children.get(top.span_id, ()))
    _gather(orphans, children, forest)
    forest.trees.sort(key=lambda t: min((s.start_ns, s.span_id) for s in t.members))
    return forest


def _break_cycles(
    steps: Mapping[bytes, Step],
    parents: dict[bytes, bytes],
    children: dict[bytes, list[Step]],
    ends: dict[bytes, tuple[End, bytes]],
) -> None:
    """Steps that are their own ancestors hang below nothing: a cycle is cut at its first step."""
    reached: set[bytes] = set()
    stack = [s.span_id for s in children.get(b"", ())]
    while stack:
        at = stack.pop()
        reached.add(at)
        stack.extend(c.span_id for c in children.get(at, ()))
    for step in sorted(steps.values(), key=lambda s: (s.start_ns, s.span_id)):
        if step.span_id in reached:
            continue
        children[parents[step.span_id]].remove(step)
        parents[step.span_id] = b""
        ends[step.span_id] = (End.TOP, b"")
        children.setdefault(b"", []).append(step)
        stack = [step.span_id]
        while stack:
            at = stack.pop()
            if at not in reached:
                reached.add(at)
                stack.extend(c.span_id for c in children.get(at, ()))


def _below(top: Step, children: Mapping[bytes, list[Step]]) -> list[Step]:
    found, stack = [], [top]
    while stack:
        step = stack.pop()
        found.append(step)
        stack.extend(children.get(step.span_id, ()))
    return sorted(found, key=lambda s: (s.start_ns, s.end_ns, s.span_id))


def _heads(top: Step, end: End, children: Mapping[bytes, list[Step]]) -> bool:
    """Whether a topmost step is a run root: an agent always; a workflow where something works in
    it; a mere step on top likewise, unless its own parent is missing, or it carries a message to
    an agent.
    """
    if top.role is Role.AGENT:
        return True
    if top.role is Role.WORKFLOW or (top.role is Role.STEP and end is not End.MISSING):
        below = _below(top, children)
        passed_on = top.carries_message and any(s.role in AGENT_LIKE for s in below)
        return _works(below) and not passed_on
    return False


def _is_split(top: Step, children: Mapping[bytes, list[Step]], splits: Splits) -> bool:
    """Whether a workflow's agents are runs of their own; one without agents stays whole."""
    if top.role is Role.AGENT:
        return False
    below = _below(top, children)
    return any(s.role is Role.AGENT for s in below) and splits(below)


def _works(steps: Iterable[Step]) -> bool:
    return any(s.role in _WORKING for s in steps)


def _gather(
    orphans: list[tuple[Step, bytes]], children: Mapping[bytes, list[Step]], forest: Forest
) -> None:
    """All steps of the trace whose local parents never came, as one run; indexing alone is none.

    Where exactly one run of the trace spans them in time, was started by nobody and comes from the
    same process, a span between it and them was lost: they are its steps.
    """
    if not orphans:
        return
    members = sorted(
        (s for top, _ in orphans for s in _below(top, children)),
        key=lambda s: (s.start_ns, s.end_ns, s.span_id),
    )
    around = [t for t in forest.trees if _spans(t, members)]
    if len(around) == 1:
        around[0].members.extend(members)
        around[0].members.sort(key=lambda s: (s.start_ns, s.end_ns, s.span_id))
        return
    if not _works(members) and any(s.role in _INDEXING for s in members):
        forest.loose.extend(members)
        return
    _, missing = min(orphans, key=lambda o: (o[0].start_ns, o[0].span_id))
    forest.trees.append(Tree(None, missing, settled=False, members=members))


def _spans(tree: Tree, steps: Iterable[Step]) -> bool:
    root = tree.root
    return (
        root is not None
        and not root.parent_id
        and all(
            root.start_ns <= s.start_ns and s.end_ns <= root.end_ns and s.resource == root.resource
            for s in steps
        )
    )
