"""The one table of every metric family agentslo exposes.

The registry, `/metrics`, `docs/metrics.md`, rules and dashboards are made from it, so nothing can
query a metric that does not exist. No state. Source: design.md 6 (names and labels are a contract);
bucket bounds: OTel GenAI agent and tool durations, the former extended to one hour.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from agentslo.measure.drift_families import DRIFT_FAMILIES
from agentslo.measure.family import Family, Label, counter, gauge, histogram, one_of
from agentslo.measure.operations import OPERATIONS
from agentslo.measure.processor_families import PROCESSOR_FAMILIES
from agentslo.model import Evidence, Outcome, SloResult

RUN_BUCKETS_S: Final = (
    *(0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2),
    *(102.4, 204.8, 409.6, 819.2, 1638.4, 3600.0),
)
TOOL_BUCKETS_S: Final = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    *(1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)

_AGENT = Label(name="agent", cap="agents")
_ENVIRONMENT = Label(name="environment", cap="environments")
_RELEASE = Label(name="release", cap="releases")
_TASK_TYPE = Label(name="task_type", cap="task_types")
_SEGMENT = Label(name="segment", cap="segments")
_TOOL = Label(name="tool", cap="tools")
_ERROR_TYPE = Label(name="error_type", cap="error_types")
_SLO = Label(name="slo")
_OUTCOMES = tuple(outcome.value for outcome in Outcome)
_RESULTS = tuple(result.value for result in SloResult)
_ACTION_STATES = (
    *("attempted", "committed", "verified", "rejected"),
    *("compensated", "unresolved", "duplicate"),
)
_INJECTION_SIGNALS = (
    *("instructions_in_result", "argument_from_result"),
    *("guardrail", "evaluation"),
)


def _open(name: str) -> Label:
    """A label whose values come from telemetry and have no cap of their own."""
    return Label(name=name, cap="values")


def _of_release(name: str) -> Label:
    """A property of a release: told apart only as far as releases are."""
    return Label(name=name, follows="release")


_TABLE = (
    # What agents did.
    counter(
        "agent_slo_runs_total",
        "Agent runs counted, by outcome.",
        *(_AGENT, _ENVIRONMENT, _RELEASE, _TASK_TYPE),
        one_of("outcome", *_OUTCOMES),
    ),
    counter(
        "agent_slo_run_reasons_total",
        "Agent runs counted, by outcome, reason and the evidence it rests on.",
        *(_AGENT, _ENVIRONMENT),
        one_of("outcome", *_OUTCOMES),
        _open("reason"),
        one_of("evidence", *(evidence.label for evidence in Evidence)),
    ),
    gauge(
        "agent_slo_runs_waiting",
        "Runs that wait for a person and are not counted yet.",
        *(_AGENT, _ENVIRONMENT),
    ),
    histogram(
        "agent_slo_run_duration_seconds",
        "Time from the start to the end of a run.",
        *(_AGENT, _ENVIRONMENT),
        unit="seconds",
        buckets=RUN_BUCKETS_S,
    ),
    counter(
        "agent_slo_run_cost_usd_total",
        "Known cost of counted runs in US dollars, by where the price came from.",
        *(_AGENT, _ENVIRONMENT, _RELEASE),
        _open("source"),
        unit="usd",
    ),
    counter(
        "agent_slo_unpriced_tokens_total",
        "Tokens of models without a known price.",
        _open("model"),
        unit="tokens",
    ),
    counter(
        "agent_slo_tool_calls_total",
        "Tool calls of counted runs, by result.",
        *(_AGENT, _ENVIRONMENT, _TOOL),
        one_of("result", "ok", "error", "interrupted", "unknown"),
        _ERROR_TYPE,
    ),
    histogram(
        "agent_slo_tool_call_duration_seconds",
        "Time a tool call took.",
        *(_AGENT, _ENVIRONMENT, _TOOL),
        unit="seconds",
        buckets=TOOL_BUCKETS_S,
    ),
    counter(
        "agent_slo_retrievals_total",
        "Document retrievals, by whether anything was found.",
        *(_AGENT, _ENVIRONMENT),
        _open("source"),
        one_of("result", "hit", "miss", "unknown"),
    ),
    counter(
        "agent_slo_escalations_total",
        "Runs handed to a person, by reason and whether that was right.",
        *(_AGENT, _ENVIRONMENT),
        _open("reason"),
        one_of("correct", "true", "false", "unknown"),
    ),
    counter(
        "agent_slo_policy_violations_total",
        "Violations of policy that were not blocked.",
        *(_AGENT, _ENVIRONMENT),
        _open("policy"),
    ),
    counter(
        "agent_slo_policy_blocks_total",
        "Runs or actions a guardrail stopped before any effect.",
        *(_AGENT, _ENVIRONMENT),
        _open("policy"),
    ),
    counter(
        "agent_slo_injection_signals_total",
        "Signs that data tried to instruct an agent; a leading sign, never an outcome.",
        *(_AGENT, _ENVIRONMENT),
        one_of("signal", *_INJECTION_SIGNALS),
    ),
    counter(
        "agent_slo_actions_total",
        "Effects on systems of record, by what became of them.",
        *(_AGENT, _ENVIRONMENT, _TOOL),
        one_of("state", *_ACTION_STATES),
    ),
    # Service levels.
    counter(
        "agent_slo_events_total",
        "Runs judged against an objective; the ratio is bad/(good+bad).",
        *(_AGENT, _ENVIRONMENT, _SLO, _RELEASE, _SEGMENT),
        one_of("result", "good", "bad", "unknown"),
    ),
    counter(
        "agent_slo_excluded_events_total",
        "Runs that do not count towards an objective.",
        *(_AGENT, _ENVIRONMENT, _SLO),
    ),
    counter(
        "agent_slo_corrections_total",
        "Results against an objective that later evidence changed after they were counted.",
        *(_AGENT, _ENVIRONMENT, _SLO),
        one_of("from", *_RESULTS),
        one_of("to", *_RESULTS),
        _open("source"),
    ),
    counter(
        "agent_slo_outcome_corrections_total",
        "Outcomes that later evidence changed after they were counted.",
        *(_AGENT, _ENVIRONMENT),
        one_of("from", *_OUTCOMES),
        one_of("to", *_OUTCOMES),
        _open("source"),
    ),
    gauge(
        "agent_slo_objective_ratio",
        "Share of valid runs that must be good.",
        *(_AGENT, _ENVIRONMENT, _SLO),
        unit="ratio",
    ),
    gauge(
        "agent_slo_window_seconds",
        "Length of the window an objective is kept over.",
        *(_AGENT, _ENVIRONMENT, _SLO),
        unit="seconds",
    ),
    gauge(
        "agent_slo_info",
        "Always 1: who owns an objective, how important the agent is, and where it was declared.",
        *(_AGENT, _ENVIRONMENT, _SLO),
        *(Label(name=name) for name in ("tier", "owner", "source", "revision")),
    ),
    gauge(
        "agent_slo_release_info",
        "Always 1: the versions a release id stands for.",
        *(_AGENT, _ENVIRONMENT, _RELEASE),
        *(
            _of_release("agent_version"),
            _of_release("prompt_version"),
            _of_release("model"),
        ),
        *(_of_release("tools_version"), _of_release("policy_version")),
    ),
    *DRIFT_FAMILIES,
    gauge(
        "agent_slo_config_last_reload_successful",
        "1 if the files in force are the newest ones, 0 if the last reload failed.",
    ),
    gauge(
        "agent_slo_evaluator_last_success_timestamp_seconds",
        "When the evaluator last finished a round, in seconds since 1970.",
        unit="seconds",
    ),
    *OPERATIONS,
    *PROCESSOR_FAMILIES,
)

CATALOGUE: Final[Mapping[str, Family]] = MappingProxyType(
    {family.name: family for family in _TABLE}
)
"""Every family by name, in the order of the documentation."""
