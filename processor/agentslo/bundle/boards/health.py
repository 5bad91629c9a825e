"""*agentslo health*: does the service itself keep its promises.

In: nothing. Out: a board. No state. Source: design.md 6 (the account of spans) and 8.
"""

from typing import Final

from agentslo.bundle.boards.colours import ANY_IS_BAD, ANY_IS_ODD, KEPT
from agentslo.bundle.boards.model import Board, Panel, Query, Row
from agentslo.bundle.boards.panels import stat, trend
from agentslo.bundle.boards.tables import Column, table

_P: Final = "agent_slo_processor_"
_EMPTY: Final = "no agentslo scraped"


def _sum_1h(*families: str) -> str:
    """Increments of the last hour, 0 for a family that has no series yet."""
    terms = (f"(sum(increase({_P}{family}[1h])) or vector(0))" for family in families)
    return " + ".join(terms)


def _rate(family: str, by: str, factor: str = "") -> str:
    return f"{factor}sum by ({by}) (rate({_P}{family}[$__rate_interval]))"


_NUMBERS = (
    stat(
        "Replicas",
        f"count({_P}build_info)",
        shows="agentslo processes Prometheus scrapes.",
        normal="as many as you run.",
        act="fewer: a replica is down. None: all agent alerts are blind.",
        alert="AgentTelemetryDown",
        empty="NONE",
    ),
    stat(
        "Promise to senders",
        f"min({_P}promise)",
        shows="Whether what an acknowledgement promises holds on every replica.",
        normal="kept.",
        act="a destination or the storage does not answer; `/readyz` names it.",
        alert="AgentTelemetryPromiseLowered",
        words=KEPT,
        filled=True,
        empty=_EMPTY,
    ),
    stat(
        "Spans dropped, 1 h",
        _sum_1h("spans_dropped_total"),
        shows="Spans that will not reach a destination.",
        normal="0.",
        act="the table below has destination and reason.",
        alert="AgentSpansDropped",
        steps=ANY_IS_BAD,
        decimals=0,
        empty="0",
    ),
    stat(
        "Requests refused, 1 h",
        _sum_1h("requests_refused_total"),
        shows="Export requests answered with an error; senders try most of them again.",
        normal="0, a few after a restart of a destination.",
        act="reason retry: a destination is slow. Others: a sender is misconfigured.",
        steps=ANY_IS_ODD,
        decimals=0,
        empty="0",
    ),
    stat(
        "Errors of our own, 1 h",
        _sum_1h("pipeline_errors_total", "parse_failures_total", "plugin_failures_total"),
        shows="Requests or spans that could not be read, and bugs of ours. All were passed on.",
        normal="0.",
        act="the log names the stage; please report it.",
        steps=ANY_IS_ODD,
        decimals=0,
        empty="0",
    ),
    stat(
        "Configuration",
        "min(agent_slo_config_last_reload_successful)",
        shows="Whether the files in force are the newest ones.",
        normal="current.",
        act="the last reload failed: run `agentslo check`.",
        alert="AgentConfigReloadFailed",
        words={1: ("current", "green"), 0: ("OLD", "red")},
        filled=True,
        empty=_EMPTY,
    ),
)


def _flow(title: str, *queries: Query, shows: str, normal: str, act: str, unit: str) -> Panel:
    return trend(title, *queries, shows=shows, normal=normal, act=act, unit=unit, empty=_EMPTY)


_FLOW = (
    _flow(
        "Spans in",
        Query(expr=_rate("spans_received_total", "instance"), legend="received {{instance}}"),
        Query(expr=_rate("agent_spans_total", "dialect"), legend="of agents: {{dialect}}"),
        shows="Spans a second in requests that were not refused, and those read as steps of"
        " agents.",
        normal="the traffic's usual shape; every framework in use has a line.",
        act="received without agent spans: the framework is unknown, try `agentslo doctor`.",
        unit="cps",
    ),
    _flow(
        "Spans out",
        Query(expr=_rate("spans_accepted_total", "destination"), legend="accepted {{destination}}"),
        Query(
            expr=_rate("spans_forwarded_total", "destination"), legend="forwarded {{destination}}"
        ),
        Query(expr=_rate("verdict_spans_total", "destination"), legend="verdicts {{destination}}"),
        shows="Spans a second taken on for and accepted by each destination; verdict spans apart.",
        normal="forwarded follows accepted within seconds. No destination: no lines.",
        act="forwarded below accepted: the queue grows, see beside.",
        unit="cps",
    ),
    table(
        "Account of spans: accepted = forwarded + queued + held + dropped",
        Column(title="Accepted", expr=f"sum by (destination) ({_P}spans_accepted_total)"),
        Column(title="Forwarded", expr=f"sum by (destination) ({_P}spans_forwarded_total)"),
        Column(title="Queued", expr=f"sum by (destination) ({_P}spans_queued)"),
        Column(title="Held", expr=f"sum by (destination) ({_P}spans_held)"),
        Column(
            title="Dropped",
            expr=f"sum by (destination) ({_P}spans_dropped_total)"
            f" or on (destination) 0 * sum by (destination) ({_P}spans_accepted_total)",
            steps=((None, "text"), (0.5, "red")),
        ),
        keys={"destination": "Destination"},
        shows="Where every span is, since the processes started.",
        normal="dropped 0; queued and held small.",
        act="dropped: see the reasons beside.",
        alert="AgentSpansDropped",
        width=12,
        height=6,
        empty="no destination",
    ),
    table(
        "Dropped, 1 d",
        Column(
            title="Spans",
            expr=f"sum by (destination, reason) (increase({_P}spans_dropped_total[1d])) > 0.5",
            decimals=0,
        ),
        keys={"destination": "Destination", "reason": "Reason"},
        shows="Spans that will not reach a destination, and why.",
        normal="empty.",
        act="each reason is in docs/architecture.md.",
        alert="AgentSpansDropped",
        sort="Spans",
        width=6,
        height=6,
        empty="nothing dropped",
    ),
    table(
        "Refused, 1 d",
        Column(
            title="Requests",
            expr=f"sum by (signal, reason) (increase({_P}requests_refused_total[1d])) > 0.5",
            decimals=0,
        ),
        keys={"signal": "Signal", "reason": "Reason"},
        shows="Export requests answered with an error, and why.",
        normal="empty, or some `retry` after a restart of a destination.",
        act="each reason is in docs/architecture.md.",
        sort="Requests",
        width=6,
        height=6,
        empty="nothing refused",
    ),
    table(
        "Who may use it",
        Column(
            title="Open to all",
            expr=f"max by (listener) ({_P}listener_open)",
            words={0: ("no", "green"), 1: ("yes", "#EAB839")},
        ),
        Column(
            title="Turned away, 1 d",
            expr=f"sum by (listener) (increase({_P}access_denied_total[1d])) > 0.5",
            decimals=0,
        ),
        keys={"listener": "Listener"},
        shows="Whether whoever reaches a listener may use it, and requests turned away for their"
        " token.",
        normal="only what runs on loopback or in a closed network is open; nobody turned away.",
        act="give the listener tokens or TLS; see SECURITY.md.",
        sort="Open to all",
        width=24,
        height=6,
        empty=_EMPTY,
    ),
    _flow(
        "Waiting to be sent",
        Query(expr=f"sum by (destination) ({_P}queue_bytes)", legend="{{destination}}"),
        shows="Bytes in each destination's queue.",
        normal="near 0.",
        act="a steady rise: the destination is too slow or down. At the bound senders are refused.",
        unit="bytes",
    ),
    _flow(
        "Oldest waiting request",
        Query(
            expr=f"max by (destination) ({_P}queue_oldest_age_seconds)", legend="{{destination}}"
        ),
        shows="Age of the oldest request in each queue.",
        normal="below some seconds.",
        act="minutes: the destination does not answer.",
        unit="s",
    ),
    _flow(
        "Requests by signal",
        Query(expr=_rate("requests_total", "signal"), legend="{{signal}}"),
        Query(
            expr=_rate("passed_through_requests_total", "signal, result"),
            legend="{{signal}} {{result}}",
        ),
        shows="Export requests a second; metrics and logs by whether they were passed on.",
        normal="steady. Discarded: no destination takes everything.",
        act="signals that vanish: look at the sender.",
        unit="reqps",
    ),
    _flow(
        "Bytes in and out",
        Query(expr=_rate("received_bytes_total", "signal"), legend="in: {{signal}}"),
        Query(expr=_rate("forwarded_bytes_total", "destination"), legend="out: {{destination}}"),
        shows="Uncompressed bytes a second.",
        normal="out a little more than in, where everything is forwarded.",
        act="compare with the bound of the queue.",
        unit="Bps",
    ),
)

_INSIDE = (
    _flow(
        "Open traces",
        Query(expr=f"sum by (instance) ({_P}open_traces)", legend="{{instance}}"),
        shows="Traces with agent spans whose runs have not closed.",
        normal="follows the traffic.",
        act="a rise without traffic: roots never arrive; runs close by `idle_s`.",
        unit="short",
    ),
    _flow(
        "Longest stall of the loop",
        Query(expr=f"max by (instance) ({_P}loop_stall_seconds)", legend="{{instance}}"),
        shows="Longest time the process did not answer, in the last one or two minutes.",
        normal="below 0.2 s.",
        act="above 1 s: too much traffic for one process, add a replica.",
        unit="s",
    ),
    _flow(
        "Spans that came oddly",
        Query(expr=_rate("late_spans_total", "instance", "60 * "), legend="late"),
        Query(expr=_rate("duplicate_spans_total", "instance", "60 * "), legend="twice"),
        Query(
            expr=_rate("already_marked_spans_total", "instance", "60 * "), legend="marked before"
        ),
        Query(
            expr=_rate("unattached_model_calls_total", "instance", "60 * "),
            legend="model call without a run",
        ),
        shows="Spans a minute that came after their run was counted, twice, with marks of ours, or"
        " belong to no run.",
        normal="few.",
        act="late: raise `runs.quiet_s`. Twice: a pipeline sends copies. Marked: a loop.",
        unit="cpm",
    ),
    _flow(
        "Evaluations",
        Query(expr=_rate("evaluation_events_total", "instance", "60 * "), legend="received"),
        Query(
            expr=_rate("evaluations_ignored_total", "reason", "60 * "), legend="ignored: {{reason}}"
        ),
        shows="Evaluation results received a minute, and those that changed nothing.",
        normal="received where evaluators run; few ignored.",
        act="ignored: the reason says what the evaluation lacks.",
        unit="cpm",
    ),
    _flow(
        "Series and bounds",
        Query(expr=f"sum by (instance) ({_P}series)", legend="series {{instance}}"),
        Query(
            expr=f"sum by (cap) (increase({_P}overflow_total[$__rate_interval]))",
            legend="folded: {{cap}}",
        ),
        shows="Series about agents in the process, and values folded into `_other` by bound.",
        normal="steady; nothing folded.",
        act="folded: a label takes too many values; raise the cap or fix the sender.",
        unit="short",
    ),
    _flow(
        "Rows for the ledger",
        Query(expr=_rate("ledger_rows_total", "result", "60 * "), legend="{{result}}"),
        shows="Runs and corrections kept or dropped, a minute.",
        normal="written follows the runs. No storage: no lines.",
        act="dropped: the disk is full or slow; runs are counted but cannot be looked up.",
        unit="cpm",
    ),
    table(
        "What runs",
        Column(
            title="Up for",
            expr=f"time() - max by (instance) ({_P}start_time_seconds)",
            unit="dtdurations",
            decimals=0,
        ),
        Column(
            title="Built",
            expr=f"max by (instance, version) ({_P}build_info)",
            hidden=True,
        ),
        keys={"instance": "Process", "version": "Version"},
        shows="Each process, its version and how long it runs.",
        normal="one version.",
        act="a short time without a deployment: it crashed.",
        alert="AgentTelemetryDown",
        width=24,
        height=5,
        empty=_EMPTY,
    ),
)

HEALTH: Final = Board(
    uid="agent-slo-pipeline",
    title="Agents: agentslo health",
    doc="Whether agentslo itself keeps its promises: spans in, spans out, nothing lost.",
    rows=(
        Row(title="Are the promises kept?", panels=_NUMBERS),
        Row(title="Where are the spans?", panels=_FLOW),
        Row(title="Inside", panels=_INSIDE),
    ),
)
