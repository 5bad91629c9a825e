"""*Operations*: what fires, how good the alerts are, what waits for people, what was corrected.

In: nothing. Out: a board. No state. Source: requirements I7, M3, C6, C7.
"""

from typing import Final

from agentslo.bundle.boards.colours import AMBER, ANY_IS_BAD, ANY_IS_ODD, FIRING, RESULTS
from agentslo.bundle.boards.expressions import alerts_count, alerts_now
from agentslo.bundle.boards.model import Board, Query, Row
from agentslo.bundle.boards.panels import bars, stat, timeline, trend
from agentslo.bundle.boards.releases import RELEASES
from agentslo.bundle.boards.tables import Column, table
from agentslo.bundle.boards.variables import AGENTS, ENVIRONMENT, TO_AGENT

_KEYS = {"agent": "Agent", "environment": "Environment"}
# Containment holds in every environment, so the variable for it does not apply.
_CONTAINED = (
    'max by (agent, action) (agent_slo_containment_expiry_timestamp_seconds{agent=~"$agent"})'
)
_OURS = 'product="agent-slo", alertstate="firing"'


_NOW = (
    stat(
        "Pages firing",
        alerts_count("@agent", "page"),
        shows="Alerts about agents that wake somebody up.",
        normal="0.",
        act="follow the runbook of each, below.",
        alert="AgentSLOErrorBudgetBurn",
        steps=((None, "green"), (0.5, "red")),
        filled=True,
        width=6,
        empty="0",
    ),
    stat(
        "Tickets open",
        alerts_count("@agent", "ticket"),
        shows="Alerts to work on within days.",
        normal="few.",
        act="each has an owner in the table below.",
        alert="AgentSLOErrorBudgetBurnTicket",
        steps=ANY_IS_ODD,
        width=6,
        empty="0",
    ),
    stat(
        "Runs waiting for a person",
        "sum(agent_slo_runs_waiting{@agent})",
        shows="Runs that paused for a person and are not counted yet.",
        normal="few, and falling within a working day.",
        act="answer them: after `human_deadline` they count as unknown.",
        decimals=0,
        width=6,
        empty="0",
    ),
    stat(
        "Alerts can be received",
        'max(ALERTS{alertname="AgentSLOWatchdog", alertstate="firing"})',
        shows="An alert that always fires. Route it to a dead man's switch.",
        normal="1: Prometheus evaluates the rules.",
        act="nothing here: the rule files are not loaded, no other alert can fire either.",
        alert="AgentSLOWatchdog",
        words={1: ("yes", "green")},
        width=6,
        empty="NO",
    ),
    table(
        "Open incidents",
        Column(
            title="Incidents",
            expr="sum by (<agent>, severity) (agent_slo_incidents_open{@agent}) > 0",
            decimals=0,
        ),
        keys={**_KEYS, "severity": "Severity"},
        shows="Incidents that are not closed. An agent with an open one is not safe to run.",
        normal="empty.",
        act="`agentslo incident show`; closing one needs its post-mortem.",
        sort="Severity",
        links={"Agent": TO_AGENT},
        width=12,
        height=6,
        empty="no open incident",
    ),
    table(
        "How long incidents took, 28 d",
        Column(
            title="90 % within",
            expr="histogram_quantile(0.9, sum by (<agent>, stage, le)"
            " (increase(agent_slo_incident_duration_seconds_bucket{@agent}[28d]) > 0))",
            unit="dtdurations",
            decimals=0,
        ),
        keys={**_KEYS, "stage": "Until"},
        shows="From the first alert until it was opened, acknowledged, contained, resolved.",
        normal="detected and acknowledged within minutes.",
        act="a stage that takes long: what was waited for stands in the incidents' timelines.",
        sort="90 % within",
        links={"Agent": TO_AGENT},
        width=12,
        height=6,
        empty="no incident",
    ),
    table(
        "Incidents of the same kind again",
        Column(
            title="Within 30 days",
            expr="sum by (<agent>, category) (agent_slo_incidents_repeated{@agent}) > 0",
            decimals=0,
            steps=ANY_IS_BAD,
        ),
        keys={**_KEYS, "category": "Kind"},
        shows="Incidents that followed one of the same kind within 30 days.",
        normal="empty.",
        act="the last post-mortem did not reach the cause: read it again.",
        sort="Within 30 days",
        links={"Agent": TO_AGENT},
        width=12,
        height=6,
        empty="none came back",
    ),
    table(
        "Containment in force",
        Column(
            title="Ends in",
            expr=f"{_CONTAINED}\n- time() > 0",
            unit="dtdurations",
            decimals=0,
        ),
        Column(
            title="Until lifted",
            expr=f"{_CONTAINED} == bool 0",
            words={1: ("yes", AMBER), 0: ("no", "transparent")},
        ),
        keys={"agent": "Agent", "action": "What is contained"},
        shows="Agents with less autonomy than usual, in every environment, until when.",
        normal="empty.",
        act="lift it by hand when the cause is gone: `agentslo contain undo`.",
        alert="AgentKillSwitchEngaged",
        sort="Agent",
        descending=False,
        width=12,
        height=6,
        empty="nothing is contained",
    ),
    table(
        "What fires",
        Column(title="Action", expr=alerts_now("@agent"), words=FIRING, first=True, width=90),
        keys={**_KEYS, "alertname": "Alert and runbook", "slo": "Objective", "owner": "Owner"},
        shows="Every firing alert about an agent; its runbook has its name, in"
        " `alert-rules/runbooks/`.",
        normal="empty.",
        act="pages first.",
        sort="Action",
        descending=False,
        links={"Agent": TO_AGENT},
        empty="nothing fires",
    ),
)

_QUALITY = (
    timeline(
        "Alerts over time",
        Query(expr=alerts_now("@agent"), legend="{{agent}}: {{alertname}} {{slo}}"),
        words=FIRING,
        shows="When each alert fired.",
        normal="short lanes, far apart.",
        act="a lane that flickers needs a longer window; one that never ends is ignored: fix or"
        " mute.",
        empty="no alert fired",
        height=9,
    ),
    bars(
        "Hours of firing by alert, 7 d",
        Query(
            expr="topk(10, sum by (alertname)"
            f" (count_over_time(ALERTS{{@agent, {_OURS}}}[7d:5m])) / 12)",
            legend="{{alertname}}",
            instant=True,
        ),
        shows="How long each alert fired in a week, over the chosen agents.",
        normal="few hours each.",
        act="the longest bar is the alert to tune, or the problem to solve for good.",
        unit="h",
        decimals=1,
        empty="no alert fired",
    ),
    table(
        "How much evidence verdicts rest on, 1 d",
        Column(
            title="Runs",
            expr="sum by (<agent>, evidence)"
            " (increase(agent_slo_run_reasons_total{@agent}[1d])) > 0.5",
            decimals=0,
        ),
        keys={**_KEYS, "evidence": "Evidence"},
        shows="Runs by the strongest evidence of their verdict. Heuristic is read from spans"
        " alone.",
        normal="the runs that matter rest on more than heuristic.",
        act="add an `expect` assertion or an evaluator to the agent that has only heuristic.",
        sort="Runs",
        width=12,
    ),
)

_LATE = (
    trend(
        "Outcomes corrected",
        Query(
            expr="60 * sum by (from, to)"
            " (rate(agent_slo_outcome_corrections_total{@agent}[$__rate_interval])) > 0",
            legend="{{from}} to {{to}}",
        ),
        shows="Outcomes that later evidence changed, a minute.",
        normal="few.",
        act="many from completed to a failure: what verified them should come earlier.",
        unit="cpm",
        style="stacked",
        empty="no corrections",
    ),
    trend(
        "Runs judged against objectives",
        Query(
            expr="60 * sum by (result) (rate(agent_slo_events_total{@agent}[$__rate_interval]))",
            legend="{{result}}",
        ),
        Query(
            expr="60 * sum(rate(agent_slo_excluded_events_total{@agent}[$__rate_interval]))",
            legend="excluded",
        ),
        shows="Judgements a minute over all objectives: good, bad, unknown, and left out.",
        normal="mostly good, little unknown.",
        act="unknown that grows makes every ratio less certain: `agentslo doctor`.",
        alert="AgentSLOCoverageLow",
        unit="cpm",
        style="stacked",
        colours=RESULTS,
    ),
    table(
        "What is promised, to whom, by whom",
        Column(
            title="Target",
            expr="max by (<slo>) (agent_slo_objective_ratio{@agent})",
            unit="percentunit",
            decimals=2,
        ),
        Column(
            title="Window",
            expr="max by (<slo>) (agent_slo_window_seconds{@agent})",
            unit="dtdurations",
            decimals=0,
        ),
        Column(
            title="Known by",
            expr="max by (<slo>, tier, owner, source, revision) (agent_slo_info{@agent})",
            hidden=True,
        ),
        keys={
            **_KEYS,
            "slo": "Objective",
            "owner": "Owner",
            "tier": "Tier",
            "source": "Declared in",
            "revision": "Revision",
        },
        shows="Every objective in force. Source `default`: nobody has declared anything, nobody is"
        " paged.",
        normal="agents that act for customers have a file and an owner.",
        act="`agentslo init` writes a first agent file from what was seen.",
        sort="Agent",
        descending=False,
        empty="no objectives",
    ),
)

OPERATIONS: Final = Board(
    uid="agent-slo-operations",
    title="Agents: operations",
    doc="What fires, how good the alerts are, what waits for people, what was corrected later.",
    variables=(ENVIRONMENT, AGENTS),
    span="now-7d",
    rows=(
        Row(title="What needs somebody now?", panels=_NOW),
        Row(title="May a release go out, and what is retrained?", panels=RELEASES),
        Row(title="Are the alerts any good?", panels=_QUALITY),
        Row(title="What do verdicts rest on?", panels=_LATE),
    ),
)
