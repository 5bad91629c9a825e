"""What is said of runs from outside their own spans: log records, judges' spans, people.

In: encoded log requests, spans, judgements with what they are about. Out: `Happening`s. State: none
of its own; `Verdicts` keeps what waits for its run.
"""

from collections import Counter
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from agentslo.dialects import evaluations
from agentslo.dialects import logs as log_records
from agentslo.dialects.base import SpanView
from agentslo.model import Evaluation, Step
from agentslo.otlp.cut import Request
from agentslo.runs.evidence import About
from agentslo.service.events import Happening
from agentslo.service.verdicts import Verdicts


class Heard:
    """Finds judgements and hands them to the verdicts. `tally` counts them."""

    def __init__(self, verdicts: Verdicts, tally: Counter[str]) -> None:
        self._verdicts, self._tally = verdicts, tally

    def logs(self, body: bytes, now_ns: int) -> list[Happening]:
        """Take one logs export request: evaluations are used, all else is left alone. Raises
        `CutError` where it is none.
        """
        out: list[Happening] = []
        for batch in Request(body).batches:
            for encoded in batch.items:
                try:
                    found = log_records.read(encoded)
                except DecodeError:
                    self._tally["unreadable_log"] += 1
                    continue
                if found is not None:
                    out.extend(self._logged(found, now_ns))
        return out

    def linked(self, view: SpanView, step: Step | None, now_ns: int) -> Iterator[Happening]:
        """What a judge's span says of the spans it links to."""
        for link in evaluations.linked(view, step.role if step else None):
            about = About(trace_id=link.trace_id.hex(), span_id=link.span_id)
            for said in evaluations.on_span(view):
                yield from self.judgement(about, said, now_ns)

    def judgement(self, about: About, said: Evaluation, now_ns: int) -> list[Happening]:
        """Take one judgement of a run."""
        self._tally["evaluations"] += 1
        return list(self._verdicts.evaluated(about, said, now_ns))

    def _logged(self, found: log_records.LoggedEvaluation, now_ns: int) -> list[Happening]:
        # A record in a trace is about its span; the id of the response may be another's in there.
        about = About(
            trace_id=found.trace_id.hex(),
            span_id=found.span_id,
            response_id="" if found.trace_id else found.response_id,
        )
        return self.judgement(about, found.evaluation, now_ns)
