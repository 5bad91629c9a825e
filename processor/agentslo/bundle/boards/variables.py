"""The variables boards share, and links between boards.

In: nothing. Out: values. No state. Agents depend on the environments chosen, objectives on the
agents; `release` is for TraceQL: spans carry no agent name of ours, but a release belongs to
exactly one agent.
"""

from typing import Final

from agentslo.bundle.boards.model import Variable

ENVIRONMENT: Final = Variable(
    name="environment",
    label="Environment",
    query="label_values(agent_slo_runs_total, environment)",
)
AGENTS: Final = Variable(
    name="agent", label="Agent", query="label_values(agent_slo_runs_total{@env}, agent)"
)
AGENT: Final = Variable(
    name="agent",
    label="Agent",
    query="label_values(agent_slo_runs_total{@env}, agent)",
    single=True,
)
SLO: Final = Variable(
    name="slo", label="Objective", query="label_values(agent_slo_objective_ratio{@agent}, slo)"
)
RELEASE: Final = Variable(
    name="release",
    label="Release",
    query="label_values(agent_slo_release_info{@agent}, release)",
    hidden=True,
)

_KEEP: Final = "${__url_time_range}&${datasource:queryparam}"
_ONE: Final = "var-agent=${__data.fields.Agent}&var-environment=${__data.fields.Environment}"
TO_AGENT: Final = ("Open this agent", f"/d/agent-slo-detail?{_ONE}&{_KEEP}")
TO_RUNS: Final = ("Its failed runs", f"/d/agent-slo-runs?{_ONE}&{_KEEP}")
