"""The state of one feature of one agent, and what is said when it changes.

In: nothing. Out: plain values. No state, no I/O. Source: design.md 5 (`drift` lines) and 6.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from agentslo.watch.attribution import Attribution


class DriftState(IntEnum):
    """Where a feature stands; the numbers are those of `agent_slo_drift_state`."""

    NONE = 0
    WATCH = 1
    DRIFT = 2
    LEARNING = 3

    @property
    def label(self) -> str:
        """The name used in output."""
        return self.name.lower()


class Severity(StrEnum):
    """Who should hear of it: methods.md 3.6."""

    PAGE = "page"
    TICKET = "ticket"
    WATCH = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What changed, where and since when: the bin with the largest signed deviate, the expected and
    observed share of the top bins, the segments that carry the change, the first slice of it.
    """

    bin: str
    bins: tuple[tuple[str, float, float], ...]
    segment: str
    since_ns: int
    attribution: Attribution
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A feature entered a state. `z`: its deviate; `samples`: runs it rests on, while learning
    those of `needed`. `finding` is None unless the state is watch or drift.
    """

    time_ns: int
    agent: str
    environment: str
    feature: str
    state: DriftState
    z: float
    samples: int
    needed: int
    finding: Finding | None = None


@dataclass(slots=True)
class Standing:
    """Where a feature stands now. `held`: an online alarm keeps it in drift until a whole window
    since then is quiet: slices left of that window.
    """

    state: DriftState = DriftState.NONE
    z: float = 0.0
    samples: int = 0
    finding: Finding | None = None
    held: int = 0
