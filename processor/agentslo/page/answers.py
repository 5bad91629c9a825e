"""The answers of the page: is an agent within its objectives, is it safe to run, what to do next.

In: an `Agent`, the time. Out: values in words. Pure. The rule for safe to run is that of design.md
6, as far as one process can tell it: from the runs it saw, and what people decided.
"""

from dataclasses import dataclass
from shlex import quote
from typing import Literal

from agentslo.page.values import DAY_NS, Agent

State = Literal["yes", "no", "cannot tell"]
MIN_JUDGED = 20
"""Below so many judged runs a missed objective is said, but nobody is sent to act on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A state and every reason that makes it so."""

    state: State
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to do: why, the command that helps, the runbook where there is one."""

    why: str
    command: str
    runbook: str = ""


def safe_to_run(agent: Agent, now_ns: int) -> Answer:
    """Whether it is safe to keep the agent running."""
    no = []
    if agent.switched_off:
        no.append("somebody switched it off")
    no += [f"incident {one} is open" for one in agent.incidents]
    if agent.last_harm_ns and now_ns - agent.last_harm_ns < DAY_NS:
        no.append("a run did harm within a day")
    no += [
        f"the budget of {slo.name} is spent"
        for slo in agent.slos
        if slo.dimension == "safety" and (left := slo.budget_left_ratio) is not None and left <= 0.0
    ]
    if no:
        return Answer(state="no", reasons=tuple(no))
    unknown = []
    if now_ns - agent.last_end_ns > DAY_NS:
        unknown.append("no run within a day")
    unknown += [
        f"only {coverage:.0%} of the runs can be judged for {slo.name}"
        for slo in agent.slos
        if slo.dimension == "success" and (coverage := slo.coverage_ratio) is not None
        if coverage < 0.5
    ]
    return Answer(state="cannot tell" if unknown else "yes", reasons=tuple(unknown))


def within_slo(agent: Agent) -> Answer:
    """Whether every objective is met by the runs seen."""
    missed = tuple(slo.name for slo in agent.slos if slo.met is False)
    if missed:
        return Answer(state="no", reasons=missed)
    unjudged = tuple(slo.name for slo in agent.slos if slo.met is None and slo.unknown)
    if unjudged:
        return Answer(state="cannot tell", reasons=unjudged)
    if not any(slo.met for slo in agent.slos):
        return Answer(state="cannot tell", reasons=("no judged runs",))
    return Answer(state="yes")


def next_steps(agent: Agent, now_ns: int) -> list[Step]:
    """What to do, the most urgent first; empty where there is nothing."""
    named, steps = f"--agent {quote(agent.agent)}", []
    if agent.last_harm_ns and now_ns - agent.last_harm_ns < DAY_NS:
        steps.append(
            Step(
                why="A run did harm within a day. Contain the agent, then look at the run.",
                command=f"agentslo contain status {named}",
                runbook="AgentUnsafeAction",
            )
        )
    for slo in agent.slos:
        left = slo.budget_left_ratio
        if left is not None and left <= 0.0 and slo.judged >= MIN_JUDGED:
            policy = f" Agreed for this case: {agent.budget_policy}" if agent.budget_policy else ""
            steps.append(
                Step(
                    why=f"The budget of {slo.name} is spent: {slo.bad} of {slo.judged} runs were"
                    f" bad.{policy}",
                    command=f"agentslo runs list --slo {quote(slo.name)} --since 1d {named}",
                    runbook="AgentSLOBudgetExhausted",
                )
            )
    if drifted := [drift for drift in agent.drifts if drift.drifted]:
        worst = drifted[0]
        steps.append(
            Step(
                why=f"It behaves unlike its baseline: {', '.join(d.feature for d in drifted)}."
                f" Likeliest cause: {worst.cause}; reversed by: {worst.reversible_by}.",
                command=f"agentslo baseline show {named}",
                runbook="AgentDriftHigh",
            )
        )
    if any((s.coverage_ratio or 1.0) < 0.5 for s in agent.slos):
        steps.append(
            Step(
                why="Most runs cannot be judged: the spans lack something.",
                command="agentslo doctor --live http://127.0.0.1:9465",
                runbook="AgentSLOCoverageLow",
            )
        )
    if agent.sampled_ratio is not None:
        steps.append(
            Step(
                why=f"Only {agent.sampled_ratio:.2%} of its runs are sent: a head sampler drops the"
                " rest, failures among them. Send all spans here and sample behind agentslo"
                " (docs/collector.md).",
                command="agentslo doctor --live http://127.0.0.1:9465",
            )
        )
    if not agent.declared:
        steps.append(
            Step(
                why="Nobody has declared what this agent promises: default objectives apply and"
                " nobody is paged.",
                command="agentslo init --live http://127.0.0.1:9465",
            )
        )
    return steps
