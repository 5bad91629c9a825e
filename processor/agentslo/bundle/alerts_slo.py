"""Alerts on objectives: budget burning, spent, or not measurable.

In: recorded thresholds, ratios and evidence. Out: one group of alerts. No state. Agents nobody has
declared anything of (`source="default"`) get tickets where declared ones page. Sources: SRE
workbook, chapter 5; methods.md 5; prometheus-grafana.md 2 and 3.
"""

from collections.abc import Iterator
from typing import Final

from agentslo.bundle.rule import Alert, RuleGroup
from agentslo.bundle.windows import PAIRS, Pair

FROM_20_RUNS: Final = 19.5
"""Below 20 runs a share says nothing; half a run lower because `increase` extrapolates."""
_OWNER = "* on (<slo>) group_left (owner) agent_slo:owner:info"


def _burns(pair: Pair) -> str:
    at = f'{{window="{pair.window}"}}'
    return (
        f"agent_slo:long_error:ratio{at}\n"
        f"and on (<slo>) agent_slo:short_error:ratio{at}\n"
        f"  > on (<slo>) agent_slo:alert_threshold:ratio{at}\n"
        f"and on (<slo>) agent_slo:long_bad:runs{at} > {pair.min_bad:g}\n"
        f"and on (<slo>) agent_slo:burn_evidence:nats{at} > {pair.min_evidence_nats:g}"
    )


def _owned(expr: str, matcher: str = "") -> str:
    return f"(\n{expr}\n)\n{_OWNER}{matcher}"


def _burn_alert(pair: Pair, name: str, matcher: str) -> Alert:
    paged = name == "AgentSLOErrorBudgetBurn"
    return Alert(
        name=name,
        action="page" if paged else "ticket",
        category="objective",
        scope="slo",
        expr=_owned(_burns(pair), matcher),
        wait=pair.wait,
        keep=pair.keep,
        labels={"window": pair.window},
        summary="[who] misses {{ $labels.slo }}: {{ $value | humanizePercentage }} of the judged"
        f" runs of the last {pair.window} were bad",
        description="Normal is at most [budget] bad (objective [objective])."
        " Budget left: [left]. Outcomes of the last hour: [outcomes]. Releases: [releases].",
        command="agentslo runs list --slo '{{ $labels.slo }}' --since 1h"
        " --agent '{{ $labels.agent }}'",
        contain="to_humans" if paged else "",
    )


def _burn_alerts() -> Iterator[Alert]:
    for pair in PAIRS:
        if pair.action == "page":
            yield _burn_alert(pair, "AgentSLOErrorBudgetBurn", '{source!="default"}')
    for pair in PAIRS:
        matcher = '{source="default"}' if pair.action == "page" else ""
        yield _burn_alert(pair, "AgentSLOErrorBudgetBurnTicket", matcher)


_COVERAGE = Alert(
    name="AgentSLOCoverageLow",
    action="ticket",
    category="objective",
    scope="slo",
    expr=_owned(
        "agent_slo:coverage:ratio_rate1d < 0.5\n"
        f"and on (<slo>) sum by (<slo>) (agent_slo:runs:increase1d) > {FROM_20_RUNS}"
    ),
    wait="1h",
    summary="[who]: only {{ $value | humanizePercentage }} of the last day's runs can be judged for"
    " {{ $labels.slo }}",
    description="Normal is 90 % or more; below half the ratio speaks for a minority of runs."
    " Outcomes of the last hour: [outcomes]. `doctor` names what the spans lack and the switch that"
    " sends it.",
    command="agentslo doctor --live [live]",
)
_EXHAUSTED = Alert(
    name="AgentSLOBudgetExhausted",
    action="ticket",
    category="objective",
    scope="slo",
    expr=_owned(
        "agent_slo:error_budget_remaining:ratio <= 0\n"
        f"and on (<slo>) agent_slo:judged_runs:increase28d > {FROM_20_RUNS}\n"
        "and on (<slo>) agent_slo:bad_runs:increase28d > 2.5"
    ),
    wait="15m",
    summary="[who] has spent the error budget of {{ $labels.slo }}",
    description="Budget left: [left]; normal is above 0. Objective [objective]. What the team"
    " agreed to for this case is the agent file's `error_budget_policy`. Outcomes of the last hour:"
    " [outcomes].",
    command="agentslo runs list --slo '{{ $labels.slo }}' --since 7d --agent '{{ $labels.agent }}'",
)
_MISMATCH = Alert(
    name="AgentSLOObjectiveMismatch",
    action="ticket",
    category="objective",
    scope="slo",
    expr=_owned(
        "max by (<slo>) (agent_slo_objective_ratio)\n"
        "  != min by (<slo>) (agent_slo_objective_ratio)"
    ),
    wait="15m",
    summary="Replicas disagree on the objective {{ $labels.slo }} of [who]",
    description="The strictest, {{ $value | humanizePercentage }}, counts until they agree. Normal"
    " is one value on all replicas: a rollout or a reload has not reached every one.",
    command="agentslo check",
    board="agent-slo-pipeline",
)

SLO_ALERTS: Final = RuleGroup(
    name="agent-slo-alerts",
    interval="1m",
    doc="Alerts on objectives.",
    alerts=(*_burn_alerts(), _COVERAGE, _EXHAUSTED, _MISMATCH),
)
