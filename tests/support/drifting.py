"""Made-up observations of an agent, for tests and benchmarks of drift: seeded, one call a run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from agentslo.dialects.request import packed
from agentslo.watch.features import FEATURES, step_label
from agentslo.watch.monitor import Monitor
from agentslo.watch.observe import Observed
from agentslo.watch.state import Drifted, DriftState

NS = 10**9
START_NS = 1_780_000_000 * NS
TASKS = {"refund": 0.4, "status": 0.3, "invoice": 0.15, "cancel": 0.1, "address": 0.05}
RATES = ("escalation", "denial", "retrieval_miss", "refusal", "retry", "override")
_KNOWN = (
    "change see cancel explain find open close update check send",
    "invoice delivery refund password order address card account parcel receipt",
    "today please again since monday online abroad twice early late",
    "broken missing wrong double old new second last blue small",
)
_FOREIGN = (
    "cook play translate book tune bake paint plant whistle knit",
    "pasta guitar poem cruise violin garden sonnet curry chess yoga",
    "sweetly outdoors tonight slowly loudly vegan french ancient solo spicy",
    "alpine mellow crispy velvet lunar misty golden rustic amber hollow",
)


@dataclass(slots=True, kw_only=True)
class Traffic:
    """What runs look like; callers change fields between runs."""

    gap_s: float = 60.0
    tasks: Mapping[str, float] = field(default_factory=lambda: dict(TASKS))
    latency_s: float = 4.0
    tool_latency_s: float = 0.5
    tool_error: float = 0.03
    error_class: str = "timeout"
    shape: str = "aa"
    escalation: float = 0.1
    denial: float = 0.05
    override: float = 0.06
    refusal: float = 0.02
    retry: float = 0.04
    retrieval_miss: float = 0.05
    failure: float = 0.08
    failure_of: Mapping[str, float] = field(default_factory=dict)
    """Failure rates of kinds of tasks, and of foreign requests, where they differ."""
    foreign: float = 0.0
    leaning: float = 0.0
    """Share of requests about a few of the known things alone."""
    documents: float = 4.0
    index_age_s: float = 40_000.0
    tokens_in: float = 900.0
    tokens_out: float = 200.0
    versions: dict[str, str] = field(
        default_factory=lambda: {
            "agent_version": "1",
            "prompt_version": "p1",
            "model": "m1",
            "tools_version": "t1",
            "policy_version": "q1",
            "index_version": "i1",
            "tool_version:search": "s1",
        }
    )
    release: str = "r1"
    now_ns: int = START_NS

    def runs(self, count: int, seed: int) -> Iterator[Observed]:
        """The next runs, in the order they end."""
        rng = np.random.default_rng(seed)
        names, shares = list(self.tasks), np.array(list(self.tasks.values()))
        for _ in range(count):
            self.now_ns += int(rng.exponential(self.gap_s) * NS)
            yield self.one(rng, str(rng.choice(names, p=shares / shares.sum())))

    def one(self, rng: np.random.Generator, task: str) -> Observed:
        """One run."""

        def happens(chance: float) -> str:
            return "yes" if rng.random() < chance else "no"

        def ladder(name: str, middle: float) -> str:
            bounds = FEATURES[name.partition(":")[0]].bounds
            return step_label(bounds, float(middle * rng.lognormal(0, 0.6)))

        foreign = rng.random() < self.foreign
        failed_tool = happens(self.tool_error)
        base = self.failure_of.get("foreign" if foreign else task, self.failure)
        ladders = {
            "latency": self.latency_s + 2 * (self.tool_latency_s - 0.5),
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "tool_latency:search": self.tool_latency_s,
            "documents": self.documents,
            "index_age": self.index_age_s,
        }
        parts = [p.split() for p in (_FOREIGN if foreign else _KNOWN)]
        if self.leaning and rng.random() < self.leaning:
            parts = [part[:3] for part in parts]
        words = " ".join(rng.choice(part) for part in parts)
        return Observed(
            agent="desk",
            environment="production",
            release=self.release,
            time_ns=self.now_ns,
            bins={
                "task_type": task,
                **{name: ladder(name, middle) for name, middle in ladders.items()},
                **{name: happens(getattr(self, name)) for name in RATES},
                "tool_error:search": failed_tool,
                "tool_error_class:search": self.error_class if failed_tool == "yes" else "none",
                "tool_shape:search": self.shape,
                # Half of the runs whose tool failed fail themselves.
                "failure": happens(0.5 if failed_tool == "yes" else base),
            },
            segments=(f"release:{self.release}", f"task_type:{task}"),
            versions=dict(self.versions),
            request=packed(words),
        )


def hear(monitor: Monitor, runs: Iterable[Observed]) -> Iterator[Drifted]:
    """What a monitor says of runs, as they come."""
    for run in runs:
        yield from monitor.observe(monitor.placed(run, monitor.novelty(run.request)))


def feed(monitor: Monitor, runs: Iterable[Observed]) -> list[Drifted]:
    """What a monitor says of runs."""
    return list(hear(monitor, runs))


def alarms(said: Iterable[Drifted]) -> list[Drifted]:
    """Those that entered drift."""
    return [d for d in said if d.state is DriftState.DRIFT]
