"""Simulated agents, each with a story a board must tell.

In: the end of time, the number of hours. Out: samples as Prometheus would have scraped them, by
series. State: a registry of ours, so names and labels are real by construction. The same every
time: the random numbers are seeded.
"""

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agentslo.config.options import MetricsOptions
from agentslo.measure import names as m
from agentslo.measure.exposition import Format, render
from agentslo.measure.series import Metrics
from support.boards.own_metrics import bins, drift, process, releases

SCRAPE_S = 120
FROM_SPANS = "heuristic"
Samples = dict[str, list[tuple[int, float]]]
Weights = Mapping[str, float]

REASONS = {
    "success": "assertions_met",
    "completed": "ended_normally",
    "safe_escalation": "handed_to_person",
    "tool_failure": "tool_error_not_recovered",
    "limit": "loop",
    "error": "model_error",
    "wrong_result": "evaluation_failed",
    "unsafe_action": "forbidden_action",
    "refused": "content_filter",
    "unknown": "too_little_seen",
    "blocked": "guardrail",
    "bad_escalation": "too_late",
}
GOOD, BAD_FOR_ALL = {"success", "safe_escalation", "completed"}, {"unsafe_action"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One simulated agent. `changed_h`: hours before the end from which `then` replaces `usual`;
    `seen_until_h`: hours before the end at which it fell silent.
    """

    name: str
    runs_per_h: float
    usual: Weights
    then: Weights = field(default_factory=dict)
    changed_h: float = 0.0
    seen_until_h: float = 0.0
    owner: str = "support-ops"
    tier: str = "critical"
    source: str = "file"
    duration_s: float = 9.0
    usd: float = 0.012
    tools: tuple[str, ...] = ("search_orders", "refund")
    environment: str = "production"
    drifted: str = ""


_WELL = {"success": 0.93, "completed": 0.02, "safe_escalation": 0.03, "tool_failure": 0.02}
FLEET = (
    Agent(name="order-desk", runs_per_h=240, usual=_WELL),
    Agent(
        name="refunds",
        runs_per_h=120,
        usual={**_WELL, "wrong_result": 0.005},
        then={"success": 0.2, "tool_failure": 0.53, "limit": 0.2, "error": 0.07},
        changed_h=1.8,
        owner="payments",
        duration_s=14,
        usd=0.031,
    ),
    Agent(
        name="triage",
        runs_per_h=180,
        usual={"completed": 0.85, "safe_escalation": 0.12, "error": 0.01, "refused": 0.02},
        then={"completed": 0.66, "safe_escalation": 0.31, "error": 0.01, "refused": 0.02},
        changed_h=20,
        owner="front-office",
        tools=("classify", "route"),
        duration_s=4,
        usd=0.004,
        drifted="escalation",
    ),
    Agent(
        name="account-changes",
        runs_per_h=60,
        usual={"success": 0.95, "safe_escalation": 0.04, "blocked": 0.01},
        then={"success": 0.90, "safe_escalation": 0.04, "unsafe_action": 0.06},
        changed_h=0.7,
        owner="identity",
        tools=("lookup_account", "change_address"),
        duration_s=22,
        usd=0.05,
    ),
    Agent(
        name="shop/research-helper",
        runs_per_h=4,
        usual={"completed": 0.33, "unknown": 0.66, "error": 0.01},
        owner="",
        tier="",
        source="default",
        tools=("web_search",),
        duration_s=30,
        usd=0.2,
    ),
    Agent(
        name="night-report",
        runs_per_h=6,
        usual=_WELL,
        seen_until_h=25,
        owner="finance",
        tools=("query",),
        duration_s=20,
        usd=0.4,
    ),
)
SLOS = {"resolved": 0.95, "quick": 0.95, "safety": 0.999, "cheap": 0.99}


class Simulation:
    """Runs counted minute by minute."""

    def __init__(self, end_s: int, hours: float) -> None:
        # One stream each, so that another draw of one does not change the others' stories.
        self._chance = {agent.name: random.Random(agent.name) for agent in FLEET}
        self._own = self._random = random.Random("agentslo")
        self._end_s, self._start_s = end_s, end_s - int(hours * 3600)
        self._metrics = Metrics(MetricsOptions(zero_hold_s=0.0))
        self._samples: Samples = defaultdict(list)
        self._bins: dict[str, float] = defaultdict(float)

    def samples(self) -> Samples:
        """Every sample of the whole time, by series."""
        for now_s in range(self._start_s, self._end_s + 1, SCRAPE_S):
            now_ns = now_s * 10**9
            for agent in FLEET:
                self._random = self._chance[agent.name]
                self._declare(agent)
                for _ in range(self._arrivals(agent, now_s)):
                    self._run(agent, now_s, now_ns)
            self._decide(now_s)
            process(self._metrics, self._own, now_s, self._start_s)
            self._scrape(now_s, now_ns)
        return self._samples

    def _scrape(self, now_s: int, now_ns: int) -> None:
        for chunk in render(self._metrics, now_ns, Format.TEXT):
            for line in chunk.decode().splitlines():
                if line[0] != "#":
                    series, _, value = line.rpartition(" ")
                    self._samples[_scraped(series)].append((now_s, float(value)))
        for agent in FLEET:
            hours_left = (self._end_s - now_s) / 3600
            if hours_left > agent.seen_until_h:
                drifted = agent.drifted if hours_left < agent.changed_h - 3 else ""
                for row, number in drift(agent.name, agent.environment, drifted, self._own):
                    self._samples[_scraped(row)].append((now_s, number))
                for row, more in bins(agent.name, agent.environment, drifted):
                    self._bins[row] += more
                    self._samples[_scraped(row)].append((now_s, self._bins[row]))

    def _arrivals(self, agent: Agent, now_s: int) -> int:
        if (self._end_s - now_s) / 3600 < agent.seen_until_h:
            return 0
        by_day = 1 + 0.5 * math.sin(2 * math.pi * (now_s % 86_400) / 86_400 - math.pi / 2)
        mean = agent.runs_per_h * by_day * SCRAPE_S / 3600
        # Poisson by Knuth: means are small here.
        count, product, limit = 0, self._random.random(), math.exp(-mean)
        while product > limit:
            count, product = count + 1, product * self._random.random()
        return count

    def _declare(self, agent: Agent) -> None:
        metrics = self._metrics
        for slo, objective in SLOS.items():
            at = (agent.name, agent.environment, slo)
            metrics.set(m.OBJECTIVE, at, objective)
            metrics.set(m.WINDOW, at, 28 * 86_400.0)
            about = (agent.tier, agent.owner, agent.source, "3f2a91c0")
            metrics.set(m.INFO, (*at, *about), 1.0)

    def _decide(self, now_s: int) -> None:
        """What people decided in the last half hour: about the agent that did harm."""
        for agent in FLEET:
            at = (agent.name, agent.environment)
            self._metrics.set(m.SAFE_TO_RUN_REASON, (*at, "kill_switch"), 0.0)
        if self._end_s - now_s < 1800:
            releases(self._metrics)
            where = ("account-changes", "production")
            self._metrics.set(m.INCIDENTS_OPEN, (*where, "SEV1"), 1.0)
            self._metrics.set(m.INCIDENTS_REPEATED, (*where, "unsafe_action"), 1.0)
            for stage, took_s in (("detect", 20.0), ("acknowledge", 240.0), ("contain", 600.0)):
                self._metrics.observe(m.INCIDENT_DURATION, (*where, stage), took_s, now_s * 10**9)
            until_s = float(self._end_s + 3 * 3600)
            self._metrics.set(m.CONTAINMENT_EXPIRY, ("account-changes", "to_humans"), until_s)

    def _run(self, agent: Agent, now_s: int, now_ns: int) -> None:
        changed = (self._end_s - now_s) / 3600 < agent.changed_h
        weights = agent.then if changed and agent.then else agent.usual
        (outcome,) = self._random.choices(list(weights), list(weights.values()))
        at, release = (agent.name, agent.environment), f"r{'8c1d' if changed else '41fa'}"
        task = self._random.choice(("order", "return", "question"))
        metrics, evidence = self._metrics, _evidence(agent, outcome)
        # As the service does at an agent's first run.
        metrics.touch(m.RUNS, (*at, release, task, "unsafe_action"), now_ns)
        metrics.inc(m.RUNS, (*at, release, task, outcome), now_ns)
        metrics.inc(m.RUN_REASONS, (*at, outcome, REASONS[outcome], evidence), now_ns)
        if outcome == "blocked":
            metrics.inc(m.INJECTION_SIGNALS, (*at, "guardrail"), now_ns)
        took_s = self._random.lognormvariate(math.log(agent.duration_s), 0.6)
        metrics.observe(m.RUN_DURATION, at, took_s, now_ns)
        metrics.inc(m.RUN_COST, (*at, release, "price_list"), now_ns, agent.usd * took_s / 10)
        version, model = ("2.1.0", "large-3") if changed else ("2.0.4", "large-2")
        versions = (version, "p7", model, "t3", "pol-2")
        metrics.set(m.RELEASE_INFO, (*at, release, *versions), 1.0)
        self._judge(at, release, outcome, took_s, now_ns)
        self._tools(agent, outcome, now_ns)
        self._people(at, outcome, now_ns)

    def _judge(
        self, at: tuple[str, str], release: str, outcome: str, took_s: float, now_ns: int
    ) -> None:
        if outcome == "blocked":
            for slo in ("resolved", "quick"):
                self._metrics.inc(m.EXCLUDED_EVENTS, (*at, slo), now_ns)
            return
        known = outcome != "unknown"
        results = {
            "resolved": ("good" if outcome in GOOD else "bad") if known else "unknown",
            "quick": "good" if took_s < 120 else "bad",
            "safety": "bad" if outcome in BAD_FOR_ALL else "good",
            "cheap": "good",
        }
        for slo, result in results.items():
            for each in ("good", "bad", "unknown"):
                self._metrics.touch(m.EVENTS, (*at, slo, release, "unset", each), now_ns)
            self._metrics.inc(m.EVENTS, (*at, slo, release, "unset", result), now_ns)
        if outcome == "completed" and self._random.random() < 0.01:
            outcome_row = (*at, "completed", "wrong_result", "human")
            self._metrics.inc(m.OUTCOME_CORRECTIONS, outcome_row, now_ns)
            self._metrics.inc(m.CORRECTIONS, (*at, "resolved", "good", "bad", "human"), now_ns)

    def _tools(self, agent: Agent, outcome: str, now_ns: int) -> None:
        metrics, at = self._metrics, (agent.name, agent.environment)
        for place, tool in enumerate(agent.tools):
            failed = self._random.random() < (0.9 if outcome == "tool_failure" and place else 0.01)
            result, error = ("error", "TimeoutError") if failed else ("ok", "")
            metrics.inc(m.TOOL_CALLS, (*at, tool, result, error), now_ns)
            took_s = self._random.lognormvariate(-0.5, 0.7)
            metrics.observe(m.TOOL_CALL_DURATION, (*at, tool), took_s, now_ns)
        hit = "miss" if self._random.random() < 0.1 else "hit"
        metrics.inc(m.RETRIEVALS, (*at, "handbook", hit), now_ns)
        state = "duplicate" if self._random.random() < 0.0005 else "committed"
        metrics.inc(m.ACTIONS, (*at, agent.tools[-1], state), now_ns)

    def _people(self, at: tuple[str, str], outcome: str, now_ns: int) -> None:
        metrics = self._metrics
        metrics.set(m.RUNS_WAITING, at, float(self._random.randint(0, 3)))
        metrics.touch(m.POLICY_VIOLATIONS, (*at, "unset"), now_ns)
        if outcome.endswith("escalation"):
            right = self._random.choices(("true", "false", "unknown"), (6, 1, 3))[0]
            reason = self._random.choice(("locked", "fraud", "asked"))
            metrics.inc(m.ESCALATIONS, (*at, reason, right), now_ns)
        if outcome == "unsafe_action":
            metrics.inc(m.POLICY_VIOLATIONS, (*at, "needs_approval"), now_ns)
        if outcome == "blocked":
            metrics.inc(m.POLICY_BLOCKS, (*at, "injection"), now_ns)
        metrics.inc(m.UNPRICED_TOKENS, ("tiny-1",), now_ns, float(self._random.randint(0, 9)))


def _evidence(agent: Agent, outcome: str) -> str:
    if agent.source == "default" or outcome in {"completed", "unknown", "error", "limit"}:
        return FROM_SPANS
    return "evaluator" if outcome in {"wrong_result", "unsafe_action"} else "tool_result"


def _scraped(series: str) -> str:
    """The series with the labels a scrape adds."""
    added = 'instance="agentslo:9464",job="agentslo"'
    if series.endswith("}"):
        return f"{series[:-1]},{added}}}"
    return f"{series}{{{added}}}"


def openmetrics(samples: Samples) -> Iterator[str]:
    """The samples as `promtool tsdb create-blocks-from openmetrics` takes them."""
    for series, points in samples.items():
        yield "".join(f"{series} {value!r} {at_s}\n" for at_s, value in points)
    yield "# EOF\n"
