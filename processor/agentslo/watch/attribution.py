"""What changed, where, and what reverses it.

In: the feature that moved, what else moved, which versions changed about then. Out: `Attribution`.
Pure. Rules, first match (methods.md 3.7): the version of the part the feature belongs to; the
version of the agent, its prompt or model; the version of another part; without any new version the
part itself; else what people ask for. Accuracy on injected faults: docs/drift.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentslo.watch.features import Family, feature

RELEASE_KINDS = ("agent_version", "prompt_version", "model")
_OWN_KINDS: Mapping[Family, tuple[str, ...]] = {
    Family.TOOL: ("tool_version", "tools_version"),
    Family.POLICY: ("policy_version",),
    Family.RETRIEVAL: ("index_version",),
}
_PARTS = ("policy_version", "index_version", "tool_version", "tools_version")
_LEVERS: Mapping[Family, str] = {
    Family.TOOL: "configuration",
    Family.POLICY: "configuration",
    Family.RETRIEVAL: "configuration",
}
UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A version that was not seen before. `kind` may go on with `:` and a tool's name."""

    time_ns: int
    kind: str
    before: str
    after: str

    @property
    def words(self) -> str:
        """The change as a cause."""
        return f"{self.kind} {self.before} to {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """A cause in words, and the lever: rollback, retraining, configuration, none, undetermined."""

    cause: str
    reversible_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known about the time of a change: new versions, other features that moved with their
    z, and whether runs end worse than before.
    """

    changes: Sequence[Change]
    moved: Mapping[str, float]
    worse: bool


def attribute(name: str, about: Circumstances) -> Attribution:
    """The likeliest cause of a feature's change."""
    family, tool = feature(name).family, name.partition(":")[2]
    kinds = _OWN_KINDS.get(family, ())
    for change in about.changes:
        if change.kind in kinds or (tool and change.kind == f"tool_version:{tool}"):
            return Attribution(cause=change.words, reversible_by="configuration")
    for change in about.changes:
        if change.kind in RELEASE_KINDS:
            return Attribution(cause=change.words, reversible_by="rollback")
    if family in _LEVERS:
        part = f"tool {tool}" if tool else family.value
        return Attribution(cause=part, reversible_by=_LEVERS[family])
    if family is not Family.INPUT:
        for change in about.changes:
            if change.kind.partition(":")[0] in _PARTS:
                return Attribution(cause=change.words, reversible_by="configuration")
        moved = _part_that_moved(about.moved)
        if moved is not None:
            return moved
    if family is Family.INPUT or any(feature(n).family is Family.INPUT for n in about.moved):
        lever = "retraining" if about.worse else "none"
        return Attribution(cause="requests", reversible_by=lever)
    return Attribution(cause="unknown", reversible_by=UNDETERMINED)


def _part_that_moved(moved: Mapping[str, float]) -> Attribution | None:
    """The tool, policy or index that moved most."""
    parts = {n: z for n, z in moved.items() if feature(n).family in _LEVERS}
    if not parts:
        return None
    name = max(parts, key=lambda n: parts[n])
    tool = name.partition(":")[2]
    part = f"tool {tool}" if tool else feature(name).family.value
    return Attribution(cause=part, reversible_by="configuration")
