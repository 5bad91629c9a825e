"""The families about this process: what it did with spans, what it saw in them, how it fares.

A part of the table in `catalogue.py`, apart for its length. No state. Source: design.md 6.
"""

from typing import Final

from agentslo.measure.family import CAPS, Label, counter, gauge, one_of

_DESTINATION = Label(name="destination")
_LISTENER = one_of("listener", "grpc", "http", "metrics", "page")
_SIGNAL = one_of("signal", "traces", "logs", "metrics")


def _open(name: str) -> Label:
    """A label whose values have no cap of their own."""
    return Label(name=name, cap="values")


PROCESSOR_FAMILIES: Final = (
    # What the process did with spans. Per destination, over the spans its `forward` selects:
    # accepted = forwarded + queued + held + dropped.
    counter("agent_slo_processor_spans_received_total", "Spans in requests that were not refused."),
    counter(
        "agent_slo_processor_agent_spans_total",
        "Spans read as steps of agent runs, by dialect (generic: no dialect gave a role).",
        _open("dialect"),
    ),
    counter(
        "agent_slo_processor_spans_accepted_total",
        "Spans taken on for a destination.",
        _DESTINATION,
    ),
    counter(
        "agent_slo_processor_spans_forwarded_total",
        "Spans a destination has accepted.",
        _DESTINATION,
    ),
    counter(
        "agent_slo_processor_records_sent_total",
        "Records for the evaluator: closed runs, turns, what was said of runs.",
        one_of("result", "sent", "dropped"),
    ),
    counter(
        "agent_slo_processor_records_received_total",
        "Records of processors, by what became of them (split: a piece of a run that is known).",
        one_of("result", "taken", "repeated", "split", "unreadable"),
    ),
    gauge(
        "agent_slo_processor_spans_queued",
        "Spans waiting to be sent to a destination.",
        _DESTINATION,
    ),
    gauge(
        "agent_slo_processor_spans_held",
        "Run roots held for a destination until their outcome is known.",
        _DESTINATION,
    ),
    counter(
        "agent_slo_processor_spans_dropped_total",
        "Spans that will not reach a destination, by reason.",
        *(_DESTINATION, _open("reason")),
    ),
    counter(
        "agent_slo_processor_verdict_spans_total",
        "Verdict spans made for a destination; not among its accepted spans.",
        _DESTINATION,
    ),
    counter(
        "agent_slo_processor_requests_total", "Export requests that were not refused.", _SIGNAL
    ),
    counter(
        "agent_slo_processor_requests_refused_total",
        "Export requests answered with an error, by reason.",
        *(_SIGNAL, _open("reason")),
    ),
    counter(
        "agent_slo_processor_access_denied_total",
        "Requests turned away for their token, or as a browser's on a stranger's behalf.",
        *(_LISTENER, _open("reason")),
    ),
    gauge(
        "agent_slo_processor_listener_open",
        "1 where whoever reaches a listener may use it: away from loopback, asking nothing.",
        _LISTENER,
    ),
    counter(
        "agent_slo_processor_received_bytes_total",
        "Uncompressed bytes of export requests that were not refused.",
        _SIGNAL,
        unit="bytes",
    ),
    counter(
        "agent_slo_processor_forwarded_bytes_total",
        "Uncompressed bytes a destination has accepted.",
        _DESTINATION,
        unit="bytes",
    ),
    counter(
        "agent_slo_processor_passed_through_requests_total",
        "Metric and log requests, by whether they were passed on byte for byte.",
        _SIGNAL,
        one_of("result", "forwarded", "discarded"),
    ),
    gauge(
        "agent_slo_processor_queue_bytes",
        "Bytes waiting to be sent to a destination.",
        _DESTINATION,
        unit="bytes",
    ),
    gauge(
        "agent_slo_processor_queue_oldest_age_seconds",
        "Age of the oldest request waiting to be sent to a destination; 0 where none waits.",
        _DESTINATION,
        unit="seconds",
    ),
    # What it saw in them.
    gauge("agent_slo_processor_open_traces", "Traces with agent spans that are still open."),
    counter(
        "agent_slo_processor_late_spans_total", "Agent spans that came after their run was counted."
    ),
    counter("agent_slo_processor_duplicate_spans_total", "Agent spans seen before, not reread."),
    counter(
        "agent_slo_processor_already_marked_spans_total",
        "Spans that came with attributes of ours and got none added.",
    ),
    counter(
        "agent_slo_processor_parse_failures_total",
        "Requests or spans that could not be read and were passed on as they were.",
        _SIGNAL,
    ),
    counter(
        "agent_slo_processor_verified_spans_total",
        "Spans read both by shape and in full (`runs.verify_ratio`); a difference is our bug.",
        one_of("result", "same", "different"),
    ),
    counter(
        "agent_slo_processor_pipeline_errors_total",
        "Errors of our own, by stage; the spans were passed on.",
        _open("stage"),
    ),
    counter(
        "agent_slo_processor_plugin_failures_total",
        "Spans on which a dialect plug-in raised; they were read without it.",
        _open("dialect"),
    ),
    counter(
        "agent_slo_processor_unattached_model_calls_total", "Model calls that belong to no run."
    ),
    counter("agent_slo_processor_evaluation_events_total", "Evaluation results received."),
    counter(
        "agent_slo_processor_evaluations_ignored_total",
        "Evaluation results that changed nothing, by reason.",
        _open("reason"),
    ),
    gauge(
        "agent_slo_processor_spill_bytes",
        "Requests on disk that a destination has not taken yet.",
        _DESTINATION,
        unit="bytes",
    ),
    gauge(
        "agent_slo_processor_spill_damaged_records",
        "Requests on disk that could not be read back, since the start.",
        _DESTINATION,
    ),
    gauge("agent_slo_processor_journal_bytes", "What the journal takes on disk.", unit="bytes"),
    gauge(
        "agent_slo_processor_journal_unreadable_entries",
        "Journal entries that could not be used at start and were set aside with their file.",
    ),
    counter(
        "agent_slo_processor_ledger_rows_total",
        "Runs and corrections for the ledger, by whether they were kept.",
        one_of("result", "written", "dropped"),
    ),
    # The process itself.
    counter(
        "agent_slo_processor_overflow_total",
        "Times a bound on labels or series was met and a value was folded into `_other`.",
        one_of("cap", *CAPS),
    ),
    gauge("agent_slo_processor_series", "Series about agents that exist in this process."),
    gauge(
        "agent_slo_processor_loop_stall_seconds",
        "Longest time the event loop did not answer, since the start of the last full minute.",
        unit="seconds",
    ),
    gauge(
        "agent_slo_processor_loop_turn_cpu_seconds",
        "The same in CPU time: how long our own code kept the loop, whatever else the machine did.",
        unit="seconds",
    ),
    gauge(
        "agent_slo_processor_promise",
        "1 while the promise behind an acknowledgement is kept, 0 while it is lowered.",
        one_of("ack", "forwarded", "stored", "received"),
    ),
    gauge(
        "agent_slo_processor_start_time_seconds",
        "When this process started, in seconds since 1970.",
        unit="seconds",
    ),
    gauge(
        "agent_slo_processor_decisions_head",
        "Number of the newest decision, with its digest: for `audit verify --head`.",
        _open("digest"),
    ),
    gauge("agent_slo_processor_build_info", "Always 1: what is running.", Label(name="version")),
)
