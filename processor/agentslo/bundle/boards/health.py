"""*agentslo health*: does the service itself keep its promises.

In: nothing. Out: a board. No state. Source: design.md 6 (the account of spans) and 8.
"""

from typing import Final

from agentslo.bundle.boards.colours import ANY_IS_BAD, ANY_IS_ODD, KEPT
from agentslo.bundle.boards.health_inside import EMPTY, INSIDE, P, flow, rate
from agentslo.bundle.boards.model import Board, Query, Row
from agentslo.bundle.boards.panels import stat
from agentslo.bundle.boards.tables import Column, table


def _sum_1h(*families: str) -> str:
    """Increments of the last hour, 0 for a family that has no series yet."""
    terms = (f"(sum(increase({P}{family}[1h])) or vector(0))" for family in families)
    return " + ".join(terms)


_NUMBERS = (
    stat(
        "Replicas",
        f"count({P}build_info)",
        shows="agentslo processes Prometheus scrapes.",
        normal="as many as you run.",
        act="fewer: a replica is down. None: all agent alerts are blind.",
        alert="AgentTelemetryDown",
        empty="NONE",
    ),
    stat(
        "Promise to senders",
        f"min({P}promise)",
        shows="Whether what an acknowledgement promises holds on every replica.",
        normal="kept.",
        act="a destination or the storage does not answer; `/readyz` names it.",
        alert="AgentTelemetryPromiseLowered",
        words=KEPT,
        filled=True,
        empty=EMPTY,
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
        empty=EMPTY,
    ),
)


_FLOW = (
    flow(
        "Spans in",
        Query(expr=rate("spans_received_total", "instance"), legend="received {{instance}}"),
        Query(expr=rate("agent_spans_total", "dialect"), legend="of agents: {{dialect}}"),
        shows="Spans a second in requests that were not refused, and those read as steps of"
        " agents.",
        normal="the traffic's usual shape; every framework in use has a line.",
        act="received without agent spans: the framework is unknown, try `agentslo doctor`.",
        unit="cps",
    ),
    flow(
        "Spans out",
        Query(expr=rate("spans_accepted_total", "destination"), legend="accepted {{destination}}"),
        Query(
            expr=rate("spans_forwarded_total", "destination"), legend="forwarded {{destination}}"
        ),
        Query(expr=rate("verdict_spans_total", "destination"), legend="verdicts {{destination}}"),
        shows="Spans a second taken on for and accepted by each destination; verdict spans apart.",
        normal="forwarded follows accepted within seconds. No destination: no lines.",
        act="forwarded below accepted: the queue grows, see beside.",
        unit="cps",
    ),
    table(
        "Account of spans: accepted = forwarded + queued + held + dropped",
        Column(title="Accepted", expr=f"sum by (destination) ({P}spans_accepted_total)"),
        Column(title="Forwarded", expr=f"sum by (destination) ({P}spans_forwarded_total)"),
        Column(title="Queued", expr=f"sum by (destination) ({P}spans_queued)"),
        Column(title="Unreadable on disk", expr=f"sum by (destination) ({P}spill_damaged_records)"),
        Column(title="Held", expr=f"sum by (destination) ({P}spans_held)"),
        Column(
            title="Dropped",
            expr=f"sum by (destination) ({P}spans_dropped_total)"
            f" or on (destination) 0 * sum by (destination) ({P}spans_accepted_total)",
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
            expr=f"sum by (destination, reason) (increase({P}spans_dropped_total[1d])) > 0.5",
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
            expr=f"sum by (signal, reason) (increase({P}requests_refused_total[1d])) > 0.5",
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
            expr=f"max by (listener) ({P}listener_open)",
            words={0: ("no", "green"), 1: ("yes", "#EAB839")},
        ),
        Column(
            title="Turned away, 1 d",
            expr=f"sum by (listener) (increase({P}access_denied_total[1d])) > 0.5",
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
        empty=EMPTY,
    ),
    flow(
        "Waiting to be sent",
        Query(expr=f"sum by (destination) ({P}queue_bytes)", legend="{{destination}}"),
        shows="Bytes in each destination's queue.",
        normal="near 0.",
        act="a steady rise: the destination is too slow or down. At the bound senders are refused.",
        unit="bytes",
    ),
    flow(
        "Oldest waiting request",
        Query(expr=f"max by (destination) ({P}queue_oldest_age_seconds)", legend="{{destination}}"),
        shows="Age of the oldest request in each queue.",
        normal="below some seconds.",
        act="minutes: the destination does not answer.",
        unit="s",
    ),
    flow(
        "Requests by signal",
        Query(expr=rate("requests_total", "signal"), legend="{{signal}}"),
        Query(
            expr=rate("passed_through_requests_total", "signal, result"),
            legend="{{signal}} {{result}}",
        ),
        shows="Export requests a second; metrics and logs by whether they were passed on.",
        normal="steady. Discarded: no destination takes everything.",
        act="signals that vanish: look at the sender.",
        unit="reqps",
    ),
    flow(
        "Bytes in and out",
        Query(expr=rate("received_bytes_total", "signal"), legend="in: {{signal}}"),
        Query(expr=rate("forwarded_bytes_total", "destination"), legend="out: {{destination}}"),
        shows="Uncompressed bytes a second.",
        normal="out a little more than in, where everything is forwarded.",
        act="compare with the bound of the queue.",
        unit="Bps",
    ),
)

HEALTH: Final = Board(
    uid="agent-slo-pipeline",
    title="Agents: agentslo health",
    doc="Whether agentslo itself keeps its promises: spans in, spans out, nothing lost.",
    rows=(
        Row(title="Are the promises kept?", panels=_NUMBERS),
        Row(title="Where are the spans?", panels=_FLOW),
        Row(title="Inside", panels=INSIDE),
    ),
)
