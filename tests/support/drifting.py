"""Made-up observations of an agent, for tests of drift: seeded, one call a run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from agentslo.watch.features import FEATURES, step_label
from agentslo.watch.monitor import Monitor
from agentslo.watch.observe import Observed
from agentslo.watch.state import Drifted, DriftState

NS = 10**9
START_NS = 1_780_000_000 * NS
TASKS = ("refund", "status", "invoice", "cancel", "address")


@dataclass(slots=True, kw_only=True)
class Traffic:
    """What runs look like; tests change fields between runs."""

    gap_s: float = 60.0
    tasks: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(TASKS, (0.4, 0.3, 0.15, 0.1, 0.05), strict=True))
    )
    latency_s: float = 4.0
    tool_latency_s: float = 0.5
    tool_error: float = 0.03
    escalation: float = 0.1
    denial: float = 0.02
    failure: float = 0.08
    retrieval_miss: float = 0.05
    tokens_out: float = 200.0
    versions: dict[str, str] = field(default_factory=lambda: {"agent_version": "1"})
    release: str = "r1"
    now_ns: int = START_NS

    def runs(self, count: int, seed: int) -> Iterator[Observed]:
        """The next runs, in the order they end."""
        rng = np.random.default_rng(seed)
        for _ in range(count):
            self.now_ns += int(rng.exponential(self.gap_s) * NS)
            task = str(rng.choice(list(self.tasks), p=list(self.tasks.values())))
            yield self.one(rng, task)

    def one(self, rng: np.random.Generator, task: str) -> Observed:
        """One run."""

        def rate(chance: float) -> str:
            return "yes" if rng.random() < chance else "no"

        def ladder(name: str, middle: float) -> str:
            return step_label(FEATURES[name].bounds, float(middle * rng.lognormal(0, 0.6)))

        return Observed(
            agent="desk",
            environment="production",
            release=self.release,
            time_ns=self.now_ns,
            bins={
                "task_type": task,
                "latency": ladder("latency", self.latency_s),
                "tokens_out": ladder("tokens_out", self.tokens_out),
                "tool_latency:search": ladder("tool_latency", self.tool_latency_s),
                "tool_error:search": rate(self.tool_error),
                "escalation": rate(self.escalation),
                "denial": rate(self.denial),
                "failure": rate(self.failure),
                "retrieval_miss": rate(self.retrieval_miss),
            },
            segments=(f"release:{self.release}", f"task_type:{task}"),
            versions=dict(self.versions),
        )


def feed(monitor: Monitor, runs: Iterator[Observed]) -> list[Drifted]:
    """What a monitor says of runs."""
    return [d for run in runs for d in monitor.observe(monitor.placed(run, None))]


def alarms(said: list[Drifted]) -> list[Drifted]:
    """Those that entered drift."""
    return [d for d in said if d.state is DriftState.DRIFT]
