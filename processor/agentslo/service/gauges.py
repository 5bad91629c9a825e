"""The processor's own state as metric rows, read when somebody asks.

In: receivers, dispatcher, pipeline. Out: rows set in `Metrics`. State: what was added so far of
figures that are kept as running totals elsewhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agentslo import __version__
from agentslo.config.options import ListenOptions
from agentslo.measure import names as m
from agentslo.measure.family import Family
from agentslo.measure.labels import Labels
from agentslo.measure.series import Metrics
from agentslo.otlp.answer import Answers, Signal
from agentslo.otlp.destination import Destination
from agentslo.service.access import open_listeners
from agentslo.service.dispatch import Dispatcher
from agentslo.service.ingest import Intake
from agentslo.service.pipeline import Pipeline

_REFUSED = {"invalid", "retry", "too_large", "unauthenticated"}
_TALLIES: Mapping[str, tuple[Family, Labels]] = {
    "step_late": (m.LATE_SPANS, ()),
    "step_duplicate": (m.DUPLICATE_SPANS, ()),
    "already_enriched": (m.ALREADY_MARKED_SPANS, ()),
    "unreadable_span": (m.PARSE_FAILURES, ("traces",)),
    "unreadable_scope": (m.PARSE_FAILURES, ("traces",)),
    "invalid_ids": (m.PARSE_FAILURES, ("traces",)),
    "unreadable_log": (m.PARSE_FAILURES, ("logs",)),
    "read_same": (m.VERIFIED_SPANS, ("same",)),
    "read_differs": (m.VERIFIED_SPANS, ("different",)),
    "read_error": (m.PIPELINE_ERRORS, ("read",)),
    "close_error": (m.PIPELINE_ERRORS, ("close",)),
    "watch_error": (m.PIPELINE_ERRORS, ("watch",)),
    "evaluations": (m.EVALUATION_EVENTS, ()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanAccount:
    """accepted = forwarded + queued + held + dropped, over incoming spans."""

    accepted: int
    forwarded: int
    queued: int
    held: int
    dropped: Counter[str]

    def __str__(self) -> str:
        return (
            f"accepted={self.accepted} forwarded={self.forwarded} queued={self.queued} "
            f"held={self.held} dropped={self.dropped.total()}"
        )


def constants(metrics: Metrics, listen: ListenOptions, started_ns: int) -> None:
    """Set what does not change while the process runs."""
    metrics.set(m.CONFIG_RELOAD, (), 1.0)
    metrics.set(m.START_TIME, (), started_ns / 1e9)
    metrics.set(m.BUILD_INFO, (__version__,), 1.0)
    for ack in {listen.grpc.ack, listen.http.ack}:
        metrics.set(m.PROMISE, (ack,), 1.0)
    for name, anybody in open_listeners(listen).items():
        metrics.set(m.LISTENER_OPEN, (name,), float(anybody))


class Gauges:
    """Brings the processor families up to date."""

    def __init__(
        self, metrics: Metrics, intake: Intake, dispatcher: Dispatcher, pipeline: Pipeline
    ) -> None:
        self._metrics, self._intake = metrics, intake
        self._dispatcher, self._pipeline = dispatcher, pipeline
        self._seen: Counter[tuple[Family, Labels]] = Counter()

    def update(self, answers: Iterable[Answers], now_ns: int) -> None:
        """Set every gauge, and move every counter to its running total."""
        self._receivers(answers, now_ns)
        self._stages(now_ns)
        for destination in self._dispatcher.destinations:
            if destination.name == self._dispatcher.tells:
                self._queue(destination, now_ns)
            else:
                self._destination(destination, now_ns)

    def ledger(self, written: int, dropped: int, now_ns: int) -> None:
        """Rows of the ledger so far."""
        self._to(m.LEDGER_ROWS, ("written",), written, now_ns)
        self._to(m.LEDGER_ROWS, ("dropped",), dropped, now_ns)

    def denied(self, listener: str, denied: Mapping[str, int], now_ns: int) -> None:
        """Requests a listener turned away so far, by reason."""
        for reason, total in denied.items():
            self._to(m.ACCESS_DENIED, (listener, str(reason)), total, now_ns)

    def _to(self, family: Family, labels: Labels, total: float, now_ns: int) -> None:
        """Raise a counter to the total kept elsewhere."""
        more = total - self._seen[family, labels]
        if more > 0:
            self._metrics.inc(family, labels, now_ns, more)
            self._seen[family, labels] = int(total)
        else:
            self._metrics.touch(family, labels, now_ns)

    def _receivers(self, answers: Iterable[Answers], now_ns: int) -> None:
        requests: Counter[tuple[str, str]] = Counter()
        received = 0
        for one in answers:
            requests.update(one.requests)
            received += one.received_bytes
        for (signal, code), total in requests.items():
            name = str(signal)
            if code in _REFUSED:
                self._to(m.REQUESTS_REFUSED, (name, str(code)), total, now_ns)
            else:
                self._to(m.REQUESTS, (name,), total, now_ns)
        self._to(m.SPANS_RECEIVED, (), self._intake.spans_received, now_ns)
        self._to(m.RECEIVED_BYTES, ("traces",), received, now_ns)
        for labels, total in self._intake.passed_on.items():
            self._to(m.PASSED_THROUGH, labels, total, now_ns)

    def _stages(self, now_ns: int) -> None:
        metrics, assembler = self._metrics, self._pipeline.assembler
        totals: Counter[tuple[Family, Labels]] = Counter()
        for name, key in _TALLIES.items():
            totals[key] += self._pipeline.tally[name]
        for (family, labels), total in totals.items():
            self._to(family, labels, total, now_ns)
        for stage, total in self._intake.tally.items():
            self._to(m.PIPELINE_ERRORS, (stage,), total, now_ns)
        for dialect, total in self._pipeline.agent_spans.items():
            self._to(m.AGENT_SPANS, (dialect,), total, now_ns)
        for dialect, total in self._pipeline.plugin_failures.items():
            self._to(m.PLUGIN_FAILURES, (dialect,), total, now_ns)
        if not self._pipeline.verdicts.apart:
            # An evaluator elsewhere has what is ignored here.
            for reason, total in self._pipeline.verdicts.evidence.ignored.items():
                self._to(m.EVALUATIONS_IGNORED, (reason,), total, now_ns)
        self._to(m.UNATTACHED_MODEL_CALLS, (), assembler.unattached_model_calls, now_ns)
        metrics.set(m.OPEN_TRACES, (), assembler.open_traces)
        metrics.replace(
            m.RUNS_WAITING, {k: float(v) for k, v in self._pipeline.verdicts.waiting.counts.items()}
        )

    def _destination(self, destination: Destination, now_ns: int) -> None:
        at, account = (destination.name,), self.account(destination)
        stats = destination.stats
        self._to(m.SPANS_ACCEPTED, at, account.accepted, now_ns)
        self._to(m.SPANS_FORWARDED, at, account.forwarded, now_ns)
        self._to(m.FORWARDED_BYTES, at, stats.sent_bytes, now_ns)
        for reason, count in account.dropped.items():
            self._to(m.SPANS_DROPPED, (*at, reason), count, now_ns)
        made = self._dispatcher.accounts[destination.name].verdict_spans
        self._to(m.VERDICT_SPANS, at, made, now_ns)
        self._metrics.set(m.SPANS_QUEUED, at, account.queued)
        self._metrics.set(m.SPANS_HELD, at, account.held)
        self._queue(destination, now_ns)

    def _queue(self, destination: Destination, now_ns: int) -> None:
        """What waits for a destination, in memory and on disk, and how long."""
        at, stats = (destination.name,), destination.stats
        self._metrics.set(m.QUEUE_BYTES, at, stats.held_bytes)
        oldest_s = stats.oldest_age_s
        spill = self._dispatcher.spills.get(destination.name)
        if spill is not None:
            self._metrics.set(m.SPILL_BYTES, at, spill.size_bytes)
            self._metrics.set(m.SPILL_DAMAGED, at, spill.damaged)
            if spill.oldest_ns():
                oldest_s = max(oldest_s, (now_ns - spill.oldest_ns()) / 1e9)
        self._metrics.set(m.QUEUE_OLDEST_AGE, at, oldest_s)

    def account(self, destination: Destination) -> SpanAccount:
        """The destination's account over incoming spans as of now."""
        stats = destination.stats
        dropped = Counter(self._dispatcher.accounts[destination.name].dropped)
        held = 0
        if self._dispatcher.selects(destination):
            # A second copy of a held root takes the first one's place.
            dropped["duplicate"] += self._pipeline.tally["held_duplicate"]
            held = self._pipeline.assembler.held
        own = dropped.total()
        pending = self._dispatcher.accounts[destination.name].pending
        spill = self._dispatcher.spills.get(destination.name)
        pending += spill.waiting_items if spill else 0
        for (signal, reason), count in stats.dropped.items():
            if signal is Signal.TRACES:
                dropped[reason] += count
        return SpanAccount(
            accepted=stats.offered.get(Signal.TRACES, 0) + own + held + pending,
            forwarded=stats.forwarded.get(Signal.TRACES, 0),
            queued=stats.queued.get(Signal.TRACES, 0) + pending,
            held=held,
            dropped=+dropped,
        )
