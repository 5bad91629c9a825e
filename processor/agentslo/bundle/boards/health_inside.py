"""Inside agentslo: what it does with spans, what it keeps, what it folds; and how rates are drawn.

In: nothing. Out: panels, and the builders the board of its health is made of. No state.
"""

from typing import Final

from agentslo.bundle.boards.model import Panel, Query
from agentslo.bundle.boards.panels import trend
from agentslo.bundle.boards.tables import Column, table

P: Final = "agent_slo_processor_"
EMPTY: Final = "no agentslo scraped"


def rate(family: str, by: str, factor: str = "") -> str:
    """A rate a second, or a minute where `factor` says so."""
    return f"{factor}sum by ({by}) (rate({P}{family}[$__rate_interval]))"


def flow(
    title: str, *queries: Query, shows: str, normal: str, act: str, unit: str, alert: str = ""
) -> Panel:
    """A trend of the process."""
    return trend(
        title,
        *queries,
        shows=shows,
        normal=normal,
        act=act,
        alert=alert,
        unit=unit,
        empty=EMPTY,
    )


INSIDE: Final = (
    flow(
        "Open traces",
        Query(expr=f"sum by (instance) ({P}open_traces)", legend="{{instance}}"),
        shows="Traces with agent spans whose runs have not closed.",
        normal="follows the traffic.",
        act="a rise without traffic: roots never arrive; runs close by `idle_s`.",
        unit="short",
    ),
    flow(
        "Longest stall of the loop",
        Query(expr=f"max by (instance) ({P}loop_stall_seconds)", legend="{{instance}}"),
        Query(
            expr=f"max by (instance) ({P}loop_turn_cpu_seconds)", legend="our own work {{instance}}"
        ),
        shows="Longest time the process did not answer, in the last one or two minutes, and how"
        " much of it was our own code: the rest was a busy machine.",
        normal="below 0.2 s.",
        act="above 1 s: too much traffic for one process, add a replica.",
        unit="s",
    ),
    flow(
        "Spans that came oddly",
        Query(expr=rate("late_spans_total", "instance", "60 * "), legend="late"),
        Query(expr=rate("duplicate_spans_total", "instance", "60 * "), legend="twice"),
        Query(expr=rate("already_marked_spans_total", "instance", "60 * "), legend="marked before"),
        Query(
            expr=rate("unattached_model_calls_total", "instance", "60 * "),
            legend="model call without a run",
        ),
        shows="Spans a minute that came after their run was counted, twice, with marks of ours, or"
        " belong to no run.",
        normal="few.",
        act="late: raise `runs.quiet_s`. Twice: a pipeline sends copies. Marked: a loop.",
        unit="cpm",
    ),
    flow(
        "Evaluations",
        Query(expr=rate("evaluation_events_total", "instance", "60 * "), legend="received"),
        Query(
            expr=rate("evaluations_ignored_total", "reason", "60 * "), legend="ignored: {{reason}}"
        ),
        shows="Evaluation results received a minute, and those that changed nothing.",
        normal="received where evaluators run; few ignored.",
        act="ignored: the reason says what the evaluation lacks.",
        unit="cpm",
    ),
    flow(
        "Evaluator and replicas",
        Query(
            expr="time() - max(agent_slo_evaluator_last_success_timestamp_seconds)",
            legend="seconds since the last round",
        ),
        Query(expr=rate("records_sent_total", "result", "60 * "), legend="sent: {{result}}"),
        Query(expr=rate("records_received_total", "result", "60 * "), legend="came: {{result}}"),
        shows="Age of the evaluator's last round; records replicas send it, a minute.",
        normal="an age below 300; none dropped or unreadable. One process: no records.",
        act="an age above 600: drift and safe-to-run are stale.",
        alert="AgentEvaluatorFrozen",
        unit="short",
    ),
    flow(
        "Spans read twice",
        Query(expr=rate("verified_spans_total", "result", "60 * "), legend="{{result}}"),
        shows="Spans a minute that were read by shape and in full, and whether both said the same.",
        normal="same, and never different.",
        act="different: a bug of ours; set `runs.verify_ratio: 1` and report it with the span.",
        unit="cpm",
    ),
    flow(
        "Series and bounds",
        Query(expr=f"sum by (instance) ({P}series)", legend="series {{instance}}"),
        Query(
            expr=f"sum by (cap) (increase({P}overflow_total[$__rate_interval]))",
            legend="folded: {{cap}}",
        ),
        shows="Series about agents in the process, and values folded into `_other` by bound.",
        normal="steady; nothing folded.",
        act="folded: a label takes too many values; raise the cap or fix the sender.",
        unit="short",
    ),
    flow(
        "Rows for the ledger",
        Query(expr=rate("ledger_rows_total", "result", "60 * "), legend="{{result}}"),
        shows="Runs and corrections kept or dropped, a minute.",
        normal="written follows the runs. No storage: no lines.",
        act="dropped: the disk is full or slow; runs are counted but cannot be looked up.",
        unit="cpm",
    ),
    flow(
        "On disk",
        Query(expr=f"max by (instance) ({P}journal_bytes)", legend="journal {{instance}}"),
        Query(expr=f"sum by (destination) ({P}spill_bytes)", legend="unsent {{destination}}"),
        shows="What open runs and counters take on disk, and what destinations have not taken yet,"
        " where storage is set.",
        normal="steady at steady traffic.",
        act="a steady rise: a destination takes nothing, or runs never close.",
        unit="bytes",
    ),
    table(
        "What was kept",
        Column(
            title="Unreadable at start",
            expr=f"max by (instance) ({P}journal_unreadable_entries)",
            decimals=0,
            steps=((None, "text"), (0.5, "red")),
        ),
        Column(
            title="Newest decision",
            expr=f"max by (instance, digest) ({P}decisions_head)",
            decimals=0,
        ),
        keys={"instance": "Process", "digest": "Its digest"},
        shows="Journal entries set aside as unreadable, and the newest decision of people with its"
        " digest.",
        normal="0 unreadable.",
        act="note number and digest elsewhere: `agentslo audit verify --head` then proves that"
        " nothing was rewritten.",
        width=12,
        empty="no storage",
    ),
    table(
        "What runs",
        Column(
            title="Up for",
            expr=f"time() - max by (instance) ({P}start_time_seconds)",
            unit="dtdurations",
            decimals=0,
        ),
        Column(
            title="Built",
            expr=f"max by (instance, version) ({P}build_info)",
            hidden=True,
        ),
        keys={"instance": "Process", "version": "Version"},
        shows="Each process, its version and how long it runs.",
        normal="one version.",
        act="a short time without a deployment: it crashed.",
        alert="AgentTelemetryDown",
        width=24,
        height=5,
        empty=EMPTY,
    ),
)
