"""What the page shows, as plain values.

In: nothing. Out: values; the service fills them. No state. Counts are since the process started.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Line = Mapping[str, object]
"""A run as `/api/v1/status` gives it."""

DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """One objective of one agent; `objective_ratio` is None where it is declared no more.
    `tiles`: start of six hours (unix ns), good and bad runs that ended in them, oldest first.
    """

    name: str
    dimension: str = ""
    objective_ratio: float | None = None
    good: int = 0
    bad: int = 0
    unknown: int = 0
    tiles: tuple[tuple[int, int, int], ...] = ()

    @property
    def judged(self) -> int:
        """Runs that count."""
        return self.good + self.bad

    @property
    def good_ratio(self) -> float | None:
        """good / (good + bad); None where neither was seen."""
        return self.good / self.judged if self.judged else None

    @property
    def coverage_ratio(self) -> float | None:
        """Share of the runs that could be judged."""
        every = self.judged + self.unknown
        return self.judged / every if every else None

    @property
    def budget_left_ratio(self) -> float | None:
        """1 nothing spent, 0 all of it, below 0 missed."""
        return budget_left(self.good, self.bad, self.objective_ratio)

    @property
    def met(self) -> bool | None:
        """Whether the objective is met by the runs seen; None where nobody can tell."""
        ratio = self.good_ratio
        if ratio is None or self.objective_ratio is None:
            return None
        return ratio >= self.objective_ratio


def budget_left(good: int, bad: int, objective_ratio: float | None) -> float | None:
    """What is left of the error budget of these runs."""
    if objective_ratio is None or good + bad == 0:
        return None
    allowed = (1.0 - objective_ratio) * (good + bad)
    if allowed <= 0.0:
        return 1.0 if bad == 0 else -1.0
    return 1.0 - bad / allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of an agent, the versions it stands for, and how its runs went."""

    release: str
    versions: str
    first_ns: int
    last_ns: int
    runs: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A feature that is watched or has drifted: what changed (`bin`), where (`segment`), why."""

    feature: str
    drifted: bool
    z: float
    bin: str
    segment: str
    cause: str
    reversible_by: str
    since_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent in one environment. `declared`: a file says what it promises; `contained`: what is
    in force, in words; `bad_runs`: the newest that went wrong, newest first; `gate`: the state of
    the error budget as the release gate found it last, empty where it was never asked;
    `sampled_ratio`: the share of its runs that is sent, where a head sampler drops some.
    """

    agent: str
    environment: str
    outcomes: Mapping[str, int]
    slos: tuple[Slo, ...] = ()
    releases: tuple[Release, ...] = ()
    bad_runs: tuple[Line, ...] = ()
    last_end_ns: int = 0
    last_harm_ns: int = 0
    declared: bool = False
    owners: Mapping[str, str] = field(default_factory=dict)
    budget_policy: str = ""
    contained: tuple[str, ...] = ()
    switched_off: bool = False
    incidents: tuple[str, ...] = ()
    gate: str = ""
    sampled_ratio: float | None = None
    drifts: tuple[Drift, ...] = ()

    @property
    def runs(self) -> int:
        """Runs counted."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything a page may show. `environment`: the chosen one, empty for all."""

    now_ns: int
    started_ns: int
    agents: tuple[Agent, ...]
    runs: tuple[Line, ...]
    open_traces: int
    notes: tuple[str, ...] = ()
    trace_url: str | None = None
    environment: str = ""
    refresh: bool = True

    @property
    def environments(self) -> list[str]:
        """Every environment seen, sorted."""
        return sorted({agent.environment for agent in self.agents})

    @property
    def chosen(self) -> list[Agent]:
        """The agents of the chosen environment."""
        if not self.environment:
            return list(self.agents)
        return [agent for agent in self.agents if agent.environment == self.environment]
