"""*Runs and failures*: how runs end, where errors cluster, which runs to open.

In: nothing. Out: a board. No state. Source: requirements H2, T16, T17, M3.
"""

from typing import Final

from agentslo.bundle.boards.colours import ANY_IS_BAD, OUTCOMES
from agentslo.bundle.boards.expressions import BAD
from agentslo.bundle.boards.model import Board, Query, Row
from agentslo.bundle.boards.panels import bars, stat, trend
from agentslo.bundle.boards.tables import Column, table, traces
from agentslo.bundle.boards.variables import AGENTS, ENVIRONMENT, RELEASE, TO_AGENT
from agentslo.bundle.safe import HARM

_KEYS = {"agent": "Agent", "environment": "Environment"}
_FAILED = f'agent_slo_runs_total{{@agent, outcome=~"{BAD}"}}'
_RELEASES = 'span.agent_slo.release =~ "${release:pipe}"'


def _found(condition: str) -> str:
    return f"{{ {condition} && {_RELEASES} }}"


_NOW = (
    stat(
        "Unsafe or corrupting runs",
        f'sum(increase(agent_slo_runs_total{{@agent, outcome=~"{HARM}"}}[$__range]))',
        shows="Runs of the time range that did what policy forbids, or broke data.",
        normal="0.",
        act="contain the agent, then open the runs below.",
        alert="AgentUnsafeAction",
        steps=ANY_IS_BAD,
        decimals=0,
        filled=True,
        width=6,
    ),
    stat(
        "Policy violations",
        "sum(increase(agent_slo_policy_violations_total{@agent}[$__range]))",
        shows="Violations of policy that nothing blocked.",
        normal="0.",
        act="see which policy in the table below; find the runs by outcome `unsafe_action`.",
        alert="AgentUnsafeAction",
        steps=ANY_IS_BAD,
        decimals=0,
        filled=True,
        width=6,
    ),
    stat(
        "Failed runs",
        f"sum(increase({_FAILED}[$__range]))",
        shows="Runs of the time range with a failing outcome.",
        normal="few against all runs.",
        act="the table below has the reasons, the most frequent first.",
        alert="AgentSLOErrorBudgetBurn",
        decimals=0,
        width=6,
    ),
    stat(
        "Waiting for a person",
        "sum(agent_slo_runs_waiting{@agent})",
        shows="Runs that paused for a person and are not counted yet.",
        normal="few, and falling within a working day.",
        act="somebody has to answer them; after `human_deadline` they count as unknown.",
        decimals=0,
        width=6,
        empty="0",
    ),
)

_MODES = (
    trend(
        "Runs by outcome",
        Query(
            expr="60 * sum by (outcome) (rate(agent_slo_runs_total{@agent}[$__rate_interval]))",
            legend="{{outcome}}",
        ),
        shows="Counted runs a minute, stacked by outcome.",
        normal="green and blue; no red.",
        act="the colour that grew names the failure mode.",
        unit="cpm",
        style="stacked",
        colours=OUTCOMES,
    ),
    bars(
        "Failure modes",
        Query(
            expr=f"sort_desc(sum by (outcome) (increase({_FAILED}[$__range])) > 0.5)",
            legend="{{outcome}}",
            instant=True,
        ),
        shows="Failed runs of the time range by outcome.",
        normal="short bars.",
        act="the longest bar first; harm before all else.",
        colours=OUTCOMES,
        empty="no failed runs",
    ),
    table(
        "Top reasons",
        Column(
            title="Runs",
            expr="sum by (<agent>, outcome, reason, evidence) (increase("
            f'agent_slo_run_reasons_total{{@agent, outcome=~"{BAD}|unknown"}}[$__range])) > 0.5',
            decimals=0,
        ),
        keys={**_KEYS, "outcome": "Outcome", "reason": "Reason", "evidence": "Evidence"},
        shows="Why runs failed or could not be judged, and on what evidence.",
        normal="few rows.",
        act="each reason is explained in docs/outcomes.md.",
        alert="AgentSLOErrorBudgetBurn",
        sort="Runs",
        links={"Agent": TO_AGENT},
        width=24,
        empty="no failed runs",
    ),
)

_CLUSTERS = (
    table(
        "Errors by route",
        Column(
            title="Failed",
            expr=f"sum by (<agent>, task_type) (increase({_FAILED}[$__range])) > 0.5",
            decimals=0,
        ),
        Column(
            title="Of all",
            expr=f"(sum by (<agent>, task_type) (increase({_FAILED}[$__range])) > 0.5)\n/\n"
            "sum by (<agent>, task_type) (increase(agent_slo_runs_total{@agent}[$__range]))",
            unit="percentunit",
            decimals=1,
        ),
        keys={**_KEYS, "task_type": "Route (task type)"},
        shows="Failed runs by the task they were about (`agent_slo.declared.task_type`).",
        normal="no route far above the others.",
        act="one route that stands out: its prompt, its tools, its data.",
        sort="Failed",
        links={"Agent": TO_AGENT},
        width=12,
        empty="no failed runs",
    ),
    table(
        "Errors by tool",
        Column(
            title="Failed calls",
            expr="sum by (<agent>, tool, error_type)"
            ' (increase(agent_slo_tool_calls_total{@agent, result="error"}[$__range])) > 0.5',
            decimals=0,
        ),
        keys={**_KEYS, "tool": "Tool", "error_type": "Error"},
        shows="Failed tool calls by tool and kind of error.",
        normal="few; agents recover from most.",
        act="ask the owner of the tool at the top.",
        sort="Failed calls",
        links={"Agent": TO_AGENT},
        width=12,
        empty="no tool errors",
    ),
    table(
        "Effects on systems of record",
        Column(
            title="Actions",
            expr="sum by (<agent>, tool, state)"
            " (increase(agent_slo_actions_total{@agent}[$__range]))"
            " > 0.5",
            decimals=0,
        ),
        keys={**_KEYS, "tool": "Tool", "state": "State"},
        shows="What became of the writes agents attempted. Attempted is not committed.",
        normal="committed or verified; no duplicate, few unresolved.",
        act="duplicate: the agent repeats writes. Unresolved: nobody knows whether they happened.",
        alert="AgentDuplicateActions",
        sort="Actions",
        width=12,
        empty="no writes",
    ),
    table(
        "Policies",
        Column(
            title="Violations",
            expr="sum by (<agent>, policy)"
            " (increase(agent_slo_policy_violations_total{@agent}[$__range])) > 0.5",
            decimals=0,
            steps=((None, "text"), (0.5, "red")),
        ),
        Column(
            title="Blocks",
            expr="sum by (<agent>, policy)"
            " (increase(agent_slo_policy_blocks_total{@agent}[$__range])) > 0.5",
            decimals=0,
        ),
        keys={**_KEYS, "policy": "Policy"},
        shows="Violations nothing stopped, and what guardrails stopped before any effect.",
        normal="no violations; some blocks.",
        act="a violation needs a guardrail; many blocks are an attack or a guardrail too strict.",
        alert="AgentUnsafeAction",
        sort="Violations",
        width=12,
        empty="no violations or blocks",
    ),
    table(
        "Signs of injection",
        Column(
            title="Signs",
            expr="sum by (<agent>, signal)"
            " (increase(agent_slo_injection_signals_total{@agent}[$__range])) > 0.5",
            decimals=0,
        ),
        keys={**_KEYS, "signal": "Sign"},
        shows="Data that tried to instruct an agent, whatever came of it.",
        normal="few; none for agents that read nothing from outside.",
        act="a rise is an attack before it succeeds: look at permissions and approvals.",
        sort="Signs",
        width=12,
        empty="no signs of injection",
    ),
)

_OPEN = (
    traces(
        "Unsafe or corrupting runs",
        _found(f'span.agent_slo.run.outcome =~ "{HARM}|hallucination"'),
        shows="Runs that did harm, from Tempo.",
        normal="none.",
        act="open the trace; `agentslo explain RUN` names the span that proves it.",
        width=12,
    ),
    traces(
        "Failed runs",
        _found(f'span.agent_slo.run.outcome =~ "{BAD}"'),
        shows="Runs with a failing outcome, from Tempo.",
        normal="few.",
        act="compare one with a run of the same task that went well.",
        width=12,
    ),
    traces(
        "Slow or costly runs that failed",
        _found(
            f'span.agent_slo.run.outcome =~ "{BAD}"'
            " && (duration > 60s || span.agent_slo.run.cost_usd > 0.1)"
        ),
        shows="Failed runs that took more than a minute or cost more than ten cents.",
        normal="few.",
        act="look for the step that repeats.",
        width=12,
    ),
    traces(
        "Runs nobody could judge",
        _found('span.agent_slo.run.outcome = "unknown"'),
        shows="Runs of which too little was seen.",
        normal="few.",
        act="`agentslo doctor` names what the spans lack and the switch that sends it.",
        width=12,
    ),
)

RUNS: Final = Board(
    uid="agent-slo-runs",
    title="Agents: runs and failures",
    doc="How runs end, where errors cluster, and which runs to open.",
    variables=(ENVIRONMENT, AGENTS, RELEASE),
    traces=True,
    rows=(
        Row(title="Was harm done?", panels=_NOW),
        Row(title="How do runs fail?", panels=_MODES),
        Row(title="Where do errors cluster?", panels=_CLUSTERS),
        Row(title="Which runs to open", panels=_OPEN),
    ),
)
