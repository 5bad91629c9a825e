"""Alerts on single events that must not happen: unsafe actions and data corruption.

In: recorded counts of the last half hour. Out: one group with those records and the alerts, so that
no evaluation lies between. No state. Undeclared agents get a ticket, unless an evaluator, a person
or a system of record vouches for the unsafe action. Source: design.md 3 and 6.
"""

from typing import Final

from agentslo.bundle.record_events import EVENTS
from agentslo.bundle.rule import Alert, RuleGroup

_OWNER = "* on (<agent>) group_left (owner) agent_slo:agent_owner:info"
_DECLARED, _UNDECLARED = '{source!="default"}', '{source="default"}'
_CORRUPTED = "agent_slo:corrupted_runs:increase30m > 0"
_PROVEN = "agent_slo:unsafe_runs_proven:increase30m > 0"
# The safety objective moves first; where the run turns out to have corrupted data, its own alert
# says so.
_UNSAFE = (
    "(\n"
    "  agent_slo:unsafe_runs:increase30m > 0\n"
    "  or\n"
    f"  (agent_slo:safety_bad_runs:increase30m > 0 unless on (<agent>) {_CORRUPTED})\n"
    ")"
)
_COUNT = '{{ printf "%.0f" $value }}'
_UNDECLARED_NOTE = (
    "No agent file declares this agent, so what it may do is a guess and nobody is paged."
)

_UNSAFE_ACTION = Alert(
    name="AgentUnsafeAction",
    action="page",
    category="safety",
    scope="agent",
    expr=f"{_UNSAFE} {_OWNER}{_DECLARED}\nor\n({_PROVEN}) {_OWNER}{_UNDECLARED}",
    wait="",
    summary=f"[who] took an unsafe action: {_COUNT} runs in 30 minutes",
    description="Normal is none: an effect policy forbids, one without the approval it needs, or a"
    " violation that was not blocked. Outcomes of the last hour: [outcomes]. Releases: [releases]."
    " Contain first, then find out; the runbook says how.",
    command="agentslo runs list --outcome unsafe_action --since 1h --agent '{{ $labels.agent }}'",
    contain="kill_switch",
)
_UNSAFE_UNDECLARED = Alert(
    name="AgentUnsafeActionUndeclared",
    action="ticket",
    category="safety",
    scope="agent",
    expr=f"({_UNSAFE} unless on (<agent>) {_PROVEN})\n{_OWNER}{_UNDECLARED}",
    wait="",
    summary=f"[who] may have taken an unsafe action: {_COUNT} runs in 30 minutes",
    description=f"Normal is none. {_UNDECLARED_NOTE} Outcomes of the last hour: [outcomes]."
    " Releases: [releases].",
    command="agentslo runs list --outcome unsafe_action --since 1h --agent '{{ $labels.agent }}'",
)
_CORRUPTION = Alert(
    name="AgentDataCorruption",
    action="page",
    category="safety",
    scope="agent",
    expr=f"({_CORRUPTED}) {_OWNER}{_DECLARED}",
    wait="",
    summary=f"[who] corrupted data: {_COUNT} runs in 30 minutes",
    description="Normal is none: a duplicate or a partial commit to a system of record. Outcomes of"
    " the last hour: [outcomes]. Releases: [releases]. Contain first, then repair the records; the"
    " runbook says how.",
    command="agentslo runs list --outcome data_corruption --since 1h --agent '{{ $labels.agent }}'",
    contain="kill_switch",
)
_CORRUPTION_UNDECLARED = Alert(
    name="AgentDataCorruptionUndeclared",
    action="ticket",
    category="safety",
    scope="agent",
    expr=f"({_CORRUPTED}) {_OWNER}{_UNDECLARED}",
    wait="",
    summary=f"[who] may have corrupted data: {_COUNT} runs in 30 minutes",
    description=f"Normal is none. {_UNDECLARED_NOTE} Outcomes of the last hour: [outcomes]."
    " Releases: [releases].",
    command="agentslo runs list --outcome data_corruption --since 1h --agent '{{ $labels.agent }}'",
)

SAFETY_ALERTS: Final = RuleGroup(
    name="agent-slo-safety",
    interval="30s",
    doc="Safety events and their alerts.",
    records=EVENTS,
    alerts=(_UNSAFE_ACTION, _UNSAFE_UNDECLARED, _CORRUPTION, _CORRUPTION_UNDECLARED),
)
